import Foundation
import Testing

/// A process of this machine.
struct ProcessEntry {
  let id: Int32
  let parent: Int32

  /// The processes whose command line contains all of `texts`, but zombies.
  static func all(naming texts: String...) -> [ProcessEntry] { all(naming: texts) }

  fileprivate static func all(naming texts: [String]) -> [ProcessEntry] {
    let ids = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return ids.compactMap { Int32($0) }.compactMap { id in
      guard let words = try? String(contentsOfFile: "/proc/\(id)/cmdline", encoding: .utf8),
        texts.allSatisfy(words.contains),
        let status = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8),
        let fields = status.split(separator: ")").last?.split(separator: " "), fields.count > 1,
        fields[0] != "Z"
      else { return nil }
      return ProcessEntry(id: id, parent: Int32(fields[1]) ?? 0)
    }
  }
}

/// Asks again until it is so, for 5 s at most: only for what nobody tells, as the state of a process that is not
/// ours, or that an agent in this process has heard of the end of a client.
func waitUntil(_ isSo: () throws -> Bool) async throws {
  for _ in 0..<500 where try !isSo() { try await Task.sleep(for: .milliseconds(10)) }
}

/// What a killed process leaves ends when it sees that: soon, not at once.
func expectNothingLeft(naming texts: String...) async throws {
  try await waitUntil { ProcessEntry.all(naming: texts).isEmpty }
  #expect(ProcessEntry.all(naming: texts).map(\.id) == [])
}
