internal import SyncPlugin
internal import SyncSystem
internal import SyncUnits

/// Where a command writes: results to one stream, everything about them to the other.
struct Console: Sendable {
  /// Takes text; throws if it cannot be written.
  typealias Sink = @Sendable (String) throws -> Void

  private let output: Sink
  private let error: Sink
  /// Whether there is a person before a screen that can go back in a line.
  let isErrorTerminal: Bool
  let width: Int
  private let hasColour: Bool

  init(
    output: @escaping Sink, error: @escaping Sink, isErrorTerminal: Bool = false, width: Int = 80,
    hasColour: Bool = false
  ) {
    self.output = output
    self.error = error
    self.isErrorTerminal = isErrorTerminal
    self.width = width
    self.hasColour = hasColour
  }

  /// The console of this process.
  static func standard(environment: Environment, allowsColour: Bool) -> Console {
    let isTerminal =
      Descriptor.isTerminal(Descriptor.standardError) && environment["TERM"] != "dumb"
    return Console(
      output: { try Descriptor.writeAll(Descriptor.standardOutput, $0) },
      error: { try Descriptor.writeAll(Descriptor.standardError, $0) },
      isErrorTerminal: isTerminal,
      width: isTerminal ? Descriptor.terminalWidth(Descriptor.standardError) ?? 80 : 80,
      hasColour: isTerminal && allowsColour && environment["NO_COLOR"] == nil)
  }

  /// Writes lines of the result.
  func print(_ text: String) throws(CommandFailure) {
    do {
      try output(text + "\n")
    } catch {
      throw CommandFailure(status: .outputFailed, message: "cannot write standard output: \(error)")
    }
  }

  /// Writes a line about the result. There is nowhere to say that this failed.
  func note(_ text: String) { try? error(text + "\n") }

  /// Writes as it is, for a line that is drawn again.
  func draw(_ text: String) { try? error(text) }

  /// Writes why the command failed.
  func report(_ failure: CommandFailure) {
    note(colour("error:", 31) + " " + Self.printable(failure.message))
    for hint in failure.hints { note(hint: hint) }
  }

  func note(debug: String) { note("debug: " + Self.printable(debug)) }

  func note(hint: String) { note(colour("hint:", 36) + " " + Self.printable(hint)) }

  private func colour(_ text: String, _ code: Int) -> String {
    hasColour ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
  }

  /// Texts come from elsewhere: all control characters but line feeds are made visible.
  private static func printable(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { String($0).escapingControlCharacters }.joined(separator: "\n")
  }
}
