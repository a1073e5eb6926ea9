internal import SyncCLI
internal import SyncWire
internal import Synchronization

/// A command line, its words separated by NUL, is one of a command, which reads as the same when it is
/// written in full, or an error of one clear line.
enum CommandLineTarget {
  static func run(_ bytes: RawSpan) {
    guard let text = bytes.withUnsafeBytes({ String(validating: $0, as: UTF8.self) }) else {
      return
    }
    let words = text.utf8.isEmpty ? [] : words(of: text)
    let parser = CommandParser(root: CommandTable.root)
    let result: CommandParser.Result
    do throws(CommandFailure) {
      result = try parser.parse(words)
    } catch {
      demand(!error.message.isEmpty, "an error says nothing")
      for line in [error.message] + error.hints {
        demand(!line.unicodeScalars.contains(where: isControl), "an error is no line: \(line)")
      }
      return
    }
    checkHelp(of: result)
    guard !result.path.contains(where: { $0.takesAllArguments }) else { return }
    checkInFull(result, parser)
  }

  private static func words(of text: String) -> [String] {
    text.unicodeScalars.split(separator: "\0", omittingEmptySubsequences: false).map { String($0) }
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || 0x7f..<0xa0 ~= scalar.value || scalar == "\u{2028}"
      || scalar == "\u{2029}"
  }

  /// Help is long, and there is one for each command.
  private static let helped = Mutex<Set<String>>([])

  private static func checkHelp(of result: CommandParser.Result) {
    let name = result.commandLine
    guard helped.withLock({ $0.insert(name).inserted }) else { return }
    demand(!Help(path: result.path).text.isEmpty, "\(name) has no help")
  }

  private static func checkInFull(_ result: CommandParser.Result, _ parser: CommandParser) {
    let words =
      result.path.dropFirst().map(\.name) + result.values.map { "--\($0.name)=\($0.value)" }
      + ["--"] + result.arguments
    guard let again = try? parser.parse(words) else {
      fatalError("in full, the command line is refused: \(words)")
    }
    demand(again.commandLine == result.commandLine, "in full, it is another command: \(words)")
    demand(again.arguments == result.arguments, "in full, the arguments are others: \(words)")
    demand(
      again.values.elementsEqual(result.values) { $0.name == $1.name && $0.value == $1.value },
      "in full, the options are others: \(words)")
  }
}
