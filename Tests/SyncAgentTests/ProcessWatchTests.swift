import Foundation
import Libevent
import SyncPlugin
import SyncRPC
import SyncSystem
import SyncTestKit
import SyncUnits
import Testing
import TransportMemory

@testable import SyncAgent

/// Real processes, as the kernel shows them.
@Suite(.timeLimit(.minutes(1))) struct ProcessWatchTests {
  static let me = ThisProcess.id

  /// A process that ends when it is told to.
  private func sleeper() throws -> CoderProcess { try CoderProcess(["1000"], program: "sleep") }

  @Test func aChildIsWatchedToItsEnd() async throws {
    let child = try sleeper()
    let watched = try ProcessWatch.system.find(child.processID, .child, Self.me)
    #expect(watched.id == child.processID)
    // In the moment in which it becomes the program it has no arguments.
    while ProcessWatch.system.command(child.processID).isEmpty { await Task.yield() }
    #expect(ProcessWatch.system.command(child.processID) == "sleep 1000")
    #expect(!ProcessTable.hasEnded(watched.descriptor))
    child.send(SIGKILL)
    _ = await child.end()
    #expect(ProcessTable.hasEnded(watched.descriptor))
    ProcessWatch.system.close(watched.descriptor)
    #expect(ProcessWatch.system.now() > 1_700_000_000_000)
  }

  @Test func anAncestorIsWatched() async throws {
    let child = try sleeper()
    let watched = try ProcessWatch.system.find(Self.me, .ancestor, child.processID)
    #expect(watched.id == Self.me)
    ProcessWatch.system.close(watched.descriptor)
    child.send(SIGKILL)
    _ = await child.end()
  }

  /// Whoever could name any process could make others' units fail, or learn of their processes.
  @Test func nobodyElseIs() async throws {
    let (child, other) = (try sleeper(), try sleeper())
    let ended = try sleeper()
    ended.send(SIGKILL)
    _ = await ended.end()
    let (mine, its, gone) = (child.processID, other.processID, ended.processID)
    let cases: [(Int32, ProcessWatch.Relation, Int32, String)] = [
      (1, .ancestor, Self.me, "it is the first one, which never ends"),
      (0, .child, Self.me, "there is none"), (-1, .child, Self.me, "there is none"),
      (gone, .child, Self.me, "there is none"),
      (mine, .child, gone, "the client has ended"),
      (mine, .child, its, "the client did not start it"),
      (mine, .ancestor, its, "it did not start the client"),
      (mine, .ancestor, Self.me, "it did not start the client"),
      (Self.me, .child, mine, "the client did not start it"),
    ]
    for (process, relation, client, reason) in cases {
      let error = #expect(throws: UnitError.self) {
        _ = try ProcessWatch.system.find(process, relation, client)
      }
      let text = "process \(process) cannot be watched: \(reason)"
      #expect(error == UnitError(.permissionDenied, text))
    }
    for process in [child, other] {
      process.send(SIGKILL)
      _ = await process.end()
    }
  }

  /// The whole way, with the agent's own watch.
  @Test func aLockOutlivesTheClientUntilItsCommandEnds() async throws {
    let child = try sleeper()
    let manager = LocalUnitManager()
    let thread = try LoopThread()
    let (loop, folder) = (thread.loop, try TemporaryFolder())
    let agent = Agent(on: loop, log: Log(level: .error), manager: manager)
    let transport = try MemoryTransport(address: folder.path, environment: [:])
    try await agent.listen(on: transport)
    var options = StartOptions()
    options.locks = ["apt"]
    let client = try await RemoteUnitManager(connectingTo: transport, on: loop)
    _ = try await client.start("first", options, tie: .lease(process: child.processID))
    await client.close()
    try await manager.wait(for: .units(["first"], .completion, count: 1))
    #expect(try manager.status(of: "first").status == .failed)
    #expect(manager.lockCount == 1)
    async let second = manager.start("second", options)
    child.send(SIGKILL)
    _ = await child.end()
    #expect(try await second == 1)
    await agent.close()
    thread.stop()
  }
}
