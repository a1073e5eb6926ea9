internal import SyncWire

/// A part of the program that reads what others wrote, and what it promises for any bytes.
package enum FuzzTarget: String, CaseIterable, Sendable {
  // The slowest first, so that several at a time end together.
  case serverSession = "server-session"
  case clientSession = "client-session"
  case commandLine = "command-line"
  case frames
  case protobuf
  case endpoints
  case durations

  /// Beyond this, inputs become slower and find nothing more.
  package var longestInput: Int {
    switch self {
    case .frames, .serverSession, .clientSession: 192
    case .protobuf: 256
    case .commandLine: 80
    case .durations: 64
    case .endpoints: 256
    }
  }

  /// Whether a prefix of an input is one that a peer could have sent before it died.
  package var readsConnections: Bool {
    switch self {
    case .frames, .serverSession, .clientSession: true
    case .protobuf, .commandLine, .durations, .endpoints: false
    }
  }

  /// Feeds `bytes` to the part, and ends the process with a message where a promise is broken.
  package func run(_ bytes: RawSpan) {
    switch self {
    case .frames: FrameTarget.run(bytes)
    case .protobuf: ProtobufTarget.run(bytes)
    case .serverSession: ServerSessionTarget.run(bytes)
    case .clientSession: ClientSessionTarget.run(bytes)
    case .commandLine: CommandLineTarget.run(bytes)
    case .durations: DurationTarget.run(bytes)
    case .endpoints: EndpointTarget.run(bytes)
    }
  }
}

/// Ends the process unless `condition` holds. A precondition would not say why in a release build.
func demand(_ condition: Bool, _ message: @autoclosure () -> String) {
  if !condition { fatalError(message()) }
}
