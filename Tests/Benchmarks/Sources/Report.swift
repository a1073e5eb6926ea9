import Glibc
import SyncText

/// Values of several runs.
struct Spread {
  let values: [Double]
  init(_ values: [Double]) { self.values = values.sorted() }
  var minimum: Double { values.first ?? .nan }
  var median: Double { values.isEmpty ? .nan : values[values.count / 2] }
  var maximum: Double { values.last ?? .nan }
  /// The value that ninety-nine of a hundred do not exceed.
  var percentile99: Double { values.isEmpty ? .nan : values[(values.count * 99) / 100] }
}

/// What a row has to reach.
enum Target {
  /// So many times the floor, at most.
  case ratio(Double)
  /// This value, at most.
  case atMost(Double)
  case none

  var text: String {
    switch self {
    case .ratio(let value): "≤ \(format(value)) x"
    case .atMost(let value): "≤ \(format(value))"
    case .none: ""
    }
  }
}

/// One line of the table.
struct Row {
  let what: String
  var unit = "us"
  var floor: Spread?
  let ours: Spread
  var target = Target.none
  var note = ""

  /// The median of the ratios of runs that were made one after the other.
  var ratio: Double? { floor.map { ours.median / $0.median } }

  var isMet: Bool? {
    switch target {
    case .ratio(let most): ratio.map { $0 <= most }
    case .atMost(let most): ours.median <= most
    case .none: nil
    }
  }
}

/// Prints rows as they come, as a table or as JSON.
final class Report {
  private let isJSON: Bool
  private let prints: Bool
  private var rows: [Row] = []

  init(isJSON: Bool) {
    self.isJSON = isJSON
    prints = !isJSON
    if prints { line("what", "floor", "ours", "ratio", "target", "", "min … max, of") }
  }

  func section(_ title: String) {
    if prints { print("\n\(title)") }
    fflush(nil)
  }

  func add(_ row: Row) {
    rows.append(row)
    guard prints else { return }
    line(
      row.what, row.floor.map { format($0.median) } ?? "",
      "\(format(row.ours.median)) \(row.unit)", row.ratio.map(format) ?? "", row.target.text,
      row.isMet.map { $0 ? "met" : "NOT MET" } ?? "",
      "\(format(row.ours.minimum)) … \(format(row.ours.maximum)), \(row.ours.values.count)"
        + (row.note.isEmpty ? "" : "; \(row.note)"))
    fflush(nil)
  }

  func note(_ text: String) {
    if prints { print("  \(text)") }
  }

  func finish() {
    guard isJSON else { return }
    print(
      JSON.array(
        rows.map { row in
          var members: [(name: String, value: JSON)] = [
            ("what", .string(row.what)), ("unit", .string(row.unit)),
            ("median", .real(row.ours.median)), ("min", .real(row.ours.minimum)),
            ("max", .real(row.ours.maximum)), ("runs", .integer(row.ours.values.count)),
          ]
          if let floor = row.floor { members.append(("floor", .real(floor.median))) }
          if let ratio = row.ratio { members.append(("ratio", .real(ratio))) }
          if !row.target.text.isEmpty { members.append(("target", .string(row.target.text))) }
          if let isMet = row.isMet { members.append(("met", .boolean(isMet))) }
          if !row.note.isEmpty { members.append(("note", .string(row.note))) }
          return .object(members)
        }
      ).text(.indented))
  }

  private func line(_ cells: String...) {
    let widths = [50, 9, 14, 7, 9, 8, 0]
    var text = ""
    for (cell, width) in zip(cells, widths) {
      text += cell + String(repeating: " ", count: max(1, width - cell.count))
    }
    while text.hasSuffix(" ") { text.removeLast() }
    print(text)
  }
}

/// Three significant digits, or whole numbers beyond that.
func format(_ value: Double) -> String {
  if value.isNaN { return "-" }
  if value >= 100 || value == value.rounded() { return "\(Int(value.rounded()))" }
  let places = value >= 10 ? 10.0 : 100.0
  return "\((value * places).rounded() / places)"
}
