internal import SyncText

/// One column of a table, and the member of the same meaning in JSON.
struct Column<Row>: Sendable {
  let heading: String
  let member: String
  let text: @Sendable (Row) -> String
  let json: @Sendable (Row) -> JSON

  init(
    _ heading: String, _ member: String, _ text: @escaping @Sendable (Row) -> String,
    _ json: @escaping @Sendable (Row) -> JSON
  ) {
    self.heading = heading
    self.member = member
    self.text = text
    self.json = json
  }
}

enum OutputFormat: String, CaseIterable {
  case table, json
}

func tableText<Row>(_ rows: [Row], _ columns: [Column<Row>]) -> String {
  var table = TextTable(headings: columns.map { $0.heading.uppercased() })
  for row in rows { table.append(columns.map { $0.text(row) }) }
  return table.lines.joined(separator: "\n")
}

func json<Row>(_ rows: [Row], _ columns: [Column<Row>]) -> JSON {
  .array(rows.map { row in .object(columns.map { (name: $0.member, value: $0.json(row)) }) })
}

extension Invocation {
  func outputFormat() throws(CommandFailure) -> OutputFormat {
    try parsed(Options.output, expected: "table or json", OutputFormat.init(rawValue:)) ?? .table
  }

  /// The columns that were asked for, in that order; all of them by default.
  func columns<Row>(
    _ option: Command.Option, of all: [Column<Row>]
  ) throws(CommandFailure) -> [Column<Row>] {
    let names = flags(option).flatMap { $0.split(separator: ",").map(trimmed) }
    if names.isEmpty { return all }
    var columns: [Column<Row>] = []
    for name in names {
      guard let column = all.first(where: { $0.heading == name.lowercased() }) else {
        throw .usage(
          "unknown column \"\(name)\"",
          hints: ["known are: \(all.map(\.heading).joined(separator: ", "))"])
      }
      columns.append(column)
    }
    return columns
  }

  private func trimmed(_ text: Substring) -> String {
    let words = text.split(separator: " ")
    return words.joined(separator: " ")
  }
}
