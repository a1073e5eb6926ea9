extension LocalUnitManager {
  /// Runs `body` as the work of `unit`: when all of `dependencies`, and those that were declared before,
  /// have completed, the unit starts; when `body` returns, it completes, and its dependents go on.
  ///
  /// When `body` throws, the unit is released: it is pending again, and its dependents wait on until
  /// somebody does its work, or their tasks are cancelled. A `withThrowingDiscardingTaskGroup` around
  /// all of them does just that at the first failure.
  ///
  /// Cancelling the task ends the wait at once with a `CancellationError`; the work itself is told as
  /// any task is. If `body` returns although its task was cancelled, the unit completes: its work is
  /// done. The body runs where the caller does.
  /// - Returns: what `body` returns.
  /// - Throws: what `body` throws; ``UnitError`` as ``want(_:dependsOn:)``, ``waitUntilReady(_:)`` and
  ///   ``start(_:)`` throw it, `sameStatus` if somebody else is doing the work; `CancellationError`.
  @discardableResult
  nonisolated(nonsending)
    public func withUnit<Result>(
      _ unit: UnitID, after dependencies: [UnitID] = [],
      _ body: nonisolated(nonsending) () async throws -> Result
    ) async throws -> Result
  {
    for dependency in dependencies { try want(unit, dependsOn: dependency) }
    try await startWhenReady(unit)
    let result: Result
    do {
      result = try await body()
    } catch {
      // It may be complete by now, or reset: then there is nothing to release.
      try? reset(unit)
      throw error
    }
    do throws(UnitError) {
      try complete(unit)
    } catch {
      // Somebody else has said so already.
      guard error.code == .sameStatus else { throw error }
    }
    return result
  }

  /// A dependency may begin anew between the end of the wait and the start: then it is waited for again.
  nonisolated(nonsending)
    private func startWhenReady(_ unit: UnitID) async throws
  {
    while true {
      try await waitUntilReady(unit)
      do throws(UnitError) {
        return try start(unit)
      } catch {
        guard error.code == .notReady else { throw error }
      }
    }
  }
}
