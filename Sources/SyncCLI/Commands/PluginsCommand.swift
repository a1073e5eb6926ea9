internal import SyncPlugin
internal import SyncText

extension Command {
  private static let columns: [Column<Plugin>] = [
    Column("kind", "kind", \.kindName, { .string($0.kindName) }),
    Column("name", "name", \.name, { .string($0.name) }),
    Column("syntax", "syntax", \.syntax, { .string($0.syntax) }),
    Column(
      "sides", "sides", { $0.sideNames.joined(separator: ", ") },
      { .array($0.sideNames.map { .string($0) }) }),
    Column("summary", "summary", \.summary, { .string($0.summary) }),
  ]
  private static let column = Options.columns(columns.map(\.heading))

  static let plugins = Command(
    name: "plugins",
    summary: "List transports and waiting strategies",
    discussion: """
      What can be said in --transport and --wait. The first of each kind is the default.
      """,
    examples: """
      # The names only
      coder plugins -c name
      """,
    options: [Options.output, column],
    run: { invocation in
      guard invocation.arguments.isEmpty else {
        throw CommandFailure.usage("plugins takes no arguments")
      }
      let plugins = invocation.catalog.plugins.sorted { $0.isTransport && !$1.isTransport }
      switch try invocation.outputFormat() {
      case .json: try invocation.console.print(json(plugins, Self.columns).text(.indented))
      case .table:
        try invocation.console.print(
          tableText(plugins, try invocation.columns(column, of: columns)))
      }
    })
}

extension Plugin {
  fileprivate var isTransport: Bool {
    if case .transport = self { true } else { false }
  }

  fileprivate var kindName: String {
    switch self {
    case .transport: "transport"
    case .waitingStrategy: "waiting strategy"
    }
  }

  fileprivate var summary: String {
    switch self {
    case .transport(let type): type.summary
    case .waitingStrategy(let type): type.summary
    }
  }

  fileprivate var sideNames: [String] {
    switch self {
    case .transport(let type):
      (type.sides.contains(.agent) ? ["agent"] : [])
        + (type.sides.contains(.client) ? ["client"] : [])
    case .waitingStrategy: ["client"]
    }
  }
}
