/// The calls that this package speaks.
package enum Method: String, CaseIterable, Sendable {
  case ping = "Ping"
  case want = "SyncWant"
  case start = "SyncStart"
  case complete = "SyncComplete"
  case ready = "SyncReady"
  case status = "SyncStatus"
  case list = "SyncList"
  case hello = "Hello"
  case wantAll = "Want"
  case wait = "Wait"
  case startWith = "Start"
  case finish = "Finish"
  case markHealthy = "MarkHealthy"
  case reset = "Reset"
  case details = "Status"
  case detailedList = "List"
  case why = "Why"

  /// What calls are grouped by on the wire.
  package enum Service: String, CaseIterable, Sendable {
    /// The original's, as in `agentsocket.proto`.
    case agentSocket = "/coder.agentsocket.v1.AgentSocket/"
    /// What the original cannot say, as in `unitsync.proto`.
    case unitSync = "/unitsync.v1.UnitSync/"
  }

  package var service: Service {
    switch self {
    case .ping, .want, .start, .complete, .ready, .status, .list: .agentSocket
    default: .unitSync
    }
  }

  /// What an Invoke packet carries to open the call.
  package var path: [UInt8] { Array(service.rawValue.utf8) + rawValue.utf8 }

  /// The method that an Invoke packet names; nil if there is none of that name.
  package init?(path: RawSpan) {
    for service in Service.allCases {
      let name = path.withUnsafeBytes { path -> String? in
        guard path.starts(with: service.rawValue.utf8) else { return nil }
        // Names fit into a string that needs no memory of its own.
        return String(validating: path.dropFirst(service.rawValue.utf8.count), as: UTF8.self)
      }
      guard let name else { continue }
      guard let method = Method(rawValue: name), method.service == service else { return nil }
      self = method
      return
    }
    return nil
  }
}
