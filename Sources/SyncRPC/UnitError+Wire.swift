internal import SyncUnits
internal import SyncWire

extension UnitError {
  /// The numbers of `ErrorCode` in unitsync.proto.
  private static let codes: [(number: UInt64, code: Code)] = [
    (0, .other), (1, .invalidName), (2, .cycle), (3, .notFound), (4, .notReady),
    (5, .sameStatus), (6, .limitExceeded), (7, .unavailable), (8, .protocolViolation),
    (9, .permissionDenied), (10, .dependencyFailed), (11, .wrongStatus), (12, .unsupported),
  ]

  /// What an Error packet carries for a call of `service`; the original's has no numbers.
  func payload(for service: Method.Service) -> ErrorPayload {
    let number =
      switch service {
      case .agentSocket: UInt64(0)
      case .unitSync: Self.codes.first { $0.code == code }?.number ?? 0
      }
    return ErrorPayload(code: number, text: message)
  }

  /// The error that an agent sent. Where it has no number, the kind is told from the known endings of
  /// the original's texts; so it works with an original agent too.
  init(_ payload: ErrorPayload) {
    let numbered = Self.codes.first { $0.number == payload.code && $0.number != 0 }?.code
    self.init(numbered ?? Self.code(ofText: payload.text), payload.text)
  }

  private static func code(ofText text: String) -> Code {
    let endings: [(String, Code)] = [
      ("cycle detected", .cycle),
      ("unit name is required", .invalidName),
      ("same status already set", .sameStatus),
      ("unit not found", .notFound),
      ("unit not ready", .notReady),
      // What only an agent of ours says in the original's calls.
      ("unit has failed", .wrongStatus),
      ("unit was skipped", .wrongStatus),
      ("more than \(Limits.units) units", .limitExceeded),
      ("more than \(Limits.edges) dependencies", .limitExceeded),
    ]
    if let known = endings.first(where: { text.hasSuffix($0.0) }) { return known.1 }
    if text.hasPrefix("protocol error: unknown rpc: ") { return .unsupported }
    if text.hasPrefix("dependency '") { return .dependencyFailed }
    if text.hasPrefix("unit name is too long") { return .invalidName }
    return .other
  }
}
