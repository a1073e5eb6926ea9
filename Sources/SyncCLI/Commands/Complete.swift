internal import SyncRPC
internal import SyncUnits

extension Command {
  static let complete = Command(
    name: "complete",
    arguments: "<unit>",
    summary: "Mark a unit as complete",
    discussion: "Releases all units that waited for nothing but this one.",
    examples: """
      # Complete the unit even if the script fails
      trap 'coder exp sync complete app' EXIT
      """,
    completion: .units,
    run: { invocation in
      let unit = try invocation.onlyUnit()
      try invocation.withClient { client in
        try await client.call(
          "complete unit failed: ",
          hint: { $0.code == .notFound ? await client.manager.suggestion(for: unit) : nil }
        ) { try await $0.complete(unit) }
        try invocation.console.print("Success")
      }
    })
}
