extension LocalUnitManager {
  /// Runs `body` as the work of `unit`: when all of `dependencies`, and those that were declared before,
  /// have completed, the unit starts; when `body` returns, it completes, and its dependents go on.
  ///
  /// When `body` throws, the unit has failed, with the error as the reason: what depends on it is skipped,
  /// and throws `dependencyFailed` in turn. Somebody may do its work anew, in the next generation.
  ///
  /// Cancelling the task ends the wait at once with a `CancellationError`; the work itself is told as
  /// any task is. If `body` returns although its task was cancelled, the unit completes: its work is
  /// done. The body runs where the caller does.
  /// - Returns: what `body` returns.
  /// - Throws: what `body` throws; ``UnitError`` as ``want(_:dependsOn:_:)``, ``wait(for:)`` and
  ///   ``start(_:_:)`` throw it, `sameStatus` if somebody else is doing the work; `CancellationError`.
  @discardableResult
  nonisolated(nonsending)
    public func withUnit<Result>(
      _ unit: UnitID, after dependencies: [UnitID] = [],
      _ body: nonisolated(nonsending) () async throws -> Result
    ) async throws -> Result
  {
    try want(unit, dependsOn: dependencies, .success)
    let generation = try await startWhenReady(unit)
    let result: Result
    do {
      result = try await body()
    } catch {
      // It may have ended by now, or been reset: then there is nothing to say.
      try? finish(unit, as: .failed(Ending("\(error)")), generation: generation)
      throw error
    }
    do throws(UnitError) {
      try finish(unit, as: .completed, generation: generation)
    } catch {
      // Somebody else has said so already.
      guard error.code == .sameStatus else { throw error }
    }
    return result
  }

  /// A dependency may begin anew between the end of the wait and the start: then it is waited for again.
  nonisolated(nonsending)
    private func startWhenReady(_ unit: UnitID) async throws -> UInt64
  {
    while true {
      do {
        try await waitUntilReady(unit)
        return try await start(unit, StartOptions())
      } catch let error as UnitError where error.code == .notReady {
        continue
      } catch let error as UnitError where error.code == .dependencyFailed {
        // Skips it, and says why.
        try start(unit)
        throw error
      }
    }
  }
}
