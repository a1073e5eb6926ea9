import SyncUnits

/// All that three clients can do with three units, step by step: each state that can be reached is visited once,
/// and in it every step is tried. States that differ in the names of units and clients only are one.
package struct Interleavings {
  /// What was visited at one depth.
  package struct Level: Sendable {
    package let depth: Int
    package let newStates: Int
    /// How many steps were tried in the states of the depth before.
    package let steps: Int
  }

  private struct Visit: Sendable {
    let parent: Int
    let entry: History.Entry
  }

  private static let units: [UnitID] = ["a", "b", "c"]
  private static let clients = 0..<3

  private var visits: [Visit] = []
  private var seen: Set<UInt64> = [key(of: UnitModel())]
  /// The states that were new at the last depth; -1 is the beginning.
  private var frontier = [-1]
  package private(set) var depth = 0

  package init() {}

  package var stateCount: Int { seen.count }

  /// Goes one step further from each state of the frontier, on several threads.
  /// - Throws: what disagrees, with the way there.
  package mutating func advance() async throws -> Level {
    depth += 1
    let (frontier, visits) = (self.frontier, self.visits)
    let found = try await Trials.map(0..<frontier.count) { index in
      try Self.expand(frontier[index], visits)
    }
    let before = self.visits.count
    for (key, visit) in found.flatMap(\.places) where seen.insert(key).inserted {
      self.visits.append(visit)
    }
    self.frontier = Array(before..<self.visits.count)
    return Level(
      depth: depth, newStates: self.visits.count - before,
      steps: found.map(\.steps).reduce(0, +))
  }

  // MARK: One state

  private struct Expansion: Sendable {
    var places: [(key: UInt64, visit: Visit)] = []
    var steps = 0
  }

  /// Makes every step in a state, and returns where they lead.
  private static func expand(_ state: Int, _ visits: [Visit]) throws -> Expansion {
    let path = way(to: state, visits)
    var expansion = Expansion()
    var trial: Trial?
    var here: UInt64 = 0
    for entry in alphabet {
      if trial == nil {
        trial = try Trial(after: path)
        here = key(of: trial!.model)
      }
      if !isUseful(entry, in: trial!.model) { continue }
      do {
        try trial!.make(entry.step, by: entry.client)
      } catch {
        throw Trials.Failure(description: "\(path)\(entry.client) \(entry.step)\n\(error)")
      }
      expansion.steps += 1
      let there = key(of: trial!.model)
      // Where nothing has changed, the next step can be tried in the same place.
      if there == here { continue }
      expansion.places.append((there, Visit(parent: state, entry: entry)))
      trial = nil
    }
    return expansion
  }

  private static func way(to state: Int, _ visits: [Visit]) -> History {
    var entries: [History.Entry] = []
    var state = state
    while state >= 0 {
      entries.append(visits[state].entry)
      state = visits[state].parent
    }
    return History(entries.reversed())
  }

  private static let alphabet: [History.Entry] = {
    var entries: [History.Entry] = []
    // Who says it makes no difference for these.
    func add(_ step: Step, _ client: Int? = nil) {
      entries.append(History.Entry(client: client ?? entries.count % clients.count, step: step))
    }
    for unit in units {
      for other in units where other != unit {
        add(.want(unit, [other], .success, isLeased: false))
      }
      for end in Step.End.allCases { add(.finish(unit, end, generation: nil)) }
      add(.reset(unit, cascade: false))
      add(.reset(unit, cascade: true))
    }
    for client in clients {
      for unit in units {
        add(.start(Step.Start(unit: unit, isLeased: true)), client)
        add(.wait(.ready(unit)), client)
      }
      for number in 0..<units.count { add(.cancel(number), client) }
      add(.leave, client)
    }
    return entries
  }()

  /// Each client waits for each unit once at a time, so that there is an end of states.
  private static func isUseful(_ entry: History.Entry, in model: UnitModel) -> Bool {
    let waits = model.open.filter { $0.client == entry.client }
    switch entry.step {
    case .wait(let goal): return !waits.contains { $0.kind == .wait(goal) }
    case .cancel(let number): return number < waits.count
    default: return true
    }
  }

  // MARK: States

  /// The same for two states if and only if other names make one of the other: the smallest of the numbers
  /// that the state has under all names.
  private static func key(of model: UnitModel) -> UInt64 {
    var smallest = UInt64.max
    for unitOrder in orders {
      for clientOrder in orders {
        smallest = min(
          smallest, number(of: model, unitOrder.map { units[$0] }, clientOrder))
      }
    }
    return smallest
  }

  private static let orders = [
    [0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0],
  ]

  private static func number(
    of model: UnitModel, _ units: [UnitID], _ clients: [Int]
  ) -> UInt64 {
    var number: UInt64 = 0
    func add(_ value: Int, bits: Int) { number = number << UInt64(bits) | UInt64(value) }
    for unit in units {
      add(statuses.firstIndex(of: model[unit].status)!, bits: 3)
      add(model[unit].hasBegun ? 1 : 0, bits: 1)
      for other in units where other != unit {
        let edge = UnitModel.Edge(unit: unit, dependency: other)
        add(model.requirements[edge] == nil ? 0 : 1, bits: 1)
      }
      for client in clients {
        let waits = model.open.contains { $0.client == client && $0.kind == .wait(.ready(unit)) }
        add(waits ? 1 : 0, bits: 1)
        add(model.startedWithLease(unit, client) == nil ? 0 : 1, bits: 1)
      }
    }
    return number
  }

  private static let statuses: [UnitStatus] = [
    .notRegistered, .pending, .started, .completed, .failed, .skipped,
  ]
}
