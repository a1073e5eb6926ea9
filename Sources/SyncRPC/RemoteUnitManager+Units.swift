public import SyncUnits
internal import SyncWire

extension RemoteUnitManager: UnitManager {
  /// Asks the agent for a sign of life.
  /// - Throws: `unavailable`, `deadlineExceeded`, `protocolViolation`, `unsupported`, `other`, as all
  ///   calls here may.
  public func ping() async throws(UnitError) {
    _ = try await call(.ping, EmptyMessage(), answer: EmptyMessage.self)
  }

  /// Several dependencies are declared one by one where the agent knows nothing else: then the first
  /// may have been declared when another is refused.
  public func want(
    _ unit: UnitID, dependsOn dependencies: [UnitID], _ requirement: Requirement
  ) async throws(UnitError) {
    if requirement != .success || dependencies.count != 1 {
      do throws(UnitError) {
        return try await want(unit, dependsOn: dependencies, requirement, isLeased: false)
      } catch {
        guard error.code == .unsupported, requirement == .success else { throw error }
      }
    }
    for dependency in dependencies { try await want(unit, dependsOn: dependency) }
  }

  /// As ``want(_:dependsOn:_:)``, for somebody who may die: with a lease the unit fails when the connection
  /// ends while it is pending.
  package func want(
    _ unit: UnitID, dependsOn dependencies: [UnitID], _ requirement: Requirement, isLeased: Bool
  ) async throws(UnitError) {
    var request = UnitSync.WantRequest()
    request.unit = unit.name
    request.dependsOn = dependencies.map(\.name)
    request.condition = requirement.condition.number
    request.isOptional = requirement.isOptional
    request.lease = isLeased
    try await perform(.wantAll, request)
  }

  public func want(_ unit: UnitID, dependsOn dependency: UnitID) async throws(UnitError) {
    try await perform(.want, WantRequest(unit: unit.name, dependsOn: dependency.name))
  }

  public func start(_ unit: UnitID) async throws(UnitError) {
    try await perform(.start, UnitRequest(unit: unit.name))
  }

  public func start(_ unit: UnitID, _ options: StartOptions) async throws -> UInt64 {
    try await start(unit, options, tie: .none)
  }

  /// As ``start(_:_:)``, for somebody who may die.
  package func start(
    _ unit: UnitID, _ options: StartOptions, tie: StartCall.Tie
  ) async throws -> UInt64 {
    do {
      try await require(.startWith)
      let request = StartCall(unit, options, tie).request
      return try await call(
        .startWith, request, timeout: nil, answer: UnitSync.StartResponse.self
      ).generation
    } catch {
      try Task.checkCancellation()
      throw error
    }
  }

  public func complete(_ unit: UnitID) async throws(UnitError) {
    try await perform(.complete, UnitRequest(unit: unit.name))
  }

  public func finish(
    _ unit: UnitID, as outcome: Outcome, generation: UInt64?
  ) async throws(UnitError) {
    if outcome == .completed, generation == nil { return try await complete(unit) }
    try await perform(.finish, UnitSync.FinishRequest(unit, outcome, generation: generation))
  }

  public func markHealthy(_ unit: UnitID, generation: UInt64?) async throws(UnitError) {
    var request = UnitSync.MarkHealthyRequest()
    request.unit = unit.name
    request.generation = generation ?? 0
    try await perform(.markHealthy, request)
  }

  public func reset(_ unit: UnitID, cascade: Bool) async throws(UnitError) {
    var request = UnitSync.ResetRequest()
    request.unit = unit.name
    request.cascade = cascade
    try await perform(.reset, request)
  }

  public func isReady(_ unit: UnitID) async throws(UnitError) -> Bool {
    try await call(.ready, UnitRequest(unit: unit.name), answer: ReadyResponse.self).ready
  }

  public func status(of unit: UnitID) async throws(UnitError) -> UnitReport {
    do throws(UnitError) {
      let answer = try await call(
        .details, UnitRequest(unit: unit.name), answer: UnitSync.StatusResponse.self)
      // Where a newer agent has a condition that this version does not know, the original's words are left.
      if let report = try? answer.report() { return report }
    } catch {
      guard error.code == .unsupported else { throw error }
    }
    return try await originalStatus(of: unit)
  }

  /// The status in the words of the original, in the one round trip that it takes there too.
  package func originalStatus(of unit: UnitID) async throws(UnitError) -> UnitReport {
    try await call(.status, UnitRequest(unit: unit.name), answer: StatusResponse.self).report
  }

  public func list() async throws(UnitError) -> [UnitSummary] {
    var summaries: [UnitSummary] = []
    do throws(UnitError) {
      var request = UnitSync.ListRequest()
      while true {
        let answer = try await call(
          .detailedList, request, answer: UnitSync.ListResponse.self)
        summaries += answer.units.map(\.summary)
        guard answer.hasMore, let last = answer.units.last else { return summaries }
        request.after = last.unit
      }
    } catch {
      guard error.code == .unsupported else { throw error }
    }
    return try await call(.list, EmptyMessage(), answer: ListResponse.self).summaries
  }

  public func explain(_ unit: UnitID) async throws(UnitError) -> Explanation {
    let answer = try await call(
      .why, UnitRequest(unit: unit.name), answer: UnitSync.WhyResponse.self)
    guard let explanation = try? answer.explanation() else {
      throw UnitError(
        .unsupported, "the agent is newer, and knows conditions that this version does not")
    }
    return explanation
  }

  public func wait(for goal: WaitGoal) async throws {
    do {
      try await require(.wait)
      _ = try await call(
        .wait, UnitSync.WaitRequest(goal), timeout: nil, answer: EmptyMessage.self)
    } catch {
      try Task.checkCancellation()
      throw error
    }
  }
}
