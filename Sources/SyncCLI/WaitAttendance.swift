internal import SyncPlugin
internal import SyncRPC
internal import SyncUnits

/// All that goes on beside a wait: it ends with the connection, a person is told how it goes, and a stall is
/// noticed.
struct WaitAttendance: Sendable {
  let invocation: Invocation
  let client: Client
  /// The unit that waits; nil if none does, and those count that hold up the wait.
  let unit: UnitID?
  let stall: StallWatch.Policy
  /// What is waited for, as a sentence goes on behind "still waiting for".
  let waitingFor: String
  /// The units that hold it up now.
  let units: @Sendable (RemoteUnitManager) async throws -> [UnitID]

  /// Runs a wait. When the agent refuses, `prefix` introduces its words.
  func run<Value: Sendable>(
    _ prefix: String, _ wait: @escaping @Sendable (RemoteUnitManager) async throws -> Value
  ) async throws -> Value {
    if stall.isFailure {
      // Without it nothing would end the wait that was meant to end.
      try await client.call("--fail-on-stall: ") { try await $0.require(.why) }
    }
    let progress = WaitProgress(
      waitingFor: waitingFor, units: { [units, client] in try await units(client.manager) },
      console: invocation.console, clock: client.clock)
    let stallWatch = StallWatch(
      unit: { [unit, units, client] in
        if let unit { return unit }
        return try await units(client.manager).first
      }, policy: stall, manager: client.manager, console: invocation.console, clock: client.clock)
    return try await client.call(
      prefix,
      hint: { $0.code == .unavailable ? "the agent has ended, and its units with it" : nil }
    ) { manager in
      try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await wait(manager) }
        group.addTask {
          if let ending = await manager.waitUntilClosed() { throw ending }
          throw CancellationError()
        }
        group.addTask {
          try await progress.run()
          return nil
        }
        group.addTask {
          try await stallWatch.run()
          return nil
        }
        defer { group.cancelAll() }
        while let value = try await group.next() {
          if let value { return value }
        }
        throw CancellationError()
      }
    }
  }
}

/// Notices that everybody waits for units on which nobody works: most often a name is misspelt.
struct StallWatch: Sendable {
  /// What is done about it.
  struct Policy: Sendable {
    /// How long it may last, because a script may come later.
    var graceTime: Duration = .seconds(30)
    /// Whether the command ends.
    var isFailure = false
  }

  /// A unit that waits now; nil if there is none.
  let unit: @Sendable () async throws -> UnitID?
  let policy: Policy
  let manager: any UnitManager
  let console: Console
  let clock: any Clock<Duration>

  /// Runs until it fails, or the agent cannot tell.
  func run() async throws {
    var hasSaid = false
    while true {
      try await clock.sleep(for: policy.graceTime)
      guard let unit = try await unit() else { continue }
      let explanation: Explanation
      do throws(UnitError) {
        explanation = try await manager.explain(unit)
      } catch {
        if error.code == .unsupported { return }
        throw error
      }
      guard explanation.isStalled else {
        hasSaid = false
        continue
      }
      let roots = explanation.nodes.filter { $0.status == .notRegistered || $0.status == .pending }
        .filter { node in node.unit != unit || explanation.nodes.count == 1 }
      let names = Set(roots.map(\.unit)).sorted().bracketed
      let message =
        "nobody works on anything that unit '\(unit.name.escapingControlCharacters)' waits for: \(names)"
      if policy.isFailure {
        throw CommandFailure(
          status: .stalled, message: message, hints: ["see 'coder exp sync why \(unit.name)'"])
      }
      if !hasSaid { console.note("warning: \(message)") }
      hasSaid = true
    }
  }
}
