internal import SyncPlugin
internal import SyncRPC
internal import SyncUnits

extension Options {
  fileprivate static let any = Command.Option(name: "any", help: "Until one of the units does.")
  fileprivate static let all = Command.Option(
    name: "all", help: "Until all of the units do. This is the default.")
  fileprivate static let count = Command.Option(
    name: "count", placeholder: "number", help: "Until so many of the units do.")
  fileprivate static let condition = Command.Option(
    name: "for", placeholder: Requirement.Condition.choices,
    help: "What they have to do, by default success: complete.",
    completion: .words(Requirement.Condition.names))
  fileprivate static let allUnits = Command.Option(
    name: "all-units",
    help: """
      Until every registered unit has ended, also those that are registered meanwhile: the end of a \
      startup.
      """)
}

extension Requirement.Condition {
  // Written out, because every command looks through the table: joining them took a quarter of a ping.
  static let choices = "success|completion|started|healthy"
  static let names = ["success", "completion", "started", "healthy"]
}

extension Command {
  static let wait = Command(
    name: "wait",
    arguments: "<unit>...",
    summary: "Wait for units without starting anything",
    discussion: """
      A unit that nobody has registered yet is waited for. Ends with status 10 as soon as what is \
      waited for can never be.
      """,
    examples: """
      # Until the database and the cache are up, for a minute at most
      coder exp sync wait db cache --for healthy --timeout 1m

      # Until the startup is over; fails if anything failed or was skipped
      coder exp sync wait --all-units
      """,
    options: [
      Options.condition, Options.any, Options.all, Options.count, Options.allUnits, Options.timeout,
      Options.failOnStall,
    ],
    completion: .units,
    run: { invocation in
      try WaitCommand(
        invocation: invocation, goal: try invocation.waitGoal(),
        stall: try invocation.stallPolicy()
      ).run(limit: try invocation.timeLimit())
    })
}

extension Invocation {
  fileprivate func waitGoal() throws(CommandFailure) -> WaitGoal {
    let condition =
      try parsed(
        Options.condition, expected: Requirement.Condition.choices,
        Requirement.Condition.init(rawValue:)) ?? .success
    let count = try parsed(Options.count, expected: "a number from 1 to \(arguments.count)") {
      Int($0).flatMap { (1...max(1, arguments.count)).contains($0) ? $0 : nil }
    }
    let (any, all) = (try isSet(Options.any), try isSet(Options.all))
    guard [any, all, count != nil].count(where: { $0 }) <= 1 else {
      throw .usage("only one of --any, --all and --count can be used")
    }
    if try isSet(Options.allUnits) {
      guard arguments.isEmpty, !any, !all, count == nil, flags(Options.condition).isEmpty else {
        throw .usage("--all-units stands alone: it waits for the end of every unit")
      }
      return .allUnits
    }
    guard !arguments.isEmpty else {
      throw .usage("at least one unit name is required, or --all-units")
    }
    let units = try units(arguments)
    return .units(units, condition, count: any ? 1 : count ?? units.count)
  }
}

/// `wait`: returns when the goal is reached, or cannot be any more.
private struct WaitCommand: Sendable {
  let invocation: Invocation
  let goal: WaitGoal
  let stall: StallWatch.Policy

  func run(limit: Duration?) throws {
    try invocation.withClient(limit: limit, onTimeout: timeoutFailure) { client in
      let attendance = WaitAttendance(
        invocation: invocation, client: client, unit: nil, stall: stall,
        waitingFor: goal == .allUnits ? "all units" : "units", units: open(on:))
      try await attendance.run("wait failed: ") { try await $0.wait(for: goal) }
      try invocation.console.print("Success")
    }
  }

  /// The units that do not yet do what they should.
  @Sendable private func open(on manager: RemoteUnitManager) async throws -> [UnitID] {
    let all = try await manager.list()
    switch goal {
    case .ready(let unit): return [unit]
    case .allUnits: return all.filter { !$0.status.isTerminal }.map(\.unit)
    case .units(let units, _, _):
      let done = Set(all.filter { $0.status.isTerminal }.map(\.unit))
      return units.filter { !done.contains($0) }
    }
  }

  @Sendable private func timeoutFailure(
    _ manager: RemoteUnitManager?, clock: any Clock<Duration>
  ) async -> CommandFailure {
    var failure = CommandFailure(status: .timeout, message: "timeout waiting for units")
    let units = try? await withDeadline(.milliseconds(250), clock: clock) { () -> [UnitID] in
      guard let manager else { return [] }
      return try await open(on: manager)
    }
    if let units, !units.isEmpty {
      failure.hints.append("still waiting for: " + units.bracketed)
    }
    return failure
  }
}
