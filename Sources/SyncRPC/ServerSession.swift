package import SyncUnits
package import SyncWire

/// The agent's side of one connection, without the connection: packets in, calls out, and answers
/// back to bytes. A pure value.
///
/// Several calls may be open at a time, each on a stream of its own; an original client opens one
/// after another. What comes for a stream that is over is passed over; what comes for one that was
/// never opened ends the connection.
package struct ServerSession: Sendable {
  /// What the owner of the session has to do.
  package enum Event: Equatable, Sendable {
    /// Answer with ``ServerSession/answer(_:on:output:)``, sooner or later.
    case call(Call, stream: UInt64)
    /// The answer to this call is not wanted any more.
    case cancelled(stream: UInt64)
  }

  private var decoder = PacketDecoder()
  private var lastStream: UInt64 = 0
  private var streams: [Stream] = []

  private struct Stream {
    enum Phase {
      case metadata
      case invoked(Method)
      case answering
    }

    let id: UInt64
    var lastMessage: UInt64
    var phase: Phase
  }

  package init() {}

  /// Reads on at `offset` until there is something to do, and moves `offset` behind what was used;
  /// nil if bytes are missing. Answers that need no manager are appended to `output`.
  /// - Throws: what makes the connection unusable.
  package mutating func next(
    in bytes: RawSpan, at offset: inout Int, output: inout [UInt8]
  ) throws(WireError) -> Event? {
    while let packet = try decoder.next(in: bytes, at: &offset) {
      if let event = try take(packet, of: bytes, output: &output) { return event }
    }
    return nil
  }

  private mutating func take(
    _ packet: Packet, of bytes: RawSpan, output: inout [UInt8]
  ) throws(WireError) -> Event? {
    if let index = streams.firstIndex(where: { $0.id == packet.stream }) {
      guard packet.message > streams[index].lastMessage else { throw .idMonotonicity }
      streams[index].lastMessage = packet.message
      return try take(packet, forStreamAt: index, of: bytes, output: &output)
    }
    if packet.stream <= lastStream {
      // Late words for a stream that is over. Only opening it again is more than that.
      if packet.kind == .invoke || packet.kind == .invokeMetadata { throw .idMonotonicity }
      return nil
    }
    guard packet.kind == .invoke || packet.kind == .invokeMetadata else { throw .streamState }
    guard streams.count < Limits.streams else { throw .tooManyStreams }
    lastStream = packet.stream
    streams.append(Stream(id: packet.stream, lastMessage: packet.message, phase: .metadata))
    if packet.kind == .invoke {
      invoke(packet, streamAt: streams.count - 1, of: bytes, output: &output)
    } else {
      try packet.withData(in: bytes) { data throws(WireError) in try Metadata.validate(data) }
    }
    return nil
  }

  private mutating func take(
    _ packet: Packet, forStreamAt index: Int, of bytes: RawSpan, output: inout [UInt8]
  ) throws(WireError) -> Event? {
    let id = packet.stream
    switch (packet.kind, streams[index].phase) {
    case (.invoke, .metadata):
      invoke(packet, streamAt: index, of: bytes, output: &output)
    case (.message, .invoked(let method)):
      do {
        let call = try packet.withData(in: bytes) { data throws(ProtobufError) in
          try Call(method, decoding: data)
        }
        streams[index].phase = .answering
        return .call(call, stream: id)
      } catch {
        refuse(streamAt: index, error.description, output: &output)
      }
    case (.closeSend, .invoked):
      refuse(streamAt: index, "EOF", output: &output)
    case (.message, .answering), (.closeSend, .answering):
      // The request is complete with its first message; a unary call has no second one.
      break
    case (.cancel, let phase), (.close, let phase), (.error, let phase):
      streams.remove(at: index)
      if case .answering = phase { return .cancelled(stream: id) }
    case (nil, _):
      break
    case (.invoke, _), (.invokeMetadata, _), (.message, .metadata), (.closeSend, .metadata):
      throw .streamState
    }
    return nil
  }

  private mutating func invoke(
    _ packet: Packet, streamAt index: Int, of bytes: RawSpan, output: inout [UInt8]
  ) {
    packet.withData(in: bytes) { path in
      if let method = Method(path: path) {
        streams[index].phase = .invoked(method)
      } else {
        let name = path.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        refuse(
          streamAt: index, "protocol error: unknown rpc: \(name.quoted)", output: &output)
      }
    }
  }

  /// Ends a stream with its answer, which is appended to `output`. A call that was cancelled in the
  /// meantime is passed over.
  package mutating func answer(
    _ result: Result<Reply, UnitError>, on stream: UInt64, output: inout [UInt8]
  ) {
    guard let index = streams.firstIndex(where: { $0.id == stream }) else { return }
    switch result {
    case .success(let reply):
      let data = reply.encoded
      guard data.count <= Limits.packetBytes else {
        return refuse(streamAt: index, "response too large", output: &output)
      }
      streams.remove(at: index)
      FrameWriter.append(.message, stream: stream, message: 1, data: data, to: &output)
      FrameWriter.append(.closeSend, stream: stream, message: 2, to: &output)
    case .failure(let error):
      refuse(streamAt: index, error.message, output: &output)
    }
  }

  private mutating func refuse(streamAt index: Int, _ text: String, output: inout [UInt8]) {
    let stream = streams.remove(at: index)
    let data = ErrorPayload(text: text).encoded
    FrameWriter.append(.error, stream: stream.id, message: 1, data: data, to: &output)
  }

  /// The client will send no more: calls that were not received whole are dropped, those that are
  /// waiting for their answer get an Error now, and are returned.
  package mutating func endInput(output: inout [UInt8]) -> [UInt64] {
    let open = streams
    for stream in open {
      guard case .answering = stream.phase else { continue }
      answer(
        .failure(UnitError(.unavailable, "the connection's input has ended")), on: stream.id,
        output: &output)
    }
    streams = []
    return open.map(\.id)
  }
}

/// The metadata of a call: entries (field 1) of a key (field 1) and a value (field 2).
private enum Metadata {
  static func validate(_ data: RawSpan) throws(WireError) {
    do throws(ProtobufError) {
      var offset = 0
      while let field = try ProtobufField.next(in: data, at: &offset) {
        guard field.number == 1, case .bytes(let range) = field.content else { continue }
        let entry = data.extracting(range)
        var inner = 0
        while try ProtobufField.next(in: entry, at: &inner) != nil {}
      }
    } catch {
      throw .malformedMetadata
    }
  }
}
