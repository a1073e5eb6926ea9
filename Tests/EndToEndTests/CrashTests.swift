import Foundation
import Libevent
import StandardPlugins
import SyncPlugin
import SyncRPC
import SyncTestKit
import SyncUnits
import Testing

/// `run` is killed by SIGKILL, at any point of its life.
@Suite(.serialized) struct CrashTests {
  /// About where it is killed: the signal races with what comes next, by as much as the seed says.
  enum Point: String, CaseIterable, Sendable {
    case beforeWant, betweenWantAndStart, duringTheWait, afterStart, duringTheCommand
    case betweenTheCommandsEndAndComplete
  }

  private var seeds: ClosedRange<UInt64> { isSanitized ? 1...10 : 1...100 }

  @Test(arguments: Point.allCases)
  func everyDependentHearsOfIt(_ point: Point) async throws {
    let agent = try await TestAgent(flags: ["--log-level", "debug"])
    let thread = try LoopThread()
    let transport = try PluginCatalog.standard.transport(
      for: Endpoint(scheme: "unix", address: agent.socketPath), environment: [:])
    let manager = try await RemoteUnitManager(connectingTo: transport, on: thread.loop)
    var endings: Set<String> = []
    for seed in seeds {
      endings.insert(try await crash(point, seed, agent, manager))
    }
    // Nobody's lock is left: whoever comes later gets all of them.
    let locks = seeds.map { "--lock=lock \($0)" }
    let last = try await agent.start(["run", "last"] + locks + ["--timeout", "20s", "--", "true"])
      .end()
    #expect(last.error == "")
    #expect(last.status == 0)
    // And no process.
    try await expectNothingLeft(naming: agent.folder.file("mark"))
    if point == .duringTheWait || point == .duringTheCommand { #expect(endings == ["failed"]) }
    await manager.close()
    thread.stop()
  }

  /// Kills one run, and returns what its dependent heard.
  private func crash(
    _ point: Point, _ seed: UInt64, _ agent: TestAgent, _ manager: RemoteUnitManager
  ) async throws -> String {
    var random = SeededRandom(seed: seed)
    let (unit, dependent) = ("unit \(seed)", UnitID("dependent \(seed)"))
    let dependency = UnitID("dependency \(seed)")
    try await manager.want(dependent, dependsOn: UnitID(unit))
    if point != .duringTheWait {
      try await manager.start(dependency)
      try await manager.complete(dependency)
    }
    let waiting = Task { try await manager.waitUntilReady(dependent) }
    let run = try CoderProcess(
      [
        "exp", "sync", "run", unit, "--after", dependency.name, "--lock", "lock \(seed)",
        "--wait", "push", "--", "sh", "-c",
        "echo begun; \(point == .duringTheCommand ? "exec sleep 1000" : "echo ends")",
        agent.folder.file("mark"),
      ], environment: agent.environment)
    switch point {
    case .beforeWant: break
    case .betweenWantAndStart: await agent.process.waitForError("\"want \\\"\(unit)\\\"")
    case .duringTheWait: await agent.process.waitForError("\"status \\\"\(unit)\\\"\"")
    case .afterStart: await agent.process.waitForError("\"start \\\"\(unit)\\\"\"")
    case .duringTheCommand: await run.waitForOutput("begun")
    case .betweenTheCommandsEndAndComplete: await run.waitForOutput("ends")
    }
    for _ in 0..<Int.random(in: 0...200, using: &random) { await Task.yield() }
    run.send(SIGKILL)
    _ = await run.end()
    // The agent has seen the end of the connection when it answers the next one, except for a run that it
    // never heard of.
    let report = try await manager.status(of: UnitID(unit))
    if report.status == .notRegistered {
      let second = try await agent.start(["run", unit, "--", "true"]).end()
      #expect(second.status == 0)
    }
    do {
      try await waiting.value
      #expect(try await manager.status(of: UnitID(unit)).status == .completed)
      return "completed"
    } catch let error as UnitError {
      let reason = "its holder ended (pid \(run.processID)) without finishing it"
      #expect(
        error.message == "dependency '\(unit)' failed: \(reason) (required by '\(dependent)')")
      return "failed"
    }
  }
}
