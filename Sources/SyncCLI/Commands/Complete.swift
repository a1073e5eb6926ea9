internal import SyncRPC
internal import SyncUnits

extension Command {
  static let complete = Command(
    name: "complete",
    arguments: "<unit>",
    summary: "Mark a unit as complete",
    discussion: "Releases all units that waited for nothing but this one.",
    examples: [
      .init(
        comment: "Complete the unit even if the script fails",
        line: "trap 'coder exp sync complete app' EXIT")
    ],
    completion: .units,
    run: { invocation in
      let unit = try invocation.onlyUnit()
      try invocation.withClient { client in
        do throws(UnitError) {
          try await client.manager.complete(unit)
        } catch {
          var failure = CommandFailure("complete unit failed: ", error)
          if error.code == .notFound, let hint = await client.manager.suggestion(for: unit) {
            failure.hints.append(hint)
          }
          throw failure
        }
        try invocation.console.print("Success")
      }
    })
}
