internal import Libevent
internal import SyncPlugin
internal import SyncRPC
internal import SyncSystem
internal import SyncUnits

extension Options {
  static let timeout = Command.Option(
    name: "timeout", placeholder: "duration",
    help: """
      How long the command may wait in all, by default 5m; 0 is no limit. Written as in 300ms, \
      1.5s, 5m or 1h30m.
      """)
  static let wait = Command.Option(
    name: "wait", placeholder: "strategy", environment: "CODER_SYNC_WAIT",
    help: """
      How to wait: poll, every second, or as in poll:250ms; push, where the agent tells at once. \
      See coder plugins.
      """,
    completion: .waitingStrategies)
  static let failOnStall = Command.Option(
    name: "fail-on-stall", placeholder: "duration", isValueOptional: true,
    help: """
      End with status 11 when everybody waits for units on which nobody works, which is looked at \
      after this time, by default 30s. Without it, a warning is written.
      """)
  static let onFailure = Command.Option(
    name: "on-failure", placeholder: "skip|keep",
    help: """
      What becomes of a unit that can never start because something that it requires failed: it is \
      skipped, or kept pending.
      """, completion: .words(["skip", "keep"]))
  fileprivate static let hold = Command.Option(
    name: "hold", placeholder: "pid", isValueOptional: true, environment: "CODER_SYNC_HOLD",
    help: """
      Make the unit fail when the calling script ends without completing it. The script is the \
      parent of this command; --hold=$$ where something stands between, as timeout or sudo.
      """)
}

extension Command {
  static let start = Command(
    name: "start",
    arguments: "<unit>",
    summary: "Wait until all unit dependencies are satisfied",
    discussion: """
      Blocks until all that the unit depends on is complete, and marks the unit as started. A unit \
      that has ended begins anew. If something that it requires failed or was skipped, the command \
      ends at once with status 10, and the unit is skipped.
      """,
    examples: """
      # Wait for ten minutes at most
      coder exp sync start long-operation --timeout 10m

      # Let the unit fail if this script ends before it completes it
      coder exp sync start app --hold
      """,
    options: [
      Options.timeout, Options.wait, Options.onFailure, Options.hold, Options.failOnStall,
    ],
    completion: .units,
    run: { invocation in
      let unit = try invocation.onlyUnit()
      var starter = UnitStarter(
        invocation: invocation, unit: unit,
        strategies: try invocation.waitingStrategies(Options.wait))
      starter.onFailure = try invocation.failurePolicy()
      starter.stall = try invocation.stallPolicy()
      if let process = try invocation.heldProcess() { starter.tie = .hold(process: process) }
      try StartCommand(invocation: invocation, unit: unit, starter: starter)
        .run(limit: try invocation.timeLimit())
    })
}

extension Invocation {
  /// `--timeout`; nil is no limit.
  func timeLimit(byDefault standard: Duration = .seconds(300)) throws(CommandFailure) -> Duration? {
    let limit =
      try parsed(Options.timeout, expected: "a duration as in 5m or 1.5s") {
        Duration(goNotation: $0)
      } ?? standard
    return limit == .zero ? nil : limit
  }

  func failurePolicy() throws(CommandFailure) -> UnitStarter.FailurePolicy {
    try parsed(
      Options.onFailure, expected: "skip or keep", UnitStarter.FailurePolicy.init(rawValue:))
      ?? .skip
  }

  func stallPolicy() throws(CommandFailure) -> StallWatch.Policy {
    let text = flags(Options.failOnStall).last
    var policy = StallWatch.Policy(isFailure: text != nil)
    if let text, !text.isEmpty {
      guard let time = Duration(goNotation: text), time > .zero else {
        throw .usage("--fail-on-stall: \"\(text)\" is not a duration as in 30s")
      }
      policy.graceTime = time
    }
    return policy
  }

  /// The process that `--hold` names; nil without it. As a variable it is only on or off.
  fileprivate func heldProcess() throws(CommandFailure) -> Int32? {
    let process = try namedProcess()
    // The agent would say so too, but only after the wait.
    guard process != 1 else {
      throw CommandFailure(
        status: .permissionDenied,
        message: "process 1 cannot be watched: it is the first one, which never ends",
        hints: ["name the process of the script: --hold=$$"])
    }
    return process
  }

  private func namedProcess() throws(CommandFailure) -> Int32? {
    guard let text = flags(Options.hold).last else {
      switch variable(Options.hold)?.lowercased() {
      case nil, "0", "false", "f": return nil
      case "1", "true", "t": return ThisProcess.parentID
      case let text?: throw .usage("\(source(of: Options.hold)): \"\(text)\" is not true or false")
      }
    }
    if text.isEmpty { return ThisProcess.parentID }
    guard let process = Int32(text), process > 0 else {
      throw .usage("--hold: \"\(text)\" is not the number of a process")
    }
    return process
  }
}

/// `start`: wait for the dependencies as long as it takes, then mark the unit as started.
private struct StartCommand: Sendable {
  let invocation: Invocation
  let unit: UnitID
  let starter: UnitStarter

  func run(limit: Duration?) throws {
    try invocation.withClient(limit: limit, onTimeout: starter.timeoutFailure) { client in
      if case .hold = starter.tie, await client.manager.peer == nil {
        throw CommandFailure.usage("hold needs a unix transport")
      }
      let started = try await starter.start(on: client) { units in
        try invocation.console.print(
          "Unit \(unit.name.quoted) is waiting for dependencies to be satisfied: \(units.bracketed)"
        )
      }
      try invocation.console.print(text(started))
    }
  }

  private func text(_ started: UnitStarter.Started) -> String {
    let name = unit.name.quoted
    if let units = started.waitedFor {
      return "Unit \(name) finished waiting for dependencies: \(units.bracketed)"
    }
    if started.dependencies.isEmpty { return "Unit \(name) started with no dependencies" }
    return "Unit \(name) started immediately, dependencies already satisfied: "
      + started.dependencies.map(\.unit).sorted().bracketed
  }
}

extension UnitStarter {
  /// How long a timed-out command may take to find out what it still waited for.
  private static let hintTimeout: Duration = .milliseconds(250)

  /// What is said when a wait for dependencies has taken too long.
  @Sendable func timeoutFailure(
    _ manager: RemoteUnitManager?, clock: any Clock<Duration>
  ) async -> CommandFailure {
    var failure = CommandFailure(
      status: .timeout, message: "timeout waiting for dependencies of unit '\(unit.name)'")
    let unit = unit
    let hints = try? await withDeadline(Self.hintTimeout, clock: clock) { () -> [String] in
      guard let manager else { return [] }
      return try await manager.hintsAboutWaiting(of: unit)
    }
    failure.hints += hints ?? []
    return failure
  }
}
