import Foundation
import SyncRPC
import SyncSystem
import SyncTestKit
import SyncUnits
import SyncWire
import Testing
import WireFixtures

/// Clients that are slow, dead, stopped, killed, or very many.
@Suite(.serialized) struct PeerTests {
  /// What a client can be that does nothing for anybody.
  enum Burden: CaseIterable {
    case silent, halfAFrame, halfACall, halfClosed, dripping, waiting
  }

  /// A thousand of them, of all kinds, while somebody works.
  @Test func slowAndDeadClientsDisturbNobody() async throws {
    let agent = try await TestAgent()
    _ = try await agent.sync("want", "never", "registered")
    let descriptors = OpenDescriptors(of: agent.process.processID)
    try await work(with: agent, beside: try crowd(around: agent))
    try await descriptors.requireSame()
    #expect(try await agent.sync("ping").output == "Success\n")
    #expect(await agent.stop().status == 0)
  }

  private func crowd(around agent: TestAgent) throws -> [Burden: [RawConnection]] {
    let limit = try ThisProcess.raiseOpenFileLimit()
    var crowd: [Burden: [RawConnection]] = [:]
    for index in 0..<min(1_000, Int(limit) - 200) {
      let burden = Burden.allCases[index % Burden.allCases.count]
      let connection = try RawConnection(to: agent.socketPath)
      switch burden {
      case .silent, .dripping: break
      case .halfAFrame: connection.send([0x03, 1])
      case .halfACall: connection.send(frame(.invoke, 1, 1, Method.start.path))
      case .halfClosed:
        connection.send(frame(.invoke, 1, 1, Method.start.path))
        connection.endOutput()
      case .waiting:
        connection.send(call(.wait, UnitSync.WaitRequest(.ready("never")).encoded))
      }
      crowd[burden, default: []].append(connection)
    }
    return crowd
  }

