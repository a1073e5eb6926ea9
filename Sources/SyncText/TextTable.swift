internal import SyncUnits

/// Rows in columns that are as wide as their widest cell, two spaces apart.
package struct TextTable {
  private var rows: [[String]]

  package init(headings: [String]) { rows = [headings] }

  /// Control characters in cells are shown as escapes, so that a name cannot break the layout.
  package mutating func append(_ cells: [String]) {
    rows.append(cells.map(\.escapingControlCharacters))
  }

  /// All lines, without spaces at their ends.
  package var lines: [String] {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max()! }
    return rows.map { row in
      let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
      var line = cells.joined(separator: "  ")
      while line.hasSuffix(" ") { line.removeLast() }
      return line
    }
  }
}
