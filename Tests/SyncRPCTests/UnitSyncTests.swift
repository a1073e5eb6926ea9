import SyncPlugin
import SyncRPC
import SyncUnits
import SyncWire
import Testing
import WireFixtures

/// The second service: what the original does not have.
@Suite struct UnitSyncTests {
  static let secrets = ConnectionSecrets(
    client: Secret([UInt8](repeating: 1, count: 16)),
    agent: Secret([UInt8](repeating: 2, count: 16)))

  static var hello: HelloResponse {
    var hello = HelloResponse()
    hello.version = 1
    hello.capabilities = [
      "Hello", "Want", "Wait", "Start", "Finish", "MarkHealthy", "Reset", "Status", "List", "Why",
    ]
    hello.limits = .current
    return hello
  }

  @Test func helloTellsVersionCapabilitiesAndLimits() {
    var served = ServedBytes()
    served.receive(call(.hello, HelloRequest(version: 1).encoded))
    #expect(served.output == success(Self.hello.encoded))
    #expect(LimitsInfo.current.streams == 1_024)
    #expect(LimitsInfo.current.packetBytes == 4 << 20)
    #expect(LimitsInfo.current.nameBytes == 4_096)
    #expect(LimitsInfo.current.frameMilliseconds == 10_000)
  }

  static func wait(_ unit: UnitID, stream: UInt64 = 1) -> [UInt8] {
    call(.wait, UnitSync.WaitRequest(.ready(unit)).encoded, stream: stream)
  }

  @Test func aWaitForWhatIsReadyIsAnsweredAtOnce() {
    var served = ServedBytes()
    served.receive(Self.wait("a"))
    #expect(served.output == success())
  }

  @Test func aWaitIsDeferredAndDelaysNothing() throws {
    var served = ServedBytes()
    try served.manager.want("a", dependsOn: "b")
    served.receive(Self.wait("a"))
    #expect(served.output == [])
    served.receive(call(.ping, stream: 2))
    #expect(served.output == success(stream: 2))
    served.answer(.success(.done), on: 1)
    #expect(served.output == success(stream: 2) + success())
  }

  @Test func aWaitThatIsTakenBackIsTold() throws {
    var served = ServedBytes()
    try served.manager.want("a", dependsOn: "b")
    for (stream, ending) in [PacketKind.cancel, .close, .error].enumerated() {
      let stream = UInt64(stream + 1)
      served.receive(Self.wait("a", stream: stream))
      served.receive(frame(ending, stream, 4))
    }
    #expect(served.cancelled == [1, 2, 3])
    #expect(served.output == [])
  }

  /// Errors of this service carry a number, those of the original's carry none.
  @Test func errorsCarryNumbers() {
    var served = ServedBytes()
    served.receive(Self.wait(""))
    let text = "cannot check readiness: unit ID cannot be empty: unit name is required"
    #expect(served.output == frame(.error, 1, 1, ErrorPayload(code: 1, text: text).encoded))
  }

  @Test func theServicesDoNotMix() {
    for path in ["/unitsync.v1.UnitSync/Ping", "/coder.agentsocket.v1.AgentSocket/Wait"] {
      var served = ServedBytes()
      served.receive(frame(.invoke, 1, 1, Array(path.utf8)))
      #expect(served.output == failure("protocol error: unknown rpc: \"\(path)\""))
    }
  }

  // MARK: Proof

  static func metadata(_ secret: Secret) -> [UInt8] {
    CallMetadata("unitsync-token", secret.hexadecimal).encoded
  }

  static func proof(
    _ metadata: [UInt8], _ method: Method = .hello, stream: UInt64 = 1
  ) -> [UInt8] {
    frame(.invokeMetadata, stream, 1, metadata) + frame(.invoke, stream, 2, method.path)
      + frame(.message, stream, 3) + frame(.closeSend, stream, 4)
  }

  @Test func aClientThatProvesItselfIsServed() {
    var answer = Self.hello
    answer.token = Self.secrets.agent.hexadecimal
    let request = Self.proof(Self.metadata(Self.secrets.client))
    for size in 1...request.count {
      var served = ServedBytes(secrets: Self.secrets)
      var rest = request[...]
      while !rest.isEmpty {
        served.receive(Array(rest.prefix(size)))
        rest = rest.dropFirst(size)
      }
      #expect(served.isProven)
      #expect(served.output == success(answer.encoded))
      // The same client goes on with the next stream, after a late Close…
      served.receive(frame(.close, 1, 5) + call(.ping, stream: 2))
      #expect(served.output == success(answer.encoded) + success(stream: 2))
    }
    // …and behind a relay another one begins with the first.
    var relayed = ServedBytes(secrets: Self.secrets)
    relayed.receive(request + call(.ping))
    #expect(relayed.output == success(answer.encoded) + success())
    #expect(relayed.error == nil)
  }

