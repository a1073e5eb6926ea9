import Foundation

/// One conversation between an original command line and an original agent.
struct Recording: Sendable, CustomStringConvertible {
  struct Turn: Sendable {
    let isFromClient: Bool
    let bytes: [UInt8]
  }

  let name: String
  let turns: [Turn]

  var description: String { name }
  var clientBytes: [UInt8] { turns.filter(\.isFromClient).flatMap(\.bytes) }
  var serverBytes: [UInt8] { turns.filter { !$0.isFromClient }.flatMap(\.bytes) }

  static let all: [Recording] = {
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
}
