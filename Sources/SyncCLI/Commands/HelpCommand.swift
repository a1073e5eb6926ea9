extension Command {
  static let help = Command(
    name: "help",
    arguments: "[command...]",
    summary: "Show the help of a command",
    examples: """
      # The same as coder exp sync start --help
      coder help exp sync start
      """,
    completion: .commands,
    run: { invocation in
      let result = try CommandParser(root: CommandTable.root).parse(invocation.arguments)
      guard result.arguments.isEmpty else {
        throw CommandFailure.usage(
          "there is no command \"\(invocation.arguments.joined(separator: " "))\"")
      }
      try invocation.console.print(Help(path: result.path).text)
    })
}