  private func work(
    with agent: TestAgent, beside crowd: [Burden: [RawConnection]]
  ) async throws {
    let frames = [
      frame(.invoke, 1, 1, Method.ping.path), frame(.message, 1, 2), frame(.closeSend, 1, 3),
    ]
    for (index, frame) in frames.enumerated() {
      for byte in frame { for connection in crowd[.dripping]! { connection.send([byte]) } }
      // Between frames, for which there is no limit.
      for unit in (0..<7).map({ "unit-\(index)-\($0)" }) {
        #expect(try await agent.sync("start", unit).status == 0)
        #expect(try await agent.sync("complete", unit).output == "Success\n")
      }
    }
    // Who was slow gets the answer in the end, and who had said that no more comes has been let go.
    for connection in crowd[.dripping]! { #expect(connection.read(atLeast: success().count)) }
    for connection in crowd[.halfClosed]! { #expect(connection.readUntilEnd() == []) }
    // A frame that has begun is waited for, and no longer than its limit.
    for connection in crowd[.halfAFrame]! { #expect(await connection.untilEnd() == []) }
  }

  // MARK: Very many

  /// What a client does before it hangs up.
  enum Visit: CaseIterable {
    case nothing, halfACall, ping, pingUnanswered, wait
  }

  @Test func aHundredThousandClientsLeaveNothing() async throws {
    let agent = try await TestAgent(flags: ["--log-level", "error"])
    _ = try await agent.sync("want", "never", "registered")
    let descriptors = OpenDescriptors(of: agent.process.processID)
    let count = isSanitized ? 5_000 : 100_000
    let address = try SocketAddress(agent.socketPath)
    // What is kept for the next ones is there after the first ones.
    #expect(await visit(address, times: count / 10))
    try await descriptors.requireSame()
    let before = try residentKilobytes(agent.process.processID)
    #expect(await visit(address, times: count - count / 10))
    try await descriptors.requireSame()
    let after = try residentKilobytes(agent.process.processID)
    if !isSanitized { #expect(after - before < 1_024, "from \(before) KB to \(after) KB") }
    #expect(try await agent.sync("ping").output == "Success\n")
  }

  /// Over TCP they are reset in the middle, too.
  @Test func clientsThatResetTheirConnectionsLeaveNothing() async throws {
    let agent = try await TestAgent(transport: "tcp", flags: ["--log-level", "error"])
    let file = try String(contentsOfFile: agent.folder.file("tcp-latest"), encoding: .utf8)
    let port = try #require(
      file.split(separator: "\n").first?.split(separator: ":").last.flatMap { UInt16($0) })
    let descriptors = OpenDescriptors(of: agent.process.processID)
    #expect(await visit(SocketAddress(port: port), times: isSanitized ? 500 : 5_000))
    try await descriptors.requireSame()
    #expect(try await agent.sync("ping").output == "Success\n")
  }

  /// Connects so many times from a thread, and hangs up; by a reset where there is one.
  private func visit(_ address: SocketAddress, times: Int) async -> Bool {
    let bytes = Visit.allCases.map { visit in
      switch visit {
      case .nothing: [UInt8]()
      case .halfACall: Array(call(.ping).prefix(20))
      case .ping, .pingUnanswered: call(.ping)
      case .wait: call(.wait, UnitSync.WaitRequest(.ready("never")).encoded)
      }
    }
    return await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        var answer = [UInt8](repeating: 0, count: 64)
        for index in 0..<times {
          guard let descriptor = address.connect() else {
            return continuation.resume(returning: false)
          }
          let visit = index % bytes.count
          if !bytes[visit].isEmpty {
            send(descriptor, bytes[visit], bytes[visit].count, Int32(MSG_NOSIGNAL))
          }
          if Visit.allCases[visit] == .ping { recv(descriptor, &answer, answer.count, 0) }
          close(descriptor)
        }
        continuation.resume(returning: true)
      }
    }
  }

  private func residentKilobytes(_ id: Int32) throws -> Int {
    let status = try String(contentsOfFile: "/proc/\(id)/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS") })
    return try #require(Int(line.split { $0 == " " || $0 == "\t" }[1]))
  }

  // MARK: Stopped

  /// Stopped clients hold nobody up. Those that go on get what they were waiting for, and of those that are
  /// killed nothing is left.
  @Test(arguments: [SIGCONT, SIGKILL])
  func aStoppedClientHoldsNobodyUp(_ signal: Int32) async throws {
    let agent = try await TestAgent(flags: ["--log-level", "debug"])
    let descriptors = OpenDescriptors(of: agent.process.processID)
    let strategies = ["push", "poll:10ms"]
    for strategy in strategies { _ = try await agent.sync("want", strategy, "b") }
    let waits = try strategies.map { try agent.start(["start", $0, "--wait", $0]) }
    for wait in waits { await wait.waitForOutput("\n") }
    let script = """
      import os, signal, socket, sys
      s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
      call = bytes.fromhex(sys.argv[2]); s.sendall(call[:25]); os.kill(os.getpid(), signal.SIGSTOP)
      s.sendall(call[25:]); print(s.recv(100).hex())
      """
    let start = call(.start, UnitRequest(unit: "c").encoded)
    let half = try CoderProcess(
      ["-c", script, agent.socketPath, start.map { hexadecimal($0) }.joined()],
      program: "python3")
    let stopped = waits + [half]
    for wait in waits { wait.send(SIGSTOP) }
    for client in stopped { try await expectStopped(client) }
    // Others do what they were waiting for.
    for command in ["start", "complete"] {
      #expect(try await agent.sync(command, "b").status == 0)
    }
    #expect(try await agent.sync("ping").output == "Success\n")
    for client in stopped { client.send(signal) }
    for (strategy, wait) in zip(strategies, waits) {
      let result = await wait.end()
      if signal == SIGKILL {
        #expect(result.signal == SIGKILL)
      } else {
        #expect(result.status == 0)
        #expect(
          result.output.hasSuffix("Unit \"\(strategy)\" finished waiting for dependencies: [b]\n"))
      }
    }
    let answer = await half.end()
    if signal == SIGCONT {
      #expect(answer.output == success().map { hexadecimal($0) }.joined() + "\n")
    }
    try await descriptors.requireSame()
    let list = try await agent.sync("list", "-c", "unit,status")
    #expect(list.output.contains("\nc ") == (signal == SIGCONT))
    let status = signal == SIGCONT ? "started" : "pending"
    for strategy in strategies {
      #expect(list.output.matches(of: try Regex("(?m)^\(strategy) +\(status)$")).count == 1)
    }
    let log = await agent.stop().error.split(separator: "\n")
    // The last one may be leaving while the agent ends.
    let ends = log.count { $0.contains("disconnected") || $0.contains("connection closed") }
    #expect(log.count { $0.contains(" connected ") } == ends)
  }

  private func expectStopped(_ process: CoderProcess) async throws {
    let file = "/proc/\(process.processID)/stat"
    func isStopped() throws -> Bool {
      try String(contentsOfFile: file, encoding: .utf8).contains(") T ")
    }
    try await waitUntil(isStopped)
    #expect(try isStopped())
  }

  private func hexadecimal(_ byte: UInt8) -> String {
    (byte < 16 ? "0" : "") + String(byte, radix: 16)
  }

  // MARK: Killed

  /// A client that ends at any byte of its calls, which it had not waited for: each call took effect if it
  /// was there as a whole, and not otherwise.
  @Test func eachCallIsAllOrNothing() async throws {
    let agent = try await TestAgent(flags: ["--log-level", "error"])
    let descriptors = OpenDescriptors(of: agent.process.processID)
    let length = calls(in: 0).flatMap { $0.bytes }.count
    for count in 0...length {
      let connection = try RawConnection(to: agent.socketPath)
      connection.send(Array(calls(in: count).flatMap { $0.bytes }.prefix(count)))
    }
    try await descriptors.requireSame()
    let list = try await agent.sync("list", "-c", "unit,status").output
    let rows = list.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    let statuses = Dictionary(uniqueKeysWithValues: rows.map { ($0[0], $0[1]) })
    for count in 0...length {
      var expected: [String: String] = [:]
      var end = 0
      for call in calls(in: count) {
        if end + call.size <= count { expected.merge(call.effect) { $1 } }
        end += call.bytes.count
      }
      for unit in ["a", "b", "c"].map({ "\($0)-\(1_000 + count)" }) {
        #expect(statuses[unit] == expected[unit], "\(unit)")
      }
    }
    #expect(statuses["a-\(1_000 + length)"] == "completed")
  }

  private struct StepOfAClient {
    let bytes: [UInt8]
    /// The bytes without those that only say that no more comes.
    let size: Int
    /// The statuses that it changes.
    let effect: [String: String]

    init(_ method: Method, _ request: [UInt8], stream: Int, _ effect: [String: String] = [:]) {
      bytes = call(method, request, stream: UInt64(stream))
      size = bytes.count - frame(.closeSend, UInt64(stream), 3).count
      self.effect = effect
    }
  }

  /// Calls of both services, each for names of its own that are as long as any other's.
  private func calls(in round: Int) -> [StepOfAClient] {
    let (a, b, c) = ("a-\(1_000 + round)", "b-\(1_000 + round)", "c-\(1_000 + round)")
    var want = UnitSync.WantRequest()
    want.unit = c
    want.dependsOn = [a, b]
    var start = UnitSync.StartRequest()
    start.unit = a
    let finish = UnitSync.FinishRequest(UnitID(a), .completed, generation: nil)
    let wait = UnitSync.WaitRequest(.ready(UnitID(a))).encoded
    return [
      StepOfAClient(.want, WantRequest(unit: a, dependsOn: b).encoded, stream: 1, [a: "pending"]),
      StepOfAClient(.wait, wait, stream: 2),
      StepOfAClient(.wantAll, want.encoded, stream: 3, [c: "pending"]),
      StepOfAClient(.start, UnitRequest(unit: b).encoded, stream: 4, [b: "started"]),
      StepOfAClient(.complete, UnitRequest(unit: b).encoded, stream: 5, [b: "completed"]),
      StepOfAClient(.ready, UnitRequest(unit: a).encoded, stream: 6),
      StepOfAClient(.startWith, start.encoded, stream: 7, [a: "started"]),
      StepOfAClient(.finish, finish.encoded, stream: 8, [a: "completed"]),
    ]
  }
}

/// Where a thread can connect to as often as it likes.
private struct SocketAddress: Sendable {
  private let bytes: [UInt8]
  private let isInternet: Bool

  init(_ path: String) throws {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let text = Array(path.utf8)
    try #require(text.count < MemoryLayout.size(ofValue: address.sun_path))
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: text) }
    bytes = withUnsafeBytes(of: address) { Array($0) }
    isInternet = false
  }

  init(port: UInt16) {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    bytes = withUnsafeBytes(of: address) { Array($0) }
    isInternet = true
  }

  func connect() -> Int32? {
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(isInternet ? AF_INET : AF_UNIX, kind, 0)
    let result = bytes.withUnsafeBytes {
      Foundation.connect(
        descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
    guard result == 0 else {
      close(descriptor)
      return nil
    }
    if isInternet {
      var reset = linger(l_onoff: 1, l_linger: 0)
      setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, socklen_t(MemoryLayout<linger>.size))
    }
    return descriptor
  }
}
