internal import SyncUnits

extension Sequence<UnitID> {
  /// `[a, b]`, as the texts of the original list units.
  var bracketed: String {
    "[" + map(\.name.escapingControlCharacters).joined(separator: ", ") + "]"
  }
}

extension UnitReport {
  /// What the unit waits for, sorted by name.
  var unsatisfied: [Dependency] {
    dependencies.filter { !$0.isSatisfied }.sorted { $0.unit < $1.unit }
  }
}
