import SyncPlugin
import SyncRPC
import SyncUnits
import SyncWire
import Testing
import WireFixtures

/// A session with a manager behind it, fed with bytes as they come.
struct ServedBytes {
  var manager = LocalUnitManager()
  private var session: ServerSession
  private var buffer = ReceiveBuffer()
  private(set) var output: [UInt8] = []
  private(set) var error: WireError?
  /// Calls that were read; they are answered at once unless `defers` is set.
  private(set) var calls: [Call] = []
  private(set) var cancelled: [UInt64] = []
  var defers = false

  init(secrets: ConnectionSecrets? = nil) { session = ServerSession(secrets: secrets) }

  var isProven: Bool { session.isProven }

  mutating func receive(_ bytes: [UInt8]) {
    guard error == nil else { return }
    var session = self.session
    var events: [ServerSession.Event] = []
    var output: [UInt8] = []
    let (manager, defers) = (manager, defers)
    do throws(WireError) {
      try buffer.feed(bytes.span.bytes) { bytes throws(WireError) in
        var offset = 0
        while let event = try session.next(in: bytes, at: &offset, output: &output) {
          events.append(event)
          if case .call(let call, let stream) = event, !defers {
            if let result = Self.answer(call, manager) {
              session.answer(result, on: stream, output: &output)
            }
          }
        }
        return offset
      }
    } catch {
      self.error = error
    }
    self.session = session
    self.output += output
    for event in events {
      switch event {
      case .call(let call, _): calls.append(call)
      case .cancelled(let stream): cancelled.append(stream)
      }
    }
  }

  mutating func answer(_ result: Result<Reply, UnitError>, on stream: UInt64) {
    session.answer(result, on: stream, output: &output)
  }

  mutating func endInput() -> [UInt64] { session.endInput(output: &output) }

  private static func answer(
    _ call: Call, _ manager: LocalUnitManager
  ) -> Result<Reply, UnitError>? {
    do {
      return try call.answer(from: manager).map { .success($0) }
    } catch {
      return .failure(error)
    }
  }
}

@Suite struct ServerSessionTests {
  /// Brings a manager to what the agent knew when a conversation was recorded.
  static func prepare(_ manager: LocalUnitManager, for recording: Recording) throws {
    for step in recording.before {
      switch step[0] {
      case "want": try manager.want(UnitID(step[1]), dependsOn: UnitID(step[2]))
      case "start": try manager.start(UnitID(step[1]))
      default: try manager.complete(UnitID(step[1]))
      }
    }
  }

