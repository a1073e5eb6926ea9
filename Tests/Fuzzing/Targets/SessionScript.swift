internal import SyncPlugin
internal import SyncRPC
internal import SyncUnits
internal import SyncWire

/// Makes frames of a few bytes each, so that a short input is a long conversation and most changes to it
/// are conversations too. Nothing keeps them from being wrong ones.
struct SessionScript {
  private(set) var bytes: [UInt8] = []
  private var script: [UInt8]
  private var position = 0
  private var lastStream: UInt64 = 0
  /// By stream; ids beyond are taken up again.
  private var lastMessages = [UInt64](repeating: 0, count: 16)

  /// The most steps of a script: longer conversations are slower, and say nothing new.
  private static let steps = 16

  private init(_ script: RawSpan) { self.script = script.withUnsafeBytes(Array.init) }

  private mutating func next() -> UInt8? {
    guard position < script.count else { return nil }
    defer { position += 1 }
    return script[position]
  }

  private mutating func take(_ count: UInt8) -> [UInt8] {
    let end = min(position + Int(count), script.count)
    defer { position = end }
    return Array(script[position..<end])
  }

  private mutating func append(
    _ kind: PacketKind, on stream: UInt64, control: Bool = false, _ data: [UInt8] = []
  ) {
    FrameWriter.append(
      kind, stream: stream, message: newMessage(on: stream), control: control, data: data,
      to: &bytes)
  }

  private mutating func newMessage(on stream: UInt64) -> UInt64 {
    lastMessages[Int(stream & 15)] += 1
    return lastMessages[Int(stream & 15)]
  }

  /// The stream that half a byte names: a new one for 0.
  private mutating func stream(_ step: UInt8) -> UInt64 {
    let number = UInt64(step >> 4)
    if number > 0 { return number }
    lastStream += 1
    lastMessages[Int(lastStream & 15)] = 0
    return lastStream
  }
}

// MARK: What a client does

extension SessionScript {
  static let token = secrets.client.hexadecimal
  static let secrets = ConnectionSecrets(
    client: Secret(Array("the client's own".utf8)), agent: Secret(Array("the agent's own.".utf8)))

  /// What a client sends that does what `script` says.
  static func client(_ script: RawSpan) -> [UInt8] {
    var session = SessionScript(script)
    for _ in 0..<steps {
      guard let step = session.next() else { break }
      session.clientStep(step)
    }
    return session.bytes
  }

  private mutating func clientStep(_ step: UInt8) {
    let stream = stream(step)
    switch step & 15 {
    case 0, 1, 2: call(Self.method(next() ?? 0), on: stream, next() ?? 0, next() ?? 0)
    case 3: append(.invoke, on: stream, Self.method(next() ?? 0).path)
    case 4: append(.message, on: stream, take((next() ?? 0) & 31))
    case 5: append(.closeSend, on: stream)
    case 6: append(.cancel, on: stream, control: true)
    case 7: append(.close, on: stream)
    case 8: append(.error, on: stream)
    case 9:
      append(.invokeMetadata, on: stream, Self.metadata(Self.token))
      append(.invoke, on: stream, Method.hello.path)
      append(.message, on: stream)
      // What a relay passes on begins with the first stream.
      lastStream = 0
    case 10: append(.invokeMetadata, on: stream, take((next() ?? 0) & 31))
    case 11: append(.invokeMetadata, on: stream, Self.metadata("74686520636c69656e742773206f776f"))
    case 12: append(.invoke, on: stream, Array(Method.Service.unitSync.rawValue.utf8) + take(4))
    case 13: bytes += take((next() ?? 0) & 31)
    case 14:
      let frame = call(Self.method(next() ?? 0), next() ?? 0, next() ?? 0)
      append(.invoke, on: stream, frame.path)
      inTwoFrames(.message, on: stream, frame.request)
    default: bytes += [0x93, UInt8(stream & 15), UInt8(newMessage(on: stream) & 127), 0]
    }
  }

  private mutating func call(_ method: Method, on stream: UInt64, _ first: UInt8, _ second: UInt8) {
    let call = call(method, first, second)
    append(.invoke, on: stream, call.path)
    append(.message, on: stream, call.request)
    append(.closeSend, on: stream)
  }

  private mutating func inTwoFrames(_ kind: PacketKind, on stream: UInt64, _ data: [UInt8]) {
    let message = newMessage(on: stream)
    let half = data.count / 2
    bytes += [kind.rawValue << 1, UInt8(stream & 127), UInt8(message & 127), UInt8(half)]
    bytes += data[..<half]
    FrameWriter.append(
      kind, stream: stream & 127, message: message & 127, data: Array(data[half...]), to: &bytes)
  }

