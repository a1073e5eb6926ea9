package import SyncRPC
package import SyncWire

// Bytes of the protocol, for tests that speak it by hand.

/// One packet in one frame.
package func frame(
  _ kind: PacketKind, _ stream: UInt64, _ message: UInt64, _ data: [UInt8] = [],
  control: Bool = false
) -> [UInt8] {
  var bytes: [UInt8] = []
  FrameWriter.append(
    kind, stream: stream, message: message, control: control, data: data, to: &bytes)
  return bytes
}

/// A whole call, as a client sends it.
package func call(_ method: Method, _ request: [UInt8] = [], stream: UInt64 = 1) -> [UInt8] {
  frame(.invoke, stream, 1, method.path) + frame(.message, stream, 2, request)
    + frame(.closeSend, stream, 3)
}

/// An answer, as an agent sends it.
package func success(_ data: [UInt8] = [], stream: UInt64 = 1) -> [UInt8] {
  frame(.message, stream, 1, data) + frame(.closeSend, stream, 2)
}

/// A refusal, as an agent sends it.
package func failure(_ text: String, stream: UInt64 = 1) -> [UInt8] {
  frame(.error, stream, 1, ErrorPayload(text: text).encoded)
}
