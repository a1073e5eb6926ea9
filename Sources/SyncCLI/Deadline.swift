/// What took too long did not end in time.
struct DeadlineExceeded: Error {}

/// Runs `body`, and cancels it if it takes longer than `limit`; nil is no limit.
/// - Throws: what `body` throws; ``DeadlineExceeded``.
func withDeadline<Result: Sendable>(
  _ limit: Duration?, clock: any Clock<Duration>,
  _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
  guard let limit else { return try await body() }
  return try await withThrowingTaskGroup(of: Result.self) { group in
    group.addTask { try await body() }
    group.addTask {
      try await clock.sleep(for: limit)
      throw DeadlineExceeded()
    }
    defer { group.cancelAll() }
    return try await group.next()!
  }
}
