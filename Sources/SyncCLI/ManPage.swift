/// The manual page of the program, made from the table of commands, in the man macros of roff.
struct ManPage {
  let root: Command

  var text: String {
    var lines = [".TH CODER 1 \"\" \"coder v\(Version.number)\" \"User Commands\""]
    lines += [".SH NAME", "\(root.name) \\- \(Self.escaped(root.summary))"]
    lines += [".SH SYNOPSIS"]
    for path in paths where path.last!.run != nil {
      lines += [".B " + Self.escaped(synopsis(path)), ".br"]
    }
    lines += [".SH DESCRIPTION", Self.paragraph(root.discussion)]
    lines += [".SH COMMANDS"]
    for path in paths.dropFirst() { lines += section(path) }
    lines += [".SH OPTIONS"] + root.options.flatMap(option)
    lines += [".SH EXIT STATUS"]
    for status in ExitStatus.allCases {
      lines += [".TP", ".B \(status.rawValue)", Self.paragraph(status.meaning)]
    }
    lines += [".PP", Self.paragraph(ExitStatus.remark), ".SH ENVIRONMENT"]
    for (variable, option) in variables {
      lines += [
        ".TP", ".B \(Self.escaped(variable))", "as \\-\\-\(Self.escaped(option)), which beats it",
      ]
    }
    return lines.joined(separator: "\n")
  }

  /// Every visible command with those that lead to it, in the order of the table.
  private var paths: [[Command]] {
    func below(_ path: [Command]) -> [[Command]] {
      [path] + path.last!.visibleSubcommands.flatMap { below(path + [$0]) }
    }
    return below([root])
  }

  private var variables: [(String, String)] {
    var names: [String: String] = [:]
    for option in paths.flatMap({ $0.last!.options }) {
      if let variable = option.environment { names[variable] = option.name }
    }
    return names.sorted { $0.key < $1.key }
  }

  private func synopsis(_ path: [Command]) -> String {
    let words = path.map(\.name).joined(separator: " ")
    return "\(words) [flags] \(path.last!.arguments)".split(separator: " ").joined(separator: " ")
  }

  private func section(_ path: [Command]) -> [String] {
    let command = path.last!
    var lines = [".SS " + Self.escaped(synopsis(path)), Self.paragraph(command.summary + ".")]
    if !command.discussion.isEmpty { lines += [".PP", Self.paragraph(command.discussion)] }
    lines += command.options.flatMap(option)
    return lines + [".PP", ".nf", ".RS"] + Self.verbatim(command.examples) + [".RE", ".fi"]
  }

  private func option(_ option: Command.Option) -> [String] {
    var head = option.short.map { "-\($0), " } ?? ""
    head += "--\(option.name)"
    if let placeholder = option.placeholder {
      head += option.isValueOptional ? "[=\(placeholder)]" : " \(placeholder)"
    }
    if let variable = option.environment { head += ", $\(variable)" }
    return [".TP", ".B " + Self.escaped(head), Self.paragraph(option.help)]
  }

  /// Text whose lines roff fills as it likes.
  private static func paragraph(_ text: String) -> String {
    verbatim(text).filter { !$0.isEmpty }.joined(separator: "\n")
  }

  private static func verbatim(_ text: String) -> [String] {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      // A line that begins with one of these would be a request.
      let guarded = line.hasPrefix(".") || line.hasPrefix("'") ? "\\&" : ""
      return guarded + escaped(String(line))
    }
  }

  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for character in text {
      switch character {
      case "\\": escaped += "\\e"
      case "-": escaped += "\\-"
      case "'": escaped += "\\(aq"
      case "`": escaped += "\\(ga"
      case "^": escaped += "\\(ha"
      case "~": escaped += "\\(ti"
      case "—": escaped += "\\(em"
      default: escaped.append(character)
      }
    }
    return escaped
  }
}
