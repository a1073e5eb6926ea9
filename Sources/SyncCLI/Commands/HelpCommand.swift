extension Command {
  private static let man = Option(
    name: "man", help: "Print the manual page of all commands, for man(1).")

  static let help = Command(
    name: "help",
    arguments: "[command...]",
    summary: "Show the help of a command",
    examples: """
      # The same as coder exp sync start --help
      coder help exp sync start

      # Read the manual
      coder help --man | man -l -
      """,
    options: [man],
    completion: .commands,
    run: { invocation in
      if try invocation.isSet(man) {
        return try invocation.console.print(ManPage(root: CommandTable.root).text)
      }
      let result = try CommandParser(root: CommandTable.root).parse(invocation.arguments)
      guard result.arguments.isEmpty else {
        throw CommandFailure.usage(
          "there is no command \"\(invocation.arguments.joined(separator: " "))\"")
      }
      try invocation.console.print(Help(path: result.path).text)
    })
}
