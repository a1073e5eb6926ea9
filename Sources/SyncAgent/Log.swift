internal import SyncSystem
internal import SyncText
internal import SyncUnits
internal import Synchronization

/// Lines about what happens, on standard error.
///
/// Logging never waits and never ends the agent: what cannot be written at once, because the disk is
/// full or nobody reads the pipe, is dropped, and the next line that goes through says how many were. What
/// does not fit may be the end of a long line.
/// May be used from any thread.
public final class Log: Sendable {
  /// How important a line is.
  public enum Level: String, CaseIterable, Comparable, Sendable {
    case debug, info, warn, error

    public static func < (left: Level, right: Level) -> Bool {
      allCases.firstIndex(of: left)! < allCases.firstIndex(of: right)!
    }
  }

  /// How a line is written.
  public enum Format: String, CaseIterable, Sendable {
    /// Time, level, message and `name=value` fields.
    case text
    /// An object with `time`, `level`, `message` and the fields.
    case json
  }

  private let level: Level
  private let format: Format
  private let stream = Mutex(Stream())

  /// Creates a log that writes lines of at least `level`.
  public init(level: Level = .info, format: Format = .text) {
    self.level = level
    self.format = format
  }

  /// Whether lines of this level are written: ask before building a costly one.
  public func writes(_ level: Level) -> Bool { level >= self.level }

  /// Writes one line. Control characters in it are escaped.
  public func write(
    _ level: Level, _ message: String, _ fields: KeyValuePairs<String, String> = [:]
  ) {
    guard writes(level) else { return }
    stream.withLock { stream in
      if stream.lostLines > 0 {
        let note = line(.warn, "log lines were lost", ["count": String(stream.lostLines)])
        guard stream.tryWrite(note) else {
          stream.lostLines += 1
          return
        }
        stream.lostLines = 0
      }
      if !stream.tryWrite(line(level, message, fields)) { stream.lostLines += 1 }
    }
  }

  private func line(
    _ level: Level, _ message: String, _ fields: KeyValuePairs<String, String>
  ) -> String {
    switch format {
    case .json:
      let head = [
        ("time", SystemTime.timestamp), ("level", level.rawValue), ("message", message),
      ]
      let members = (head + fields.map { ($0.key, $0.value) })
      return JSON.object(members.map { (name: $0.0, value: .string($0.1)) }).text(.compact) + "\n"
    case .text:
      let padding = String(repeating: " ", count: 5 - level.rawValue.count)
      var line = "\(SystemTime.timestamp) \(level.rawValue.uppercased())\(padding) "
      line += message.escapingControlCharacters
      for (name, value) in fields {
        let isPlain = !value.isEmpty && !value.contains { $0 == " " || $0 == "\"" || $0 == "=" }
        line += " \(name)=" + (isPlain ? value.escapingControlCharacters : value.quoted)
      }
      return line + "\n"
    }
  }

  /// Standard error, and what has not gone through.
  private struct Stream {
    var lostLines = 0
    private var endsInsideALine = false

    mutating func tryWrite(_ line: String) -> Bool {
      let text = endsInsideALine ? "\n" + line : line
      let count = Descriptor.writeWhatFits(Descriptor.standardError, text)
      let isComplete = count == text.utf8.count
      if count > 0 { endsInsideALine = !isComplete }
      return isComplete
    }
  }
}
