/// Why bytes cannot be the protocol. The connection that carried them is of no more use.
package enum WireError: Error, Hashable, Sendable {
  /// A kind of packet that does not exist, in a frame that may not be skipped.
  case unknownKind(UInt8)
  /// A variable-length integer of more than 64 bits.
  case overlongVarint
  /// A frame or packet beyond `Limits.packetBytes`.
  case packetTooLarge
  /// A stream or message id that may not come here.
  case idMonotonicity
  /// Frames of one packet that differ in kind.
  case mixedKinds
  /// Metadata of a call that is not key-value pairs.
  case malformedMetadata
  /// A stream that is used without having been opened, or opened twice.
  case streamState
  /// A client that has not proven itself.
  case unproven
  /// More than `Limits.streams` calls at a time.
  case tooManyStreams
}

extension WireError: CustomStringConvertible {
  /// The reason, in the words of the original where it has some.
  package var description: String {
    switch self {
    case .unknownKind(let kind): "internal error: unknown packet kind: Kind(\(kind))"
    case .overlongVarint: "protocol error: varint overflow"
    case .packetTooLarge: "protocol error: data overflow"
    case .idMonotonicity: "protocol error: id monotonicity violation"
    case .mixedKinds: "protocol error: frames of one packet differ in kind"
    case .malformedMetadata: "protocol error: malformed metadata"
    case .streamState: "protocol error: frame for a stream that is not open"
    case .unproven: "the client did not prove itself"
    case .tooManyStreams: "protocol error: too many streams"
    }
  }
}
