import Foundation

/// A text that is kept in a file beside its test. `RECORD_GOLDEN=1` in the environment records it anew.
public struct GoldenFile: Sendable {
  /// The text is not the recorded one.
  public struct Mismatch: Error, CustomStringConvertible {
    public let description: String
  }

  private let url: URL

  /// Names the file `name` in the folder of the source file `test`, as `#filePath` gives it.
  public init(_ name: String, beside test: String) {
    url = URL(fileURLWithPath: test).deletingLastPathComponent().appendingPathComponent(name)
  }

  /// Compares `text` with the file, or records it.
  /// - Throws: ``Mismatch`` with the first line that differs.
  public func check(_ text: String) throws {
    if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1" {
      return try Data(text.utf8).write(to: url)
    }
    let recorded = try String(contentsOf: url, encoding: .utf8)
    guard recorded != text else { return }
    let lines = zip(
      recorded.components(separatedBy: "\n") + [""], text.components(separatedBy: "\n") + [""])
    let (number, pair) = lines.enumerated().first { $1.0 != $1.1 } ?? (0, ("", ""))
    throw Mismatch(
      description: """
        \(url.lastPathComponent), line \(number + 1): recorded "\(pair.0)", now "\(pair.1)"; \
        record it anew with RECORD_GOLDEN=1
        """)
  }
}