  @Test func thereAreRecordings() { #expect(Recording.all.count == 14) }

  @Test(arguments: Recording.all)
  func answersTheRecordedBytesWithTheRecordedOnes(_ recording: Recording) throws {
    let bytes = recording.clientBytes
    for cut in 0...bytes.count {
      var served = ServedBytes()
      try Self.prepare(served.manager, for: recording)
      served.receive(Array(bytes[..<cut]))
      served.receive(Array(bytes[cut...]))
      #expect(served.output == recording.serverBytes, "cut at \(cut)")
      #expect(served.error == nil)
    }
    var served = ServedBytes()
    try Self.prepare(served.manager, for: recording)
    for byte in bytes { served.receive([byte]) }
    #expect(served.output == recording.serverBytes)
  }

  struct BadInput: Sendable, CustomStringConvertible {
    let description: String
    let bytes: [UInt8]
    /// What is answered before the connection closes or goes on.
    var output: [UInt8] = []
    /// Why the connection closes; nil if it goes on, and a ping is answered then.
    var error: WireError? = nil
  }

  static let ping = call(.ping)
  static let badInput: [BadInput] = [
    BadInput(
      description: "unknown call",
      bytes: frame(.invoke, 1, 1, Array("/x/Nope".utf8)) + frame(.message, 1, 2)
        + frame(.closeSend, 1, 3),
      output: failure(#"protocol error: unknown rpc: "/x/Nope""#)),
    BadInput(
      description: "call without a name", bytes: frame(.invoke, 1, 1),
      output: failure(#"protocol error: unknown rpc: """#)),
    BadInput(
      description: "malformed protobuf", bytes: call(.status, [0x0a, 0xff]),
      output: failure("proto: cannot parse invalid wire-format data")),
    BadInput(
      description: "invalid UTF-8", bytes: call(.status, [0x0a, 1, 0xff]),
      output: failure("string field contains invalid UTF-8")),
    BadInput(
      description: "unknown field", bytes: call(.ready, [0x52, 1, 9, 0x0a, 1, 0x61]),
      output: success([8, 1])),
    BadInput(
      description: "wrong wire type", bytes: call(.ready, [0x08, 1]),
      output: failure("cannot check readiness: unit ID cannot be empty: unit name is required")),
    BadInput(
      description: "CloseSend without a message",
      bytes: frame(.invoke, 1, 1, Method.ping.path) + frame(.closeSend, 1, 2),
      output: failure("EOF")),
    BadInput(
      description: "no CloseSend",
      bytes: frame(.invoke, 1, 1, Method.ping.path) + frame(.message, 1, 2),
      output: success()),
    BadInput(
      description: "unknown kind with the control flag, on a live and on a finished stream",
      bytes: frame(.invoke, 1, 1, Method.ping.path) + [0x93, 1, 2, 0] + frame(.message, 1, 3)
        + [0x93, 1, 4, 0],
      output: success()),
    BadInput(
      description: "unknown kind without the control flag",
      bytes: frame(.invoke, 1, 1, Method.ping.path) + [0x13, 1, 2, 0], error: .unknownKind(9)),
    BadInput(
      description: "control flag on known kinds",
      bytes: frame(.invoke, 1, 1, Method.ping.path, control: true)
        + frame(.message, 1, 2, control: true),
      output: success()),
    BadInput(
      description: "second Invoke on a live stream",
      bytes: frame(.invoke, 1, 1, Method.ping.path) + frame(.invoke, 1, 2, Method.ping.path),
      error: .streamState),
    BadInput(
      description: "malformed metadata", bytes: frame(.invokeMetadata, 1, 1, [0x0a, 5, 1]),
      error: .malformedMetadata),
    BadInput(
      description: "well-formed metadata",
      bytes: frame(.invokeMetadata, 1, 1, [0x0a, 6, 0x0a, 1, 0x6b, 0x12, 1, 0x76])
        + frame(.invoke, 1, 2, Method.ping.path) + frame(.message, 1, 3) + frame(.closeSend, 1, 4),
      output: success()),
    BadInput(
      description: "message before its Invoke",
      bytes: frame(.invokeMetadata, 1, 1) + frame(.message, 1, 2), error: .streamState),
    BadInput(
      description: "over-long varint", bytes: [0x03] + [UInt8](repeating: 0xff, count: 10) + [1],
      error: .overlongVarint),
    BadInput(description: "stream 0", bytes: [0x03, 0, 1, 0], error: .idMonotonicity),
    BadInput(
      description: "falling message id",
      bytes: frame(.invoke, 1, 5, Method.ping.path) + frame(.message, 1, 4), error: .idMonotonicity),
    BadInput(
      description: "stream opened again",
      bytes: call(.ping) + frame(.invoke, 1, 9, Method.ping.path),
      output: success(), error: .idMonotonicity),
    BadInput(
      description: "packet over 4 MiB", bytes: [0x05, 1, 1, 0x81, 0x80, 0x80, 2],
      error: .packetTooLarge),
    BadInput(
      description: "declared length of 1 GiB", bytes: [0x03, 1, 1, 0x80, 0x80, 0x80, 0x80, 4],
      error: .packetTooLarge),
    BadInput(
      description: "Cancel",
      bytes: frame(.invoke, 1, 1, Method.ping.path) + frame(.cancel, 1, 2, control: true)),
    BadInput(
      description: "Close", bytes: frame(.invoke, 1, 1, Method.ping.path) + frame(.close, 1, 2)),
    BadInput(
      description: "Error from the client",
      bytes: frame(.invoke, 1, 1, Method.ping.path) + frame(.error, 1, 2, [1])),
    BadInput(
      description: "message for a stream never opened", bytes: frame(.message, 1, 1),
      error: .streamState),
    BadInput(
      description: "Close for a stream never opened", bytes: frame(.close, 1, 1),
      error: .streamState),
    BadInput(
      description: "CloseSend for a stream never opened", bytes: frame(.closeSend, 1, 1),
      error: .streamState),
    BadInput(
      description: "control frame for a stream never opened", bytes: [0x93, 1, 1, 0],
      error: .streamState),
    BadInput(
      description: "second message in one call",
      bytes: frame(.invoke, 1, 1, Method.ping.path) + frame(.message, 1, 2) + frame(.message, 1, 3)
        + frame(.closeSend, 1, 4),
      output: success()),
    BadInput(
      description: "HTTP", bytes: Array("GET / HTTP/1.1\r\n\r\n".utf8), error: .unknownKind(35)),
    BadInput(description: "TLS", bytes: [0x16, 3, 1, 2, 0, 1], error: .unknownKind(11)),
    BadInput(
      description: "0xff", bytes: [UInt8](repeating: 0xff, count: 64), error: .overlongVarint),
    BadInput(
      description: "metadata first, then the same stream's metadata again",
      bytes: frame(.invokeMetadata, 1, 1) + frame(.invokeMetadata, 1, 2), error: .streamState),
  ]

  @Test(arguments: badInput)
  func badInputIsAnsweredOrEndsTheConnection(_ input: BadInput) {
    for isCut in [false, true] {
      var served = ServedBytes()
      if isCut {
        for byte in input.bytes { served.receive([byte]) }
      } else {
        served.receive(input.bytes)
      }
      #expect(served.output == input.output)
      #expect(served.error == input.error)
      guard input.error == nil else { continue }
      served.receive(call(.ping, stream: 7))
      #expect(Array(served.output.dropFirst(input.output.count)) == success(stream: 7))
    }
  }

  @Test func manyCallsAtOnceAreAllAnswered() {
    var served = ServedBytes()
    served.receive((1...400).flatMap { call(.ping, stream: $0) })
    #expect(served.output == (1...400).flatMap { success(stream: $0) })
  }

  @Test func callsMayBeAnsweredInAnyOrder() {
    var served = ServedBytes()
    served.defers = true
    served.receive(call(.ping) + call(.list, stream: 2) + frame(.close, 1, 4))
    #expect(served.calls == [.ping, .list])
    #expect(served.cancelled == [1])
    served.answer(.success(.list([])), on: 2)
    served.answer(.success(.done), on: 1)
    #expect(served.output == success(stream: 2))
  }

  @Test func theEndOfInputEndsRequestsAndAnswersWhatIsWaiting() {
    var served = ServedBytes()
    served.defers = true
    served.receive(call(.ping) + frame(.invoke, 2, 1, Method.ping.path))
    #expect(served.endInput() == [1, 2])
    #expect(served.output == failure("the connection's input has ended"))
  }

  @Test func limitsTheStreamsOfAConnection() {
    var served = ServedBytes()
    served.defers = true
    for stream in 1...UInt64(Limits.streams) { served.receive(call(.ping, stream: stream)) }
    #expect(served.error == nil)
    served.receive(call(.ping, stream: UInt64(Limits.streams) + 1))
    #expect(served.error == .tooManyStreams)
  }

  @Test func refusesToSendMoreThanAPacketHolds() throws {
    var served = ServedBytes()
    let name = String(repeating: "n", count: 4_000)
    for index in 0..<1_100 { try served.manager.start(UnitID("\(index) \(name)")) }
    served.receive(call(.list))
    #expect(served.output == failure("response too large"))
  }
}
