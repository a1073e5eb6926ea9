internal import SyncPlugin
internal import SyncRPC
internal import SyncUnits
internal import Synchronization

/// Finds what an unfinished command line can go on with.
struct CompletionRequest {
  struct Candidate {
    let text: String
    var description = ""
  }

  let invocation: Invocation

  /// How long a shell waits for the agent at most.
  private static let timeout: Duration = .milliseconds(500)
  /// What the scripts take for "complete file names".
  private static let files = Candidate(text: ":files")

  var candidates: [Candidate] {
    guard let unfinished = invocation.arguments.last else { return [] }
    let finished = Array(invocation.arguments.dropLast())
    // A line that ends in a flag that wants a value does not parse; what leads to it does.
    guard let result = parse(finished) ?? parse(finished.dropLast()) else { return [] }
    let options = result.options
    if let last = finished.last, parse(finished) == nil {
      let option = options.first { "--\($0.name)" == last || $0.short.map { "-\($0)" } == last }
      return matching(unfinished, option?.completion ?? .nothing, result)
    }
    if unfinished.hasPrefix("-"), result.argumentsBehindFlags == nil {
      if let equals = unfinished.firstIndex(of: "="), unfinished.hasPrefix("--") {
        let name = unfinished[..<equals].dropFirst(2)
        let option = options.first { $0.name == name }
        let value = String(unfinished[equals...].dropFirst())
        return matching(value, option?.completion ?? .nothing, result)
          .map { Candidate(text: "--\(name)=\($0.text)") }
      }
      return options.map { Candidate(text: "--\($0.name)", description: firstSentence($0.help)) }
        .filter { $0.text.hasPrefix(unfinished) }
    }
    let subcommands = result.command.visibleSubcommands
    if !subcommands.isEmpty { return matching(unfinished, .commands, result) }
    return matching(unfinished, result.command.completion, result)
  }

  private func parse(_ words: some Sequence<String>) -> CommandParser.Result? {
    try? CommandParser(root: CommandTable.root).parse(Array(words))
  }

  private func matching(
    _ unfinished: String, _ completion: Command.Completion, _ result: CommandParser.Result
  ) -> [Candidate] {
    let all: [Candidate] =
      switch completion {
      case .nothing: []
      case .files: [Self.files]
      case .words(let words): words.map { Candidate(text: $0) }
      case .transports(let sides): transports(with: sides)
      case .waitingStrategies: waitingStrategies
      case .commands: commands(below: result)
      case .units: units(result)
      }
    return all.filter { $0.text == Self.files.text || $0.text.hasPrefix(unfinished) }
  }

  private func commands(below result: CommandParser.Result) -> [Candidate] {
    // `help` takes the words of another command.
    let command = parse(result.arguments).flatMap { result.arguments.isEmpty ? nil : $0.command }
    let parent =
      command ?? (result.command.visibleSubcommands.isEmpty ? CommandTable.root : result.command)
    return parent.visibleSubcommands.map { Candidate(text: $0.name, description: $0.summary) }
  }

  private func transports(with sides: TransportSides) -> [Candidate] {
    invocation.catalog.plugins.compactMap { plugin in
      guard case .transport(let type) = plugin, !type.sides.isDisjoint(with: sides) else {
        return nil
      }
      return Candidate(text: type.scheme, description: type.summary)
    }
  }

  private var waitingStrategies: [Candidate] {
    invocation.catalog.plugins.compactMap { plugin in
      guard case .waitingStrategy(let type) = plugin else { return nil }
      return Candidate(text: type.name, description: type.summary)
    }
  }

  /// The units of the agent that the line is about; none if it does not answer at once.
  private func units(_ result: CommandParser.Result) -> [Candidate] {
    let asked = Invocation(
      catalog: invocation.catalog, environment: invocation.environment,
      console: invocation.console, arguments: [], argumentsBehindFlags: nil, values: result.values)
    let units = Mutex<[UnitSummary]>([])
    try? asked.withClient { client in
      let answer = try await withDeadline(Self.timeout, clock: client.clock) {
        try await client.manager.list()
      }
      units.withLock { $0 = answer }
    }
    return units.withLock { $0 }
      .filter { summary in
        let name = summary.unit.name
        return !result.arguments.contains(name) && name == name.escapingControlCharacters
          && (result.argumentsBehindFlags != nil || !name.hasPrefix("-"))
      }
      .map { Candidate(text: $0.unit.name, description: $0.status.description) }
  }

  private func firstSentence(_ text: String) -> String {
    String(text.prefix { $0 != "." })
  }
}
