internal import SyncText

/// Finds in the table what was asked for.
package struct CommandParser {
  package struct Result {
    package var path: [Command]
    package var arguments: [String] = []
    package var values: [OptionValue] = []
    /// What stands behind a `--`: arguments too, whatever they look like.
    var argumentsBehindFlags: [String]?

    var command: Command { path.last! }
    /// The options of the command and of all above it.
    var options: [Command.Option] { path.flatMap { $0.options } }
    func has(_ option: Command.Option) -> Bool { values.contains { $0.name == option.name } }
    /// The words that lead to the command, as they are typed.
    package var commandLine: String { path.map(\.name).joined(separator: " ") }
  }

  private let root: Command

  package init(root: Command) { self.root = root }

  /// Reads the words behind the program's name.
  /// - Throws: what was wrong, with a suggestion.
  package func parse(_ words: [String]) throws(CommandFailure) -> Result {
    var result = Result(path: [root])
    var rest = words[...]
    while let word = rest.popFirst() {
      if result.command.takesAllArguments {
        result.arguments.append(word)
      } else if word == "--" {
        result.argumentsBehindFlags = Array(rest)
        result.arguments += rest
        break
      } else if word.hasPrefix("--") {
        try takeLong(word.dropFirst(2), &rest, &result)
      } else if word.hasPrefix("-"), word.count > 1 {
        try takeShort(word.dropFirst(), &rest, &result)
      } else if result.command.subcommands.isEmpty {
        result.arguments.append(word)
      } else if let subcommand = result.command.subcommand(named: word) {
        result.path.append(subcommand)
      } else {
        throw unknown(
          "command \"\(word)\"",
          closestMatch(
            to: word, among: result.command.visibleSubcommands.map(\.name)), result)
      }
    }
    return result
  }

  private func takeLong(
    _ text: Substring, _ rest: inout ArraySlice<String>, _ result: inout Result
  ) throws(CommandFailure) {
    // Not by characters: a combining mark at the beginning of the value makes one with the sign.
    let parts = text.utf8.split(
      separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(Substring(parts[0]))
    let attached = parts.count > 1 ? String(Substring(parts[1])) : nil
    let options = result.options
    guard let option = options.first(where: { $0.name == name }) else {
      let suggestion = closestMatch(to: name, among: options.map(\.name)).map { "--\($0)" }
      throw unknown("flag --\(name)", suggestion, result)
    }
    try take(option, attached, &rest, &result)
  }

  private func takeShort(
    _ text: Substring, _ rest: inout ArraySlice<String>, _ result: inout Result
  ) throws(CommandFailure) {
    var attached = text.unicodeScalars
    let name = attached.removeFirst()
    guard let option = result.options.first(where: { $0.short == Character(name) }) else {
      throw unknown("flag -\(text)", nil, result)
    }
    if attached.first == "=" { attached.removeFirst() }
    if option.placeholder == nil, !attached.isEmpty { throw unknown("flag -\(text)", nil, result) }
    try take(option, attached.isEmpty ? nil : String(attached), &rest, &result)
  }

  private func take(
    _ option: Command.Option, _ attached: String?, _ rest: inout ArraySlice<String>,
    _ result: inout Result
  ) throws(CommandFailure) {
    func separate() -> String? {
      option.placeholder == nil ? "true" : option.isValueOptional ? "" : rest.popFirst()
    }
    guard let value = attached ?? separate() else {
      throw wrong("flag --\(option.name) needs a value", [], result)
    }
    result.values.append(OptionValue(name: option.name, value: value))
  }

  private func unknown(
    _ what: String, _ suggestion: String?, _ result: Result
  ) -> CommandFailure {
    wrong("unknown \(what)", suggestion.map { ["did you mean \($0)?"] } ?? [], result)
  }

  private func wrong(_ message: String, _ hints: [String], _ result: Result) -> CommandFailure {
    .usage(message, hints: hints + ["see '\(result.commandLine) --help'"])
  }
}
