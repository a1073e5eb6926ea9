internal import SyncText

/// The help of a command, made from the table.
package struct Help {
  static let width = 80

  /// From the program down to the command.
  private let path: [Command]

  package init(path: [Command]) { self.path = path }

  private var command: Command { path.last! }
  private var name: String { path.map(\.name).joined(separator: " ") }

  package var text: String {
    var sections = ["coder v\(Version.number)", usage]
    if !command.discussion.isEmpty {
      sections.append(command.discussion.wrapped(width: Self.width, indent: 2))
    }
    if !command.visibleSubcommands.isEmpty { sections.append(subcommands) }
    if !command.examples.isEmpty { sections.append(examples) }
    if !optionsShown.isEmpty { sections.append(options) }
    if command.showsExitStatuses { sections.append(exitStatuses) }
    if path.count > 1 { sections.append("———\n" + footer) }
    return sections.joined(separator: "\n\n")
  }

  private var usage: String {
    let synopsis =
      command.visibleSubcommands.isEmpty
      ? "\(name) [flags] \(command.arguments)" : "\(name) [flags] <subcommand>"
    var line = synopsis
    while line.hasSuffix(" ") { line.removeLast() }
    return "USAGE:\n  \(line)\n\n" + command.summary.wrapped(width: Self.width, indent: 2)
  }

  private var subcommands: String {
    let commands = command.visibleSubcommands
    let column = commands.map(\.name.count).max()! + 4
    let rows = commands.sorted { $0.name < $1.name }.map { command in
      let text = command.summary.wrapped(width: Self.width, indent: column + 4)
      let label = "    " + command.name
      return label + text.dropFirst(label.count)
    }
    return "SUBCOMMANDS:\n" + rows.joined(separator: "\n")
  }

  private var examples: String {
    "EXAMPLES:\n"
      + command.examples.split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.isEmpty ? "" : "    " + $0 }.joined(separator: "\n")
  }

  /// The command's own options and those that it shares with its neighbours.
  private var optionsShown: [Command.Option] {
    command.options + path.dropFirst().dropLast().flatMap { $0.options }
  }

  private var footer: String {
    let group = path.dropFirst().dropLast().last { $0.showsExitStatuses }
    let statuses =
      group == nil
      ? ""
      : " Run `\(path.dropLast().map(\.name).joined(separator: " ")) --help` for exit statuses."
    return ("Run `coder --help` for a list of global options." + statuses)
      .wrapped(width: Self.width, indent: 0)
  }

  private var options: String {
    let rows = optionsShown.map { option in
      var line = option.short.map { "  -\($0), " } ?? "      "
      line += "--\(option.name)"
      if let placeholder = option.placeholder {
        line += option.isValueOptional ? "[=\(placeholder)]" : " \(placeholder)"
      }
      if let environment = option.environment { line += ", $\(environment)" }
      return line + "\n" + option.help.wrapped(width: Self.width, indent: 10)
    }
    return "OPTIONS:\n" + rows.joined(separator: "\n\n")
  }

  private var exitStatuses: String {
    let rows = ExitStatus.allCases.map { status in
      let number = String(status.rawValue)
      let label = String(repeating: " ", count: 7 - number.count) + number
      return label + status.meaning.wrapped(width: Self.width, indent: 9).dropFirst(label.count)
    }
    return "EXIT STATUS:\n" + rows.joined(separator: "\n")
      + "\n"
      + ExitStatus.remark.wrapped(width: Self.width, indent: 4)
  }
}

/// The version of this package.
package enum Version {
  package static let number = "0.1.0"
}
