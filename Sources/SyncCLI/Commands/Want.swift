internal import SyncRPC
internal import SyncUnits

extension Command {
  static let want = Command(
    name: "want",
    arguments: "<unit> <depends-on> [depends-on...]",
    summary: "Declare that a unit depends on another unit completing before it can start",
    discussion: """
      Units may be named before anybody has registered them. A dependency that would close a cycle \
      is refused. Declaring a dependency again changes nothing.
      """,
    examples: """
      # app starts after git-clone and apt-install
      coder exp sync want app git-clone apt-install
      """,
    completion: .units,
    run: { invocation in
      guard invocation.arguments.count >= 2 else {
        throw CommandFailure.usage(
          "at least two arguments are required: unit and one or more depends-on")
      }
      let units = try invocation.units(invocation.arguments)
      let unit = units[0]
      let dependencies = units.dropFirst()
      try invocation.withClient { client in
        for dependency in dependencies {
          try await client.call(
            "declare dependency failed: ",
            hint: { error in
              guard error.code == .cycle else { return nil }
              return await client.manager.hintAboutCycle(from: unit, to: dependency)
            }
          ) { try await $0.want(unit, dependsOn: dependency) }
        }
        try invocation.console.print(
          "Unit \(unit.name.quoted) declared dependencies: \(dependencies.bracketed)")
      }
    })
}
