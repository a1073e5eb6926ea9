internal import SyncPlugin
internal import SyncRPC
internal import SyncUnits

/// Waits for what a unit depends on, and starts it: what `start` and `run` share.
struct UnitStarter: Sendable {
  /// What to do with a unit that can never start.
  enum FailurePolicy: String, CaseIterable, Sendable {
    case skip, keep
  }

  /// A unit that was started.
  struct Started: Sendable {
    /// Nil if the agent was not asked: one that is started in the words of the original.
    var generation: UInt64?
    /// What it depends on, if it did not have to wait.
    var dependencies: [Dependency] = []
    /// What it waited for; nil if it did not have to.
    var waitedFor: [UnitID]?
  }

  let invocation: Invocation
  let unit: UnitID
  /// In the order in which they are tried; the next one if the agent cannot do what one needs.
  let strategies: [any WaitingStrategy]
  var onFailure = FailurePolicy.skip
  var locks: [String] = []
  var tie = StartCall.Tie.none
  /// Makes the tie right before the unit starts, to a process that need not be there earlier. May be called
  /// again.
  var lateTie: (@Sendable () throws -> StartCall.Tie)?
  var stall = StallWatch.Policy()

  /// Returns when the unit has started. `waiting` is told what it has to wait for, as soon as it does.
  func start(
    on client: Client, waiting: @Sendable ([UnitID]) throws -> Void
  ) async throws -> Started {
    if !isOriginal {
      // An agent that cannot start it should say so before the wait, not after it.
      try await client.call(Self.starting) { try await $0.require(.startWith) }
    }
    var started = Started()
    var strategies = strategies[...]
    while true {
      if started.waitedFor == nil {
        let report = try await client.call("get status failed: ") {
          try await $0.originalStatus(of: unit)
        }
        if report.isReady {
          if try await begin(on: client, &started) {
            started.dependencies = report.dependencies
            return started
          }
          continue
        }
        let units = report.unsatisfied.map(\.unit)
        started.waitedFor = units
        try waiting(units)
      }
      do {
        while try await !wait(on: client, with: strategies.first!) {
          let unsupported = strategies.removeFirst()
          invocation.debug(
            "the agent does not support \(type(of: unsupported).name): "
              + "waiting by \(type(of: strategies.first!).name)")
        }
      } catch let failure as CommandFailure where failure.status == .dependencyFailed {
        // Starting skips it, and says why; unless somebody has begun anew what had failed.
        if onFailure == .keep { throw failure }
      }
      // A dependency may have begun anew between the answer and the start: wait again.
      if try await begin(on: client, &started) { return started }
    }
  }

  private static let starting = "start unit failed: "

  private var isOriginal: Bool {
    locks.isEmpty && tie == .none && lateTie == nil && onFailure == .skip
  }

  /// False if the unit is not ready any more.
  private func begin(on client: Client, _ started: inout Started) async throws -> Bool {
    let generation = try await client.call(Self.starting) { manager -> UInt64?? in
      do {
        if isOriginal {
          try await manager.start(unit)
          return .some(nil)
        }
        var options = StartOptions()
        options.keepsPendingOnFailure = onFailure == .keep
        options.locks = locks
        return .some(try await manager.start(unit, options, tie: try lateTie?() ?? tie))
      } catch let error as UnitError where error.code == .notReady {
        return nil
      }
    }
    guard let generation else { return false }
    started.generation = generation
    return true
  }

  /// Waits with the strategy, and at the same time for the end of the connection, which a strategy
  /// that sleeps would not notice. False if the agent cannot do what the strategy needs, and there
  /// is another one.
  private func wait(
    on client: Client, with strategy: any WaitingStrategy
  ) async throws -> Bool {
    let mayFallBack = type(of: strategy) != type(of: strategies.last!)
    let attendance = WaitAttendance(
      invocation: invocation, client: client, unit: unit, stall: stall,
      waitingFor: "dependencies of unit \(unit.name.quoted)"
    ) { manager in try await manager.status(of: unit).unsatisfied.map(\.unit) }
    return try await attendance.run("error checking dependencies: sync ready: ") { manager in
      do {
        try await strategy.waitUntilReady(unit, on: manager, clock: client.clock)
        return true
      } catch let error as UnitError where error.code == .unsupported && mayFallBack {
        return false
      }
    }
  }
}
