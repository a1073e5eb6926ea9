import SyncTestKit
import Testing

/// One row of the contract: what was done before, the command, and what it prints.
struct Row: Sendable, CustomTestStringConvertible {
  let name: String
  var before: [[String]] = []
  let command: [String]
  var output = ""
  /// Standard error, whole; nil if it only has to be empty of errors.
  var error = ""
  var status: Int32 = 0

  var testDescription: String { name }

  /// Whether it says for itself where the agent is.
  var namesAnEndpoint: Bool {
    command.contains { ["--socket-path", "--transport"].contains($0) }
  }

  func check(at site: any Site) async throws {
    for step in before {
      let result = try await site.begin(step, environment: [:]).end()
      #expect(result.status == 0, "\(step): \(result.error)")
    }
    let result = try await site.begin(command, environment: [:]).end()
    #expect(result.output == output)
    #expect(result.error == error)
    #expect(result.status == status)
  }
}

extension Row {
  /// A command that fails: one line, then hints.
  static func failing(
    _ name: String, before: [[String]] = [], _ command: [String], output: String = "",
    error: String, hints: [String] = [], status: Int32
  ) -> Row {
    let hints = hints.map { "hint: \($0)\n" }.joined()
    return Row(
      name: name, before: before, command: command, output: output,
      error: "error: \(error)\n\(hints)", status: status)
  }
}
