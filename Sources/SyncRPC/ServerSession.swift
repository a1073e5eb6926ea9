package import SyncPlugin
package import SyncUnits
package import SyncWire

/// The agent's side of one connection, without the connection: packets in, calls out, and answers
/// back to bytes. A pure value.
///
/// Several calls may be open at a time, each on a stream of its own; an original client opens one
/// after another. What comes for a stream that is over is passed over; what comes for one that was
/// never opened ends the connection.
///
/// Where there are secrets, the first call has to be a Hello with the client's, and nothing is taken
/// before. That call does not use up its stream, as unitsync.proto says.
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
  private let secrets: ConnectionSecrets?
  /// Under which name metadata carries the client's secret.
  package static let tokenKey = "unitsync-token"
  private var provenStream: UInt64?

  /// Whether the client may make calls.
  package var isProven: Bool { secrets == nil || provenStream != nil }

  private struct Stream {
    enum Phase {
      case metadata(CallMetadata)
      case invoked(Method)
      case answering(Method.Service)
    }

    let id: UInt64
    var lastMessage: UInt64
    var phase: Phase
  }

  package init(secrets: ConnectionSecrets? = nil) { self.secrets = secrets }

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
    switch packet.kind {
    case .invoke, .invokeMetadata:
      guard packet.stream > lastStream else { throw .idMonotonicity }
      try open(packet, of: bytes, output: &output)
    default:
      // Late words for a stream that is over are passed over.
      guard packet.stream <= max(lastStream, provenStream ?? 0) else { throw .streamState }
    }
    return nil
  }

  private mutating func open(
    _ packet: Packet, of bytes: RawSpan, output: inout [UInt8]
  ) throws(WireError) {
    guard streams.count < Limits.streams else { throw .tooManyStreams }
    lastStream = packet.stream
    var metadata = CallMetadata()
    if packet.kind == .invokeMetadata {
      do throws(ProtobufError) {
        metadata = try packet.withData(in: bytes) { data throws(ProtobufError) in
          try CallMetadata(decoding: data)
        }
      } catch {
        throw .malformedMetadata
      }
    }
    streams.append(
      Stream(id: packet.stream, lastMessage: packet.message, phase: .metadata(metadata)))
    if packet.kind == .invoke {
      try invoke(packet, metadata, streamAt: streams.count - 1, of: bytes, output: &output)
    }
  }

  private mutating func take(
    _ packet: Packet, forStreamAt index: Int, of bytes: RawSpan, output: inout [UInt8]
  ) throws(WireError) -> Event? {
    let id = packet.stream
    switch (packet.kind, streams[index].phase) {
    case (.invoke, .metadata(let metadata)):
      try invoke(packet, metadata, streamAt: index, of: bytes, output: &output)
    case (.message, .invoked(let method)):
      do {
        let call = try packet.withData(in: bytes) { data throws(ProtobufError) in
          try Call(method, decoding: data)
        }
        streams[index].phase = .answering(method.service)
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
    _ packet: Packet, _ metadata: CallMetadata, streamAt index: Int, of bytes: RawSpan,
    output: inout [UInt8]
  ) throws(WireError) {
    let method = packet.withData(in: bytes) { Method(path: $0) }
    if let secrets, !isProven {
      // A stream that is open already could be opened once more behind the proof, and answered twice.
      guard method == .hello, streams.count == 1, let text = metadata[Self.tokenKey],
        let token = Secret(hexadecimal: text), token == secrets.client
      else {
        let refusal = UnitError(
          .permissionDenied, "the client did not prove that it may use this agent")
        refuse(streamAt: index, refusal.payload(for: .unitSync), output: &output)
        throw .unproven
      }
      provenStream = packet.stream
      lastStream = 0
    }
    packet.withData(in: bytes) { path in
      if let method {
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
      let data = reply.encoded(token: secrets?.agent.hexadecimal)
      guard data.count <= Limits.packetBytes else {
        return refuse(streamAt: index, "response too large", output: &output)
      }
      streams.remove(at: index)
      FrameWriter.append(.message, stream: stream, message: 1, data: data, to: &output)
      FrameWriter.append(.closeSend, stream: stream, message: 2, to: &output)
    case .failure(let error):
      guard case .answering(let service) = streams[index].phase else { return }
      refuse(streamAt: index, error.payload(for: service), output: &output)
    }
  }

  private mutating func refuse(streamAt index: Int, _ text: String, output: inout [UInt8]) {
    refuse(streamAt: index, ErrorPayload(text: text), output: &output)
  }

  private mutating func refuse(
    streamAt index: Int, _ payload: ErrorPayload, output: inout [UInt8]
  ) {
    let stream = streams.remove(at: index)
    FrameWriter.append(.error, stream: stream.id, message: 1, data: payload.encoded, to: &output)
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
