internal import SyncRPC
internal import SyncText
internal import SyncUnits

extension Command {
  private static let columns: [Column<Dependency>] = [
    Column("depends on", "depends_on", { $0.unit.name }, { .string($0.unit.name) }),
    Column(
      "required status", "required_status", \.requirement.requiredStatus,
      { .string($0.requirement.requiredStatus) }),
    Column(
      "current status", "current_status", \.currentStatus.description,
      { .string($0.currentStatus.wireName) }),
    Column("satisfied", "is_satisfied", { "\($0.isSatisfied)" }, { .boolean($0.isSatisfied) }),
  ]
  private static let column = Options.columns(columns.map(\.heading))

  static let status = Command(
    name: "status",
    arguments: "<unit>",
    summary: "Show unit status and dependency state",
    examples: """
      # For a script
      coder exp sync status app -o json
      """,
    options: [Options.output, column],
    completion: .units,
    run: { invocation in
      let unit = try invocation.onlyUnit()
      let format = try invocation.outputFormat()
      let columns = try invocation.columns(column, of: columns)
      try invocation.withClient { client in
        let report = try await client.call("get status failed: ") { try await $0.status(of: unit) }
        let rows = report.dependencies.sorted { $0.unit < $1.unit }
        switch format {
        case .json:
          var members: [(name: String, value: JSON)] = [
            ("unit_name", .string(unit.name)), ("status", .string(report.status.wireName)),
            ("is_ready", .boolean(report.isReady)),
          ]
          members += report.details?.jsonMembers ?? []
          members.append(("dependencies", json(rows, Self.columns)))
          try invocation.console.print(JSON.object(members).text(.indented))
        case .table:
          let head = """
            Unit: \(unit.name.escapingControlCharacters)
            Status: \(report.status.description.escapingControlCharacters)\(remark(report.details))
            Ready: \(report.isReady)

            Dependencies:

            """
          let table = rows.isEmpty ? "No dependencies found" : tableText(rows, columns)
          try invocation.console.print(head + table)
        }
        if report.status == .notRegistered {
          invocation.console.note(hint: await client.manager.hintAboutUnregistered(unit))
        }
      }
    })
  /// What is to be said behind the status.
  private static func remark(_ details: UnitDetails?) -> String {
    if let ending = details?.ending, !ending.description.isEmpty {
      return ": \(ending.description.escapingControlCharacters)"
    }
    if details?.isHealthy == true { return ", healthy" }
    return details?.isBlocked == true ? ", blocked for good" : ""
  }
}
