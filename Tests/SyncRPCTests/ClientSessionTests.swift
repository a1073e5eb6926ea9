import SyncRPC
import SyncUnits
import SyncWire
import Testing
import WireFixtures

@Suite struct ClientSessionTests {
  /// What the recorded command line asked, call by call.
  static func requests(of recording: String) -> [(Method, [UInt8])] {
    func unit(_ name: String) -> [UInt8] { UnitRequest(unit: name).encoded }
    func want(_ unit: String, _ dependency: String) -> [UInt8] {
      WantRequest(unit: unit, dependsOn: dependency).encoded
    }
    return switch recording {
    case "ping": [(.ping, [])]
    case "want": [(.want, want("a", "b"))]
    case "want_two": [(.want, want("m", "d1")), (.want, want("m", "d2"))]
    case "want_cycle": [(.want, want("b", "a"))]
    case "start_not_ready": [(.status, unit("a")), (.ready, unit("a"))]
    case "start_unknown": [(.status, unit("u1")), (.start, unit("u1"))]
    case "start_ready": [(.status, unit("a")), (.start, unit("a"))]
    case "complete_b": [(.complete, unit("b"))]
    case "complete_unregistered": [(.complete, unit("zzz"))]
    case "status": [(.status, unit("a"))]
    case "status_unknown": [(.status, unit("nope"))]
    case "list", "list_empty": [(.list, [])]
    default: []
    }
  }

  /// Holds the conversation with the server's bytes cut into pieces of `size`.
  static func converse(
    _ recording: Recording, size: Int
  ) throws -> (sent: [UInt8], results: [Result<[UInt8], UnitError>]) {
    var session = ClientSession()
    var buffer = ReceiveBuffer()
    var sent: [UInt8] = []
    var requests = requests(of: recording.name)[...]
    var results: [Result<[UInt8], UnitError>] = []
    func next() {
      if let (method, request) = requests.popFirst() {
        _ = session.begin(method, request: request, output: &sent)
      }
    }
    next()
    var rest = recording.serverBytes[...]
    while !rest.isEmpty {
      let piece = Array(rest.prefix(size))
      rest = rest.dropFirst(size)
      try buffer.feed(piece.span.bytes) { bytes throws(WireError) in
        var offset = 0
        while let event = try session.next(in: bytes, at: &offset, output: &sent) {
          results.append(event.result)
          next()
        }
        return offset
      }
    }
    return (sent, results)
  }

  @Test(arguments: Recording.all.filter { $0.name != "unknown_rpc" })
  func sendsTheRecordedBytes(_ recording: Recording) throws {
    for size in 1...recording.serverBytes.count {
      let (sent, results) = try Self.converse(recording, size: size)
      #expect(sent == recording.clientBytes, "in pieces of \(size)")
      #expect(results.count == Self.requests(of: recording.name).count)
    }
  }

  struct Answer: Sendable, CustomStringConvertible {
    let description: String
    let bytes: [UInt8]
    var result: Result<[UInt8], UnitError>? = nil
    var error: WireError? = nil
  }

  static func error(_ code: UnitError.Code, _ text: String) -> Result<[UInt8], UnitError> {
    .failure(UnitError(code, text))
  }

  static let answers: [Answer] = [
    Answer(description: "no CloseSend", bytes: frame(.message, 1, 1, [7]), result: .success([7])),
    Answer(
      description: "Close instead of CloseSend", bytes: frame(.message, 1, 1) + frame(.close, 1, 2),
      result: .success([])),
    Answer(
      description: "sparse ids, and a kind that may be skipped",
      bytes: [0x93, 1, 3, 0] + frame(.message, 1, 9) + frame(.closeSend, 1, 20),
      result: .success([])),
    Answer(
      description: "split message", bytes: [0x04, 1, 1, 1, 8, 0x05, 1, 1, 1, 9],
      result: .success([8, 9])),
    Answer(
      description: "CloseSend without a message", bytes: frame(.closeSend, 1, 1),
      result: error(.protocolViolation, "EOF")),
    Answer(
      description: "Close without a message", bytes: frame(.close, 1, 1),
      result: error(.protocolViolation, "EOF")),
    Answer(
      description: "Cancel", bytes: frame(.cancel, 1, 1, control: true),
      result: error(.protocolViolation, "context canceled")),
    Answer(
      description: "short error", bytes: frame(.error, 1, 1, Array("no".utf8)),
      result: error(.other, "no (drpcwire note: invalid error data)")),
    Answer(
      description: "error with a code",
      bytes: frame(.error, 1, 1, ErrorPayload(code: 12, text: "Unimplemented").encoded),
      result: error(.unsupported, "Unimplemented")),
    Answer(
      description: "error after the message", bytes: frame(.message, 1, 1) + frame(.error, 1, 2),
      result: .success([])),
    Answer(description: "unknown kind", bytes: [0x13, 1, 1, 0], error: .unknownKind(9)),
    Answer(description: "message id 0", bytes: [0x05, 1, 0, 0], error: .idMonotonicity),
    Answer(
      description: "too large", bytes: [0x05, 1, 1, 0x81, 0x80, 0x80, 2], error: .packetTooLarge),
    Answer(description: "another stream", bytes: frame(.message, 2, 1), error: .streamState),
    Answer(description: "HTTP", bytes: Array("HTTP/1.1 400".utf8), error: .unknownKind(36)),
  ]

  @Test(arguments: answers)
  func anyAnswerEndsTheCall(_ answer: Answer) {
    var session = ClientSession()
    var sent: [UInt8] = []
    var offset = 0
    _ = session.begin(.ping, request: [], output: &sent)
    var result: Result<[UInt8], UnitError>?
    do {
      while let event = try session.next(in: answer.bytes.span.bytes, at: &offset, output: &sent) {
        #expect(result == nil)
        result = event.result
      }
      #expect(answer.error == nil)
    } catch {
      #expect(error == answer.error)
    }
    #expect(result == answer.result)
  }

  static let codes: [(String, UnitError.Code)] = [
    (#"cannot add dependency: …: cycle detected"#, .cycle),
    (#"…: unit name is required"#, .invalidName),
    (#"…: same status already set"#, .sameStatus),
    (#"…: unit not found"#, .notFound),
    (#"cannot start unit "a": unit not ready"#, .notReady),
    (#"protocol error: unknown rpc: "/x""#, .unsupported),
    ("unit name is too long: 5000 bytes", .invalidName),
    ("something else", .other),
  ]

  @Test(arguments: codes)
  func tellsTheKindOfAnErrorFromItsText(_ text: String, _ code: UnitError.Code) {
    var session = ClientSession()
    var sent: [UInt8] = []
    var offset = 0
    _ = session.begin(.ping, request: [], output: &sent)
    let event = try? session.next(in: failure(text).span.bytes, at: &offset, output: &sent)
    #expect(event?.result == .failure(UnitError(code, text)))
  }
}
