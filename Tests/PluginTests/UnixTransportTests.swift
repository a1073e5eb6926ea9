import Foundation
import Libevent
import SyncPlugin
import SyncSystem
import SyncTestKit
import Testing

@testable import TransportUnix

@Suite struct UnixTransportTests {
  static let trust: [(PeerTrust, UInt32, client: Bool, agent: Bool)] = [
    (PeerTrust(thisUser: 1000, sudoUser: nil, isPathExplicit: true), 1000, true, true),
    (PeerTrust(thisUser: 1000, sudoUser: nil, isPathExplicit: true), 0, true, true),
    (PeerTrust(thisUser: 1000, sudoUser: 1001, isPathExplicit: true), 1001, false, false),
    (PeerTrust(thisUser: 0, sudoUser: nil, isPathExplicit: false), 1000, false, false),
    (PeerTrust(thisUser: 0, sudoUser: 1000, isPathExplicit: false), 1000, false, true),
    (PeerTrust(thisUser: 0, sudoUser: 1000, isPathExplicit: false), 1001, false, false),
    (PeerTrust(thisUser: 0, sudoUser: nil, isPathExplicit: true), 1001, false, true),
  ]

  @Test(arguments: trust)
  func trustsWhomTheContractNames(_ trust: PeerTrust, _ user: UInt32, _ client: Bool, _ agent: Bool)
  {
    let peer = Peer(processID: 1, userID: user)
    #expect(trust.isClientTrusted(peer) == client)
    #expect(trust.isAgentTrusted(peer) == agent)
  }

  @Test func takesItsPathFromTheEndpointOrTheEnvironment() throws {
    let environment: Environment = ["CODER_AGENT_SOCKET_PATH": "/run/x"]
    #expect(try UnixTransport(address: "/a", environment: environment).path == "/a")
    #expect(try UnixTransport(address: nil, environment: environment).path == "/run/x")
    #expect(try UnixTransport(address: nil, environment: [:]).path == "/tmp/coder-agent.sock")
    let error = #expect(throws: PluginError.self) {
      try SocketOwnership(path: "/tmp/" + String(repeating: "p", count: 103))
    }
    #expect(error?.code == .invalidArgument)
  }

  static let calls: [SystemCall] = [
    .mkdir, .stat, .open, .fstat, .flock, .lstat, .fchmod, .ftruncate, .socket, .bind, .chmod,
    .listen,
  ]

  /// Whatever call fails, with whatever error: the path is given up clean, and the next start works.
  @Test(arguments: calls)
  func aFailingCallLeavesNothingBehind(_ call: SystemCall) throws {
    let folder = try TemporaryFolder()
    let path = folder.file("a.sock")
    for occurrence in 1...4 {
      var seen = 0
      let descriptors = try openDescriptors(in: folder)
      var failed = false
      do {
        let ownership = try withSystemCallHook(
          {
            if $0 == call { seen += 1 }
            if $0 == call, seen == occurrence {
              failed = true
              return ENOSPC
            }
            return nil
          }
        ) { try SocketOwnership(path: path) }
        // The call does not happen so often, or the answer did not matter.
        ownership.release()
      } catch {
        #expect(failed)
        #expect((error as? PluginError)?.message.contains("no space left on device") == true)
        // An unlocked lock file may stay where nobody could look at it any more.
        #expect(folder.files.filter { $0 != "a.sock.lock" } == [])
      }
      #expect(try openDescriptors(in: folder) == descriptors)
      let next = try SocketOwnership(path: path)
      next.release()
      #expect(folder.files == [])
    }
  }

  @Test func interruptedCallsAreRepeated() throws {
    let folder = try TemporaryFolder()
    var count = 0
    let ownership = try withSystemCallHook(
      { _ in
        count += 1
        return count % 2 == 1 ? EINTR : nil
      }
    ) { try SocketOwnership(path: folder.file("a.sock")) }
    #expect(count > 20)
    ownership.release()
    #expect(folder.files == [])
  }

  private func openDescriptors(in folder: TemporaryFolder) throws -> [String] {
    // Other tests open and close theirs meanwhile.
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { name in
      let target = try? FileManager.default.destinationOfSymbolicLink(
        atPath: "/proc/self/fd/\(name)")
      return target?.hasPrefix(folder.path) == true ? target : nil
    }.sorted()
  }
}
