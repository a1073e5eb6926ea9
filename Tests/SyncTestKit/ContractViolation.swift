/// A plugin does not keep what its protocol promises.
public struct ContractViolation: Error, CustomStringConvertible {
  /// What was expected, and what happened instead.
  public let description: String

  init(_ description: String) { self.description = description }
}

/// Checks one promise.
func require(
  _ condition: Bool, _ promise: @autoclosure () -> String
) throws(ContractViolation) {
  if !condition { throw ContractViolation(promise()) }
}

/// Checks that `body` throws an error that `isExpected`.
nonisolated(nonsending) func requireError(
  _ promise: String, _ isExpected: (any Error) -> Bool,
  _ body: nonisolated(nonsending) () async throws -> Void
) async throws(ContractViolation) {
  do {
    try await body()
  } catch {
    if isExpected(error) { return }
    throw ContractViolation("\(promise); it threw \(error)")
  }
  throw ContractViolation("\(promise); it threw nothing")
}
