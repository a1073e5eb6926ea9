/// The calls of the original service that this package speaks.
package enum Method: String, CaseIterable, Sendable {
  case ping = "Ping"
  case want = "SyncWant"
  case start = "SyncStart"
  case complete = "SyncComplete"
  case ready = "SyncReady"
  case status = "SyncStatus"
  case list = "SyncList"

  package static let service = "/coder.agentsocket.v1.AgentSocket/"

  /// What an Invoke packet carries to open the call.
  package var path: [UInt8] { Array(Self.service.utf8) + rawValue.utf8 }

  /// The method that an Invoke packet names; nil if there is none of that name.
  package init?(path: RawSpan) {
    let name = path.withUnsafeBytes { path -> String? in
      guard path.starts(with: Self.service.utf8) else { return nil }
      // Names fit into a string that needs no memory of its own.
      return String(validating: path.dropFirst(Self.service.utf8.count), as: UTF8.self)
    }
    guard let name, let method = Method(rawValue: name) else { return nil }
    self = method
  }
}
