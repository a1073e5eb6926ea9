internal import SyncRPC
internal import SyncUnits

extension Options {
  static let requires = Command.Option(
    name: "requires", placeholder: Requirement.Condition.choices,
    help: """
      What the dependencies have to do: complete with success, the default; end in any way; start; or \
      say that they are healthy, or complete.
      """, completion: .words(Requirement.Condition.names))
  fileprivate static let optional = Command.Option(
    name: "optional",
    help: """
      Wait for the dependencies only while they are pending or started: one that nobody registered, \
      that failed or was skipped does not hold the unit back.
      """)
}

extension Invocation {
  /// `--requires`.
  func requiredCondition() throws(CommandFailure) -> Requirement.Condition {
    try parsed(
      Options.requires, expected: Requirement.Condition.choices,
      Requirement.Condition.init(rawValue:)) ?? .success
  }
}

extension Command {
  static let want = Command(
    name: "want",
    arguments: "<unit> <depends-on> [depends-on...]",
    summary: "Declare that a unit depends on another unit completing before it can start",
    discussion: """
      Units may be named before anybody has registered them. A dependency that would close a cycle \
      is refused, and nothing is declared then. Declaring a dependency again sets anew what is \
      required of it.
      """,
    examples: """

      # app starts after git-clone and apt-install
      coder exp sync want app git-clone apt-install

      # app starts as soon as the database answers
      coder exp sync want app db --requires healthy
      """,
    options: [Options.requires, Options.optional],
    completion: .units,
    run: { invocation in
      guard invocation.arguments.count >= 2 else {
        throw CommandFailure.usage(
          "at least two arguments are required: unit and one or more depends-on")
      }
      let units = try invocation.units(invocation.arguments)
      let unit = units[0]
      let dependencies = Array(units.dropFirst())
      let requirement = Requirement(
        try invocation.requiredCondition(), isOptional: try invocation.isSet(Options.optional))
      try invocation.withClient { client in
        try await client.declare(unit, dependsOn: dependencies, requirement)
        try invocation.console.print(
          "Unit \(unit.name.quoted) declared dependencies: \(dependencies.bracketed)")
      }
    })
}

extension Client {
  /// Declares dependencies, all or none, as `want` and `run` do.
  func declare(
    _ unit: UnitID, dependsOn dependencies: [UnitID], _ requirement: Requirement,
    isLeased: Bool = false
  ) async throws {
    try await call(
      "declare dependency failed: ",
      hint: { error in
        guard error.code == .cycle else { return nil }
        for dependency in dependencies {
          if let hint = await manager.hintAboutCycle(from: unit, to: dependency) { return hint }
        }
        return nil
      }
    ) { manager in
      if isLeased {
        try await manager.want(unit, dependsOn: dependencies, requirement, isLeased: true)
      } else {
        try await manager.want(unit, dependsOn: dependencies, requirement)
      }
    }
  }
}
