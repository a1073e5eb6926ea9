public import SyncPlugin
internal import SyncSystem

/// The `coder` program, with the plugins that it is given.
public enum Program {
  /// Runs the command line of this process and ends the process with its exit status. The calling
  /// thread becomes that of an event loop where the command has one.
  public static func main(catalog: PluginCatalog) -> Never {
    ThisProcess.exit(run(catalog: catalog))
  }

  /// Runs the command line of this process and returns the exit status.
  public static func run(catalog: PluginCatalog) -> Int32 {
    // Before the script that called has had the time to end.
    _ = ThisProcess.parentID
    ThisProcess.reserveStandardDescriptors()
    let environment = Environment { ThisProcess.variable($0) }
    let (words, badWord) = wordsOfCommandLine()
    // Before parsing, because its errors are written too; the parser knows the flag as well.
    let allowsColour = !words.contains("--no-color")
    let console = Console.standard(environment: environment, allowsColour: allowsColour)
    if let badWord {
      console.report(.usage("argument \(badWord) is not valid UTF-8"))
      return ExitStatus.usage.rawValue
    }
    return status(of: words, environment: environment, catalog: catalog, console: console)
  }

  /// Runs a command line, reports what went wrong, and returns the exit status.
  static func status(
    of words: [String], environment: Environment, catalog: PluginCatalog, console: Console
  ) -> Int32 {
    do {
      try run(words, environment: environment, catalog: catalog, console: console)
      return ExitStatus.success.rawValue
    } catch let command as CommandEnded {
      if let signal = command.signal { Signal.endThisProcess(by: signal) }
      return command.status
    } catch let failure as CommandFailure {
      console.report(failure)
      return failure.status.rawValue
    } catch {
      console.report(CommandFailure(status: .failure, message: "\(error)"))
      return ExitStatus.failure.rawValue
    }
  }

  static func run(
    _ words: [String], environment: Environment, catalog: PluginCatalog, console: Console
  ) throws {
    let result = try CommandParser(root: CommandTable.root).parse(words)
    if result.has(Options.version) {
      return try console.print("coder v\(Version.number)")
    }
    guard !result.has(Options.help), let run = result.command.run else {
      return try console.print(Help(path: result.path).text)
    }
    try run(
      Invocation(
        catalog: catalog, environment: environment, console: console,
        arguments: result.arguments, argumentsBehindFlags: result.argumentsBehindFlags,
        values: result.values))
  }

  /// The words behind the program's name, and the number of the first that is not UTF-8. Swift's own
  /// list repairs such a word, and so would rename a unit.
  private static func wordsOfCommandLine() -> (words: [String], badWord: Int?) {
    var words: [String] = []
    for index in 1..<max(1, Int(CommandLine.argc)) {
      guard let word = CommandLine.unsafeArgv[index].flatMap({ String(validatingCString: $0) })
      else {
        return (words, index)
      }
      words.append(word)
    }
    return (words, nil)
  }
}
