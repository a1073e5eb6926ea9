internal import SyncPlugin

/// One command of the program, as data: parsing, help and completion are derived from it.
package struct Command: Sendable {
  /// What positional arguments and values of options can be completed from.
  enum Completion: Sendable {
    case nothing
    case units
    case words([String])
    case transports(TransportSides)
    case waitingStrategies
    case files
    case commands
  }

  struct Option: Sendable {
    let name: String
    var short: Character? = nil
    /// What stands for the value in the help; nil for one that is only there or not.
    var placeholder: String? = nil
    /// Whether it may stand without its value, which is empty then, and otherwise behind a `=`.
    var isValueOptional = false
    var environment: String? = nil
    var isRepeatable = false
    let help: String
    var completion = Completion.nothing
  }

  package let name: String
  /// The positional arguments as the help shows them.
  var arguments = ""
  let summary: String
  var discussion = ""
  /// Shell commands, each behind a comment.
  var examples = ""
  var options: [Option] = []
  var completion = Completion.nothing
  /// Made one by one as the parser looks for one: a short command does not pay for the whole table.
  /// Those that scripts call most come first.
  var subcommands: [@Sendable () -> Command] = []
  /// Left out of help and completion.
  var isHidden = false
  /// Whether everything after the command's name belongs to it as it is.
  package var takesAllArguments = false
  /// Whether the help lists the exit statuses.
  var showsExitStatuses = false
  /// What it does; nil if it is only a group of others.
  var run: (@Sendable (Invocation) throws -> Void)? = nil

  var visibleSubcommands: [Command] { subcommands.map { $0() }.filter { !$0.isHidden } }

  func subcommand(named name: String) -> Command? {
    for make in subcommands {
      let command = make()
      if command.name == name { return command }
    }
    return nil
  }
}

/// An option on the command line, with its value.
package struct OptionValue: Sendable {
  package let name: String
  package let value: String
}

/// A command that was asked for, with everything that was said.
struct Invocation: Sendable {
  let catalog: PluginCatalog
  let environment: Environment
  let console: Console
  let arguments: [String]
  /// Those of the arguments that stand behind a `--`; nil if there is none.
  let argumentsBehindFlags: [String]?
  private let values: [OptionValue]

  init(
    catalog: PluginCatalog, environment: Environment, console: Console,
    arguments: [String], argumentsBehindFlags: [String]?, values: [OptionValue]
  ) {
    self.catalog = catalog
    self.environment = environment
    self.console = console
    self.arguments = arguments
    self.argumentsBehindFlags = argumentsBehindFlags
    self.values = values
  }

  /// Tells what the program does, if somebody wants to know.
  func debug(_ text: @autoclosure () -> String) {
    if (try? isSet(Options.verbose)) == true { console.note(debug: text()) }
  }

  /// What was given on the command line.
  func flags(_ option: Command.Option) -> [String] {
    values.filter { $0.name == option.name }.map { $0.value }
  }

  /// The variable of an option; an empty one counts as unset.
  func variable(_ option: Command.Option) -> String? {
    option.environment.flatMap { environment[$0] }
  }

  /// The last flag, or else the variable.
  func value(_ option: Command.Option) -> String? { flags(option).last ?? variable(option) }

  /// Where the value of an option comes from, as its user wrote it.
  func source(of option: Command.Option) -> String {
    flags(option).isEmpty ? "$\(option.environment ?? "")" : "--\(option.name)"
  }

  /// Reads the value of an option that has one.
  func parsed<Value>(
    _ option: Command.Option, expected: String, _ parse: (String) -> Value?
  ) throws(CommandFailure) -> Value? {
    guard let text = value(option) else { return nil }
    guard let value = parse(text) else {
      throw .usage("\(source(of: option)): \"\(text)\" is not \(expected)")
    }
    return value
  }

  /// Whether an option without a value was given; `--name=false` takes it back.
  func isSet(_ option: Command.Option) throws(CommandFailure) -> Bool {
    try parsed(option, expected: "true or false") { text in
      switch text.lowercased() {
      case "true", "t", "1": true
      case "false", "f", "0": false
      default: nil
      }
    } ?? false
  }
}
