internal import SyncRPC
internal import SyncText
internal import SyncUnits

extension Command {
  private static let columns: [Column<UnitSummary>] = [
    Column("unit", "unit_name", { $0.unit.name }, { .string($0.unit.name) }),
    Column("status", "status", \.status.description, { .string($0.status.wireName) }),
    Column("ready", "is_ready", { "\($0.isReady)" }, { .boolean($0.isReady) }),
  ]
  private static let column = Options.columns(columns.map(\.heading))

  static let list = Command(
    name: "list",
    summary: "List all units and their status",
    examples: """
      # The names only
      coder exp sync list -c unit
      """,
    options: [Options.output, column],
    run: { invocation in
      guard invocation.arguments.isEmpty else {
        throw CommandFailure.usage("list takes no arguments")
      }
      let format = try invocation.outputFormat()
      let columns = try invocation.columns(column, of: columns)
      try invocation.withClient { client in
        let rows = try await client.call("list units failed: ") { try await $0.list() }.sorted {
          $0.unit < $1.unit
        }
        switch format {
        case .json:
          let values = rows.map { row in
            JSON.object(
              Self.columns.map { (name: $0.member, value: $0.json(row)) }
                + (row.details?.jsonMembers ?? []))
          }
          try invocation.console.print(JSON.array(values).text(.indented))
        case .table:
          try invocation.console.print(
            rows.isEmpty ? "No units registered" : tableText(rows, columns))
        }
      }
    })
}
