import Foundation

/// One conversation between an original command line and an original agent.
package struct Recording: Sendable, CustomStringConvertible {
  package struct Turn: Sendable {
    package let isFromClient: Bool
    package let bytes: [UInt8]
  }

  package let name: String
  package let turns: [Turn]

  package var description: String { name }
  package var clientBytes: [UInt8] { turns.filter(\.isFromClient).flatMap(\.bytes) }
  package var serverBytes: [UInt8] { turns.filter { !$0.isFromClient }.flatMap(\.bytes) }

  package static let all: [Recording] = {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("recorded.txt")
    guard let text = try? String(contentsOf: file, encoding: .utf8) else { return [] }
    return text.components(separatedBy: "\n= ").dropFirst().map { section in
      let lines = section.split(separator: "\n")
      let turns = lines.dropFirst().map { line in
        Turn(
          isFromClient: line.first == ">",
          bytes: line.dropFirst(2).split(separator: " ").compactMap { UInt8($0, radix: 16) })
      }
      return Recording(name: String(lines[0]), turns: Array(turns))
    }
  }()

  /// What had been done before, as commands.
  package var before: [[String]] {
    switch name {
    case "want_cycle", "start_not_ready", "status": [["want", "a", "b"]]
    case "start_ready": [["want", "a", "b"], ["start", "b"], ["complete", "b"]]
    case "complete_b": [["start", "b"]]
    case "list": [["want", "a", "b"], ["start", "u1"]]
    default: []
    }
  }
}
