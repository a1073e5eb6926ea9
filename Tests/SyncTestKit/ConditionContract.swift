public import SyncPlugin
import SyncRPC
public import SyncUnits

/// What becomes of a unit by what becomes of the one that it depends on: each cell of a truth table, tried on
/// an agent.
public struct ConditionContract: Sendable {
  /// What a cell says.
  public enum Effect: String, Sendable {
    case goesOn = "goes on"
    case waits, ends
  }

  /// When the dependency gets to where it is.
  enum Timing: String, CaseIterable { case before, during, after }

  struct Cell {
    let outcome: String
    let requirement: Requirement
    let effect: Effect
  }

  let cells: [Cell]

  /// Reads the first table in a Markdown text: outcomes in its first column, requirements in its head.
  /// - Throws: ``ContractViolation`` if there is something in it that it does not know.
  public init(markdown: String) throws {
    let rows = markdown.split(separator: "\n").filter { $0.hasPrefix("|") }.map { row in
      row.split(separator: "|").map { cell in
        cell.split(separator: " ").joined(separator: " ")
      }
    }
    try require(rows.count > 2, "there is a table")
    let requirements = try rows[0].dropFirst().map { text -> Requirement in
      let words = text.split(separator: " ")
      let condition = words.last.flatMap { Requirement.Condition(rawValue: String($0)) }
      guard let condition else { throw ContractViolation("\(text) is a requirement") }
      return Requirement(condition, isOptional: words.count > 1)
    }
    var cells: [Cell] = []
    for row in rows.dropFirst(2) {
      try require(row.count == requirements.count + 1, "\(row[0]) has a cell a requirement")
      for (requirement, text) in zip(requirements, row.dropFirst()) {
        guard let effect = Effect(rawValue: text) else {
          throw ContractViolation("\(text) is an effect")
        }
        cells.append(Cell(outcome: row[0], requirement: requirement, effect: effect))
      }
    }
    self.cells = cells
  }

  /// Checks all cells, each before, during and after a wait.
  /// - Throws: ``ContractViolation`` with the first that does not hold; what the manager throws where it
  ///   should not.
  public func check(
    _ manager: any UnitManager, _ strategy: any WaitingStrategy, clock: any Clock<Duration>
  ) async throws {
    for cell in cells {
      for timing in Timing.allCases where timing == .before || cell.outcome != "not registered" {
        let trial = Trial(cell, timing, manager, strategy, clock)
        do {
          try await trial.run()
        } catch {
          throw ContractViolation(
            "\(cell.outcome), \(cell.requirement), \(timing): \(cell.effect.rawValue); \(error)")
        }
      }
    }
  }
}

/// One cell at one time. `unit` depends on `dependency`, and that on `root`.
private struct Trial {
  let cell: ConditionContract.Cell
  let timing: ConditionContract.Timing
  let manager: any UnitManager
  let strategy: any WaitingStrategy
  let clock: any Clock<Duration>
  let unit: UnitID
  let dependency: UnitID
  let root: UnitID

  init(
    _ cell: ConditionContract.Cell, _ timing: ConditionContract.Timing,
    _ manager: any UnitManager, _ strategy: any WaitingStrategy, _ clock: any Clock<Duration>
  ) {
    self.cell = cell
    self.timing = timing
    self.manager = manager
    self.strategy = strategy
    self.clock = clock
    let name = "\(cell.outcome), \(cell.requirement), \(timing): "
    unit = UnitID(name + "unit")
    dependency = UnitID(name + "dependency")
    root = UnitID(name + "root")
  }

  func run() async throws {
    try await manager.want(unit, dependsOn: [dependency], cell.requirement)
    if cell.outcome != "not registered" {
      try await manager.want(dependency, dependsOn: root)
    }
    switch timing {
    case .before:
      try await bringAbout()
      try await expect {}
    case .during:
      try await expect {
        // Asked and answered behind the wait, as far as that was sent.
        for _ in 0..<3 { _ = try await manager.isReady(unit) }
        try await bringAbout()
      }
    case .after:
      try await manager.start(root)
      try await manager.complete(root)
      try await manager.complete(dependency)
      try await wait()
      try await manager.reset(root, cascade: false)
      try await manager.reset(dependency, cascade: false)
      try await bringAbout()
    }
    try await expectStart()
  }

  private func wait() async throws {
    try await strategy.waitUntilReady(unit, on: manager, clock: clock)
  }

  /// From a pending dependency to what the cell says of it.
  private func bringAbout() async throws {
    if cell.outcome == "not registered" { return }
    try await manager.start(root)
    if cell.outcome == "blocked for good" {
      return try await manager.finish(root, as: .failed(Ending("broken")), generation: nil)
    }
    try await manager.complete(root)
    switch cell.outcome {
    case "pending": break
    case "started": try await manager.start(dependency)
    case "healthy":
      try await manager.start(dependency)
      try await manager.markHealthy(dependency, generation: nil)
    case "completed":
      try await manager.start(dependency)
      try await manager.complete(dependency)
    case "failed before its start": try await fail()
    case "failed":
      try await manager.start(dependency)
      try await fail()
    case "skipped":
      try await manager.finish(dependency, as: .skipped(Ending("no need")), generation: nil)
    default: throw ContractViolation("\(cell.outcome) is an outcome")
    }
  }

  private func fail() async throws {
    try await manager.finish(
      dependency, as: .failed(Ending(exitStatus: 3)), generation: nil)
  }

  /// Waits, and meanwhile does something.
  private func expect(_ meanwhile: () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await wait() }
      try await meanwhile()
      switch cell.effect {
      case .goesOn: try await group.next()
      case .ends:
        try await requireError(
          "the wait ends", { ($0 as? UnitError)?.code == .dependencyFailed }
        ) { try await group.next() }
      case .waits:
        for _ in 0..<3 { _ = try await manager.isReady(unit) }
        // A wait that has ended would not be cancelled.
        group.cancelAll()
        try await requireError("the wait goes on", { $0 is CancellationError }) {
          try await group.next()
        }
      }
    }
  }

  private func expectStart() async throws {
    switch cell.effect {
    case .goesOn:
      try await manager.start(unit)
      try await requireStatus(.started)
    case .waits:
      try await requireError("it cannot start", { ($0 as? UnitError)?.code == .notReady }) {
        try await manager.start(unit)
      }
      try await requireStatus(.pending)
    case .ends:
      try await requireError(
        "it can never start", { ($0 as? UnitError)?.code == .dependencyFailed }
      ) { try await manager.start(unit) }
      try await requireStatus(.skipped)
    }
  }

  private func requireStatus(_ status: UnitStatus) async throws {
    let report = try await manager.status(of: unit)
    try require(report.status == status, "it is \(status), not \(report.status)")
  }
}
