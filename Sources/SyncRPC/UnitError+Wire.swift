internal import SyncUnits
internal import SyncWire

extension UnitError {
  /// The error that an agent sent. The original service sends no codes, so the kind is told from
  /// the known endings of its texts; then it works with an original agent too.
  init(_ payload: ErrorPayload) {
    let text = payload.text
    let endings: [(String, Code)] = [
      ("cycle detected", .cycle),
      ("unit name is required", .invalidName),
      ("same status already set", .sameStatus),
      ("unit not found", .notFound),
      ("unit not ready", .notReady),
    ]
    let code =
      if let known = endings.first(where: { text.hasSuffix($0.0) }) {
        known.1
      } else if text.hasPrefix("protocol error: unknown rpc: ") {
        Code.unsupported
      } else if text.hasPrefix("unit name is too long") {
        Code.invalidName
      } else {
        Code.other
      }
    self.init(code, text)
  }
}
