internal import SyncRPC
internal import SyncUnits

extension Command {
  static let complete = Command(
    name: "complete",
    arguments: "<unit>",
    summary: "Mark a unit as complete",
    discussion: """
      Releases all units that waited for nothing but this one. Refused if the unit has failed or was \
      skipped, so that a trap which completes it in any case cannot hide that.
      """,
    examples: """
      # Complete the unit even if the script fails
      trap 'coder exp sync complete app' EXIT
      """,
    completion: .units,
    run: { invocation in
      try invocation.callOnUnit("complete unit failed: ") { manager, unit in
        try await manager.complete(unit)
      }
    })
}
