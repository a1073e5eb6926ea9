package import SyncUnits
package import SyncWire

/// The client's side of one connection, without the connection. A pure value.
package struct ClientSession: Sendable {
  /// What came of a call.
  package struct Event: Equatable, Sendable {
    package let stream: UInt64
    package let result: Result<[UInt8], UnitError>
  }

  private var decoder = PacketDecoder()
  private var lastStream: UInt64 = 0
  private var open: [UInt64] = []

  /// The messages of a unary call are always these: Invoke, Message and CloseSend, and Close when
  /// the answer is there.
  private enum MessageID {
    static let invoke: UInt64 = 1
    static let message: UInt64 = 2
    static let closeSend: UInt64 = 3
    static let close: UInt64 = 4
  }

  package init() {}

  /// Appends a call to `output` and returns the stream on which its answer will come.
  package mutating func begin(
    _ method: Method, request: [UInt8], output: inout [UInt8]
  ) -> UInt64 {
    lastStream += 1
    let stream = lastStream
    open.append(stream)
    FrameWriter.append(
      .invoke, stream: stream, message: MessageID.invoke, data: method.path, to: &output)
    FrameWriter.append(
      .message, stream: stream, message: MessageID.message, data: request, to: &output)
    FrameWriter.append(.closeSend, stream: stream, message: MessageID.closeSend, to: &output)
    return stream
  }

  /// Tells the agent that an answer is not wanted any more.
  package mutating func cancel(_ stream: UInt64, output: inout [UInt8]) {
    guard end(stream) else { return }
    FrameWriter.append(
      .cancel, stream: stream, message: MessageID.close, control: true, to: &output)
  }

  /// Reads on at `offset` until a call has come to its end; nil if bytes are missing.
  /// - Throws: what makes the connection unusable.
  package mutating func next(
    in bytes: RawSpan, at offset: inout Int, output: inout [UInt8]
  ) throws(WireError) -> Event? {
    while let packet = try decoder.next(in: bytes, at: &offset) {
      guard packet.stream <= lastStream else { throw .streamState }
      guard open.contains(packet.stream), let kind = packet.kind,
        let result = try result(kind, packet, of: bytes)
      else { continue }
      _ = end(packet.stream)
      if kind == .message {
        FrameWriter.append(
          .close, stream: packet.stream, message: MessageID.close, to: &output)
      }
      return Event(stream: packet.stream, result: result)
    }
    return nil
  }

  /// False if the call is over already.
  private mutating func end(_ stream: UInt64) -> Bool {
    guard let index = open.firstIndex(of: stream) else { return false }
    open.remove(at: index)
    return true
  }

  private func result(
    _ kind: PacketKind, _ packet: Packet, of bytes: RawSpan
  ) throws(WireError) -> Result<[UInt8], UnitError>? {
    switch kind {
    case .message:
      return .success(packet.withData(in: bytes) { $0.withUnsafeBytes(Array.init) })
    case .error:
      return .failure(UnitError(packet.withData(in: bytes, ErrorPayload.init(decoding:))))
    case .close, .closeSend:
      return .failure(UnitError(.protocolViolation, "EOF"))
    case .cancel:
      return .failure(UnitError(.protocolViolation, "context canceled"))
    case .invoke, .invokeMetadata:
      throw .streamState
    }
  }
}
