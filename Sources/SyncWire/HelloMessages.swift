internal import SyncUnits

// The messages of Hello in unitsync.proto.

/// The request of Hello.
package struct HelloRequest: ProtobufMessage {
  package var version: UInt64 = 0

  package init() {}
  package init(version: UInt64) { self.version = version }

  package mutating func take(_ field: ProtobufField, of bytes: RawSpan) {
    if field.number == 1 { field.read(into: &version) }
  }

  package func encode(into writer: inout ProtobufWriter) {
    writer.append(1, version)
  }
}

/// The answer of Hello.
package struct HelloResponse: ProtobufMessage {
  /// The version of the service that this package speaks.
  package static let currentVersion: UInt64 = 1

  package var version: UInt64 = 0
  package var capabilities: [String] = []
  package var limits: LimitsInfo?
  package var token = ""

  package init() {}

  package mutating func take(_ field: ProtobufField, of bytes: RawSpan) throws(ProtobufError) {
    switch field.number {
    case 1: field.read(into: &version)
    case 2: try field.append(to: &capabilities, of: bytes)
    case 3: try field.read(into: &limits, of: bytes)
    case 4: try field.read(into: &token, of: bytes)
    default: break
    }
  }

  package func encode(into writer: inout ProtobufWriter) {
    writer.append(1, version)
    writer.append(2, capabilities)
    writer.append(3, limits)
    writer.append(4, token)
  }
}

/// The limits in the answer of Hello.
package struct LimitsInfo: ProtobufMessage {
  package var packetBytes: UInt64 = 0
  package var streams: UInt64 = 0
  package var nameBytes: UInt64 = 0
  package var frameMilliseconds: UInt64 = 0

  package init() {}

  /// Those of this package.
  package static let current: LimitsInfo = {
    var limits = LimitsInfo()
    limits.packetBytes = UInt64(Limits.packetBytes)
    limits.streams = UInt64(Limits.streams)
    limits.nameBytes = UInt64(Limits.nameBytes)
    limits.frameMilliseconds = UInt64(Limits.frameTime / .milliseconds(1))
    return limits
  }()

  package mutating func take(_ field: ProtobufField, of bytes: RawSpan) {
    switch field.number {
    case 1: field.read(into: &packetBytes)
    case 2: field.read(into: &streams)
    case 3: field.read(into: &nameBytes)
    case 4: field.read(into: &frameMilliseconds)
    default: break
    }
  }

  package func encode(into writer: inout ProtobufWriter) {
    writer.append(1, packetBytes)
    writer.append(2, streams)
    writer.append(3, nameBytes)
    writer.append(4, frameMilliseconds)
  }
}
