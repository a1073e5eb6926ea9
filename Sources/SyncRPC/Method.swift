internal import SyncUnits
internal import SyncWire

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
  package var path: [UInt8] { Self.paths[self]! }

  private static let paths = Dictionary(
    uniqueKeysWithValues: allCases.map { ($0, Array((service + $0.rawValue).utf8)) })

  /// The method that an Invoke packet names; nil if there is none of that name.
  package init?(path: RawSpan) {
    let method = path.withUnsafeBytes { path in
      Self.allCases.first { path.elementsEqual($0.path) }
    }
    guard let method else { return nil }
    self = method
  }
}
