/// The trials by their seeds: what the tests run in small numbers, and `trials` in large ones.
package enum Trials {
  /// A trial that failed, with everything that is needed to see it again.
  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }

  /// Runs a trial for each number, several at a time, and returns what they return, in order.
  /// - Throws: what the first that fails throws.
  package static func map<Result: Sendable>(
    _ numbers: Range<Int>, _ trial: @escaping @Sendable (Int) throws -> Result
  ) async throws -> [Result] {
    try await withThrowingTaskGroup(of: (Int, Result).self) { group in
      var results: [Result?] = Array(repeating: nil, count: numbers.count)
      var rest = numbers
      func addNext() {
        guard let number = rest.popFirst() else { return }
        group.addTask { (number, try trial(number)) }
      }
      for _ in 0..<8 { addNext() }
      while let (number, result) = try await group.next() {
        results[number - numbers.lowerBound] = result
        addNext()
      }
      return results.map { $0! }
    }
  }

  /// Checks the history of a seed against the model, and returns how many steps it has.
  /// - Throws: ``Failure`` with the shortest history that still fails.
  @discardableResult
  package static func checkHistory(seed: Int) throws -> Int {
    let history = History.random(seed: UInt64(seed))
    guard disagreement(in: history) != nil else { return history.entries.count }
    let shortest = history.shrunk { disagreement(in: $0) != nil }
    throw Failure(
      description: """
        history of seed \(seed), shrunk to \(shortest.entries.count) of \(history.entries.count) steps:
        \(shortest)\(disagreement(in: shortest).map { "\($0)" } ?? "")
        To have it tried always, add the steps to Tests/SimulationTests/histories.txt.
        """)
  }

  private static func disagreement(in history: History) -> (any Error)? {
    do { try Trial.check(history) } catch { return error }
    return nil
  }
}