  private static func metadata(_ token: String) -> [UInt8] {
    CallMetadata(ServerSession.tokenKey, token).encoded
  }

  private static let methods = Method.allCases

  static func method(_ number: UInt8) -> Method { methods[Int(number) % methods.count] }

  /// The empty name and the last one are refused; of those that are left a graph is soon full.
  private static let names = [
    "a", "b", "c", "d", "e", "\u{1b}[1m\n", "", String(repeating: "n", count: 30),
  ]

  private func call(
    _ method: Method, _ first: UInt8, _ second: UInt8
  ) -> (path: [UInt8], request: [UInt8]) {
    (method.path, Self.request(of: method, first, second))
  }

  /// A request about the units that two bytes name.
  static func request(of method: Method, _ first: UInt8, _ second: UInt8) -> [UInt8] {
    let unit = names[Int(first & 7)]
    let other = names[Int(first >> 3 & 7)]
    let isFirstFlagSet = first & 0x40 != 0
    let isSecondFlagSet = first & 0x80 != 0
    let number = UInt64(second & 7)
    let third = names[Int(second >> 3 & 7)]
    switch method {
    case .ping, .list: return []
    case .hello: return HelloRequest(version: number).encoded
    case .want: return WantRequest(unit: unit, dependsOn: other).encoded
    case .start, .complete, .ready, .status, .details, .why: return UnitRequest(unit: unit).encoded
    case .wantAll:
      var request = UnitSync.WantRequest()
      request.unit = unit
      request.dependsOn = second & 0x80 == 0 ? [other] : [other, third]
      request.condition = number
      request.isOptional = isFirstFlagSet
      request.lease = isSecondFlagSet
      return request.encoded
    case .wait:
      var request = UnitSync.WaitRequest()
      request.goal = UInt64(first >> 6)
      request.units = request.goal == 1 ? [unit, other] : [unit]
      request.condition = number
      request.count = UInt64(second >> 3 & 3)
      return request.encoded
    case .startWith:
      var request = UnitSync.StartRequest()
      request.unit = unit
      request.keepsPending = second & 0x80 != 0
      request.lease = isFirstFlagSet
      request.hold = number == 7
      request.process = 1
      if isSecondFlagSet { request.locks = [other, third] }
      return request.encoded
    case .finish:
      var request = UnitSync.FinishRequest()
      request.unit = unit
      request.outcome = number & 3
      request.reason = isFirstFlagSet ? other : ""
      request.exitStatus = isSecondFlagSet ? 3 : 0
      request.generation = UInt64(second >> 3 & 3)
      return request.encoded
    case .markHealthy:
      var request = UnitSync.MarkHealthyRequest()
      request.unit = unit
      request.generation = number & 3
      return request.encoded
    case .reset:
      var request = UnitSync.ResetRequest()
      request.unit = unit
      request.cascade = isFirstFlagSet
      return request.encoded
    case .detailedList:
      var request = UnitSync.ListRequest()
      request.after = isFirstFlagSet ? unit : ""
      return request.encoded
    }
  }
}

// MARK: What an agent does

extension SessionScript {
  /// What an agent sends that does what `script` says, to a client that has begun so many calls.
  static func agent(_ script: RawSpan, after calls: UInt64) -> [UInt8] {
    var session = SessionScript(script)
    session.lastStream = calls
    for _ in 0..<steps {
      guard let step = session.next() else { break }
      session.agentStep(step)
    }
    return session.bytes
  }

  private mutating func agentStep(_ step: UInt8) {
    // Most answers are to a call that was made; a new stream is what no agent may open.
    let stream = step >> 4 == 0 && step & 8 == 0 ? 1 : stream(step)
    switch step & 15 {
    case 0, 1, 2:
      append(.message, on: stream, take((next() ?? 0) & 31))
      append(.closeSend, on: stream)
    case 3: append(.message, on: stream, take((next() ?? 0) & 31))
    case 4: append(.error, on: stream, ErrorPayload(code: UInt64(next() ?? 0), text: "x").encoded)
    case 5: append(.error, on: stream, take((next() ?? 0) & 31))
    case 6: append(.closeSend, on: stream)
    case 7: append(.close, on: stream)
    case 8: append(.cancel, on: stream, control: true)
    case 9: inTwoFrames(.message, on: stream, take((next() ?? 0) & 31))
    case 10: append(.invoke, on: stream)
    case 11: append(.invokeMetadata, on: stream)
    case 12, 13: bytes += take((next() ?? 0) & 31)
    default: bytes += [0x93, UInt8(stream & 15), UInt8(newMessage(on: stream) & 127), 0]
    }
  }
}
