internal import SyncPlugin
internal import SyncUnits
internal import SyncWire

extension ConnectionSecrets {
  /// What a client shows with its first call.
  var metadata: CallMetadata { CallMetadata(ServerSession.tokenKey, client.hexadecimal) }

  /// Checks what the agent shows in return.
  func check(_ answer: HelloResponse) throws(UnitError) {
    guard Secret(hexadecimal: answer.token) == agent else {
      throw UnitError(
        .permissionDenied, "whoever listens there is not the agent that the endpoint file names")
    }
  }
}

/// The client's part of the proof, for somebody who makes no calls of its own afterwards. A pure value.
struct ConnectionProof: Sendable {
  private let secrets: ConnectionSecrets
  private var decoder = PacketDecoder()
  private var isChecked = false

  init(secrets: ConnectionSecrets) { self.secrets = secrets }

  /// What is to be sent.
  var request: [UInt8] {
    var session = ClientSession()
    var output: [UInt8] = []
    let request = HelloRequest(version: HelloResponse.currentVersion).encoded
    _ = session.begin(.hello, request: request, metadata: secrets.metadata, output: &output)
    return output
  }

  /// Reads the agent's answer on at `offset`, and says whether the last packet of it was there.
  /// - Throws: `permissionDenied`, `protocolViolation`, or what the agent refused with.
  mutating func isComplete(_ bytes: RawSpan, at offset: inout Int) throws(UnitError) -> Bool {
    while let packet = try next(in: bytes, at: &offset) {
      switch packet.kind {
      case .message:
        try secrets.check(try answer(packet, of: bytes))
        isChecked = true
      case .closeSend where isChecked: return true
      case .error: throw UnitError(packet.withData(in: bytes, ErrorPayload.init(decoding:)))
      default: throw UnitError(.protocolViolation, "the agent did not prove itself")
      }
    }
    return false
  }

  private mutating func next(
    in bytes: RawSpan, at offset: inout Int
  ) throws(UnitError) -> Packet? {
    do {
      return try decoder.next(in: bytes, at: &offset)
    } catch {
      throw UnitError(.protocolViolation, error.description)
    }
  }

  private func answer(_ packet: Packet, of bytes: RawSpan) throws(UnitError) -> HelloResponse {
    do {
      return try packet.withData(in: bytes) { data throws(ProtobufError) in
        try HelloResponse(decoding: data)
      }
    } catch {
      throw UnitError(.protocolViolation, error.description)
    }
  }
}
