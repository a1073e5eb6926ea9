internal import SyncRPC
internal import SyncUnits

extension Options {
  fileprivate static let reason = Command.Option(
    name: "reason", placeholder: "text", help: "Why, in words for people.")
  fileprivate static let exitStatus = Command.Option(
    name: "exit-status", placeholder: "number",
    help: "The exit status of the command that failed, 1 to 255.")
}

extension Command {
  static let fail = Command(
    name: "fail",
    arguments: "<unit>",
    summary: "Mark a unit as failed",
    discussion: """
      Units that require its success can never start then, nor can those that require theirs: whoever \
      waits for one of them is told at once, with the reason. Starting the unit again begins anew.
      """,
    examples: """
      # Tell the truth when a script fails
      ./migrate || { coder exp sync fail migrate --exit-status $?; exit 1; }
      """,
    options: [Options.reason, Options.exitStatus],
    completion: .units,
    run: { invocation in
      let status = try invocation.parsed(Options.exitStatus, expected: "a number from 1 to 255") {
        Int32($0).flatMap { (1...255).contains($0) ? $0 : nil }
      }
      let ending = Ending(invocation.value(Options.reason) ?? "", exitStatus: status)
      try invocation.finish(.failed(ending), "fail unit failed: ")
    })

  static let skip = Command(
    name: "skip",
    arguments: "<unit>",
    summary: "Mark a pending unit as skipped",
    discussion: """
      Its work is not done this time. Units that require its success cannot start; those that want it \
      as --optional, or require only its completion, can.
      """,
    examples: """
      # Nothing to clone here
      coder exp sync skip git-clone --reason 'no repository'
      """,
    options: [Options.reason],
    completion: .units,
    run: { invocation in
      let ending = Ending(invocation.value(Options.reason) ?? "")
      try invocation.finish(.skipped(ending), "skip unit failed: ")
    })

  static let healthy = Command(
    name: "healthy",
    arguments: "<unit>",
    summary: "Mark a started unit as healthy",
    discussion: """
      For servers, which never complete: units that want it with --requires healthy go on.
      """,
    examples: """
      # The database answers
      until pg_isready; do sleep 0.1; done; coder exp sync healthy db
      """,
    completion: .units,
    run: { invocation in
      try invocation.callOnUnit("mark unit healthy failed: ") { manager, unit in
        try await manager.markHealthy(unit, generation: nil)
      }
    })

  private static let cascade = Option(
    name: "cascade", help: "Reset all units that depend on it, directly or not, as well.")

  static let reset = Command(
    name: "reset",
    arguments: "<unit>",
    summary: "Make a unit pending again",
    discussion: """
      Begins a new generation of the unit, whatever became of the last one. What was blocked for good \
      by its failure is not any more.
      """,
    examples: """
      # Do the migration again, and all that follows
      coder exp sync reset migrate --cascade
      """,
    options: [cascade],
    completion: .units,
    run: { invocation in
      let cascades = try invocation.isSet(cascade)
      try invocation.callOnUnit("reset unit failed: ") { manager, unit in
        try await manager.reset(unit, cascade: cascades)
      }
    })
}

extension Invocation {
  fileprivate func finish(_ outcome: Outcome, _ prefix: String) throws {
    try callOnUnit(prefix) { manager, unit in
      try await manager.finish(unit, as: outcome, generation: nil)
    }
  }

  /// A command that makes one call on one unit.
  func callOnUnit(
    _ prefix: String,
    _ body: @escaping @Sendable (RemoteUnitManager, UnitID) async throws -> Void
  ) throws {
    let unit = try onlyUnit()
    try withClient { client in
      try await client.call(
        prefix,
        hint: { $0.code == .notFound ? await client.manager.suggestion(for: unit) : nil }
      ) { try await body($0, unit) }
      try console.print("Success")
    }
  }
}
