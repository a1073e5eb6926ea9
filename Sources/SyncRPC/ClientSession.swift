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
  private var open: [OpenCall] = []

  private struct OpenCall {
    let stream: UInt64
    let lastMessage: UInt64
  }

  package init() {}

  /// Appends a call to `output` and returns the stream on which its answer will come.
  ///
  /// Its packets are InvokeMetadata if there is some, Invoke, Message and CloseSend; Close follows
  /// when the answer is there.
  package mutating func begin(
    _ method: Method, request: [UInt8], metadata: CallMetadata? = nil, output: inout [UInt8]
  ) -> UInt64 {
    lastStream += 1
    let stream = lastStream
    var message: UInt64 = 0
    func append(_ kind: PacketKind, _ data: [UInt8] = []) {
      message += 1
      FrameWriter.append(kind, stream: stream, message: message, data: data, to: &output)
    }
    if let metadata { append(.invokeMetadata, metadata.encoded) }
    append(.invoke, method.path)
    append(.message, request)
    append(.closeSend)
    open.append(OpenCall(stream: stream, lastMessage: message))
    return stream
  }

  /// Tells the agent that an answer is not wanted any more.
  package mutating func cancel(_ stream: UInt64, output: inout [UInt8]) {
    guard let call = end(stream) else { return }
    FrameWriter.append(
      .cancel, stream: stream, message: call.lastMessage + 1, control: true, to: &output)
  }

  /// Reads on at `offset` until a call has come to its end; nil if bytes are missing.
  /// - Throws: what makes the connection unusable.
  package mutating func next(
    in bytes: RawSpan, at offset: inout Int, output: inout [UInt8]
  ) throws(WireError) -> Event? {
    while let packet = try decoder.next(in: bytes, at: &offset) {
      guard packet.stream <= lastStream else { throw .streamState }
      guard open.contains(where: { $0.stream == packet.stream }), let kind = packet.kind,
        let result = try result(kind, packet, of: bytes), let call = end(packet.stream)
      else { continue }
      if kind == .message {
        FrameWriter.append(
          .close, stream: packet.stream, message: call.lastMessage + 1, to: &output)
      }
      return Event(stream: packet.stream, result: result)
    }
    return nil
  }

  /// Nil if the call is over already.
  private mutating func end(_ stream: UInt64) -> OpenCall? {
    open.firstIndex { $0.stream == stream }.map { open.remove(at: $0) }
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