  struct Stranger: Sendable, CustomStringConvertible {
    let description: String
    let bytes: [UInt8]
    var error = WireError.unproven
    var isAnswered = true
  }

  static let strangers: [Stranger] = [
    Stranger(description: "no proof", bytes: call(.ping)),
    Stranger(description: "Hello without metadata", bytes: call(.hello)),
    Stranger(description: "another secret", bytes: proof(metadata(secrets.agent))),
    Stranger(
      description: "the beginning of the secret",
      bytes: proof(
        CallMetadata("unitsync-token", String(secrets.client.hexadecimal.dropLast(2))).encoded)),
    Stranger(
      description: "the secret under another name",
      bytes: proof(CallMetadata("token", secrets.client.hexadecimal).encoded)),
    Stranger(description: "no secret", bytes: proof(CallMetadata("unitsync-token", "").encoded)),
    Stranger(
      description: "the secret with another call", bytes: proof(metadata(secrets.client), .list)),
    Stranger(
      description: "a call between metadata and Hello",
      bytes: frame(.invokeMetadata, 1, 1, metadata(secrets.client)) + call(.ping, stream: 2)),
    Stranger(
      description: "a proof while another stream is open",
      bytes: frame(.invokeMetadata, 1, 1) + proof(metadata(secrets.client), stream: 2)),
    Stranger(
      description: "HTTP", bytes: Array("GET / HTTP/1.1\r\n".utf8), error: .unknownKind(35),
      isAnswered: false),
    Stranger(
      description: "WebSocket", bytes: Array("GET /ws HTTP/1.1\r\nUpgrade: websocket".utf8),
      error: .unknownKind(35), isAnswered: false),
    Stranger(
      description: "TLS", bytes: [0x16, 3, 1, 2, 0, 1], error: .unknownKind(11), isAnswered: false),
  ]

  @Test(arguments: strangers)
  func aStrangerIsTurnedAway(_ stranger: Stranger) {
    var served = ServedBytes(secrets: Self.secrets)
    served.receive(stranger.bytes)
    #expect(served.error == stranger.error)
    #expect(!served.isProven)
    #expect(served.calls == [])
    #expect(served.output.isEmpty == !stranger.isAnswered)
  }

  @Test func secretsAreNeverShown() {
    let secret = Self.secrets.client
    #expect("\(secret) \(Self.secrets)".contains("0101") == false)
    var dumped = ""
    dump(Self.secrets, to: &dumped)
    #expect(!dumped.contains("1"))
    #expect(Secret(hexadecimal: secret.hexadecimal) == secret)
    for text in ["", "0102", "zz" + secret.hexadecimal, secret.hexadecimal + "0"] {
      #expect(Secret(hexadecimal: text) == nil)
    }
  }

  /// The words of the original have no failure: what has failed is at work, what was skipped has not begun;
  /// only who asks whether a unit may start hears that it never will.
  @Test func anOriginalClientSeesTheOriginalsWords() throws {
    let manager = LocalUnitManager()
    try manager.want("app", dependsOn: ["db", "cache"], .success)
    try manager.want("cache", dependsOn: "db")
    try manager.want("late", dependsOn: ["db"], Requirement(.started, isOptional: true))
    try manager.start("db")
    try manager.finish("db", as: .failed(Ending(exitStatus: 3)), generation: nil)
    try manager.finish("cache", as: .skipped(Ending("no need")), generation: nil)
    let text = "dependency 'db' failed: exit status 3 (required by 'app')"

    let status = StatusResponse(try manager.status(of: "app"), on: "app")
    #expect(status.status == "pending")
    #expect(!status.isReady)
    let rows = status.dependencies.map {
      "\($0.dependsOn) \($0.requiredStatus) \($0.currentStatus)"
    }
    #expect(rows == ["cache completed pending", "db completed started"])
    let late = StatusResponse(try manager.status(of: "late"), on: "late")
    #expect(late.isReady)
    #expect(late.dependencies.map(\.requiredStatus) == ["completed"])
    let list = ListResponse(manager.list()).units.map { "\($0.unit) \($0.status)" }
    #expect(list == ["app pending", "cache pending", "db started", "late pending"])
    for method in [Method.ready, .start] {
      var served = ServedBytes()
      served.manager = manager
      served.receive(call(method, UnitRequest(unit: "app").encoded))
      #expect(served.output == failure(text))
    }
  }
}
