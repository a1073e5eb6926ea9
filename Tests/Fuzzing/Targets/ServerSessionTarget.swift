internal import SyncPlugin
internal import SyncRPC
internal import SyncUnits
internal import SyncWire
internal import Synchronization

/// Whatever a client sends: the same bytes give the same answers however they arrive; what comes out are
/// whole frames, one answer for each call that was answered and for no other stream than the client has
/// opened; nobody is let in without the secret; and the units stay consistent.
///
/// The first two bytes cut, the third chooses, the fourth says when calls are answered.
enum ServerSessionTarget {
  private static let headerSize = Cuts.size + 2

  static func run(_ bytes: RawSpan) {
    guard bytes.byteCount >= headerSize else { return }
    let choice = bytes[Cuts.size]
    let rest = bytes.extracting(headerSize..<bytes.byteCount)
    let scripted = choice & 1 == 0 ? nil : SessionScript.client(rest)
    if let scripted {
      converse(scripted.span.bytes, choice, bytes)
    } else {
      converse(rest, choice, bytes)
    }
  }

  private static func converse(_ sent: RawSpan, _ choice: UInt8, _ bytes: RawSpan) {
    let secrets = choice & 2 == 0 ? nil : SessionScript.secrets
    let endsInput = choice & 4 != 0
    let plan = bytes[Cuts.size + 1]
    let whole = Conversation(secrets: secrets, plan: plan)
    whole.receive(sent)
    whole.end(endsInput: endsInput)
    let pieces = Conversation(secrets: secrets, plan: plan)
    Cuts(bytes).forEachPiece(of: sent) { pieces.receive($0) }
    pieces.end(endsInput: endsInput)
    demand(pieces.output == whole.output, "cut in pieces, other answers come")
    demand(pieces.error == whole.error, "cut in pieces, another error comes")
    demand(pieces.calls == whole.calls, "cut in pieces, other calls come")
    demand(pieces.cancelled == whole.cancelled, "cut in pieces, other calls are cancelled")
    whole.check(against: ClientFrames(sent))
  }

  /// What a client has sent, read without a session.
  private struct ClientFrames {
    private(set) var opened: [UInt64] = []
    private(set) var carriesToken = false

    init(_ bytes: RawSpan) {
      var decoder = PacketDecoder()
      var offset = 0
      while let packet = try? decoder.next(in: bytes, at: &offset) {
        switch packet.kind {
        case .invoke: opened.append(packet.stream)
        case .invokeMetadata:
          opened.append(packet.stream)
          let metadata = packet.withData(in: bytes) { try? CallMetadata(decoding: $0) }
          if metadata?.entries.contains(where: { $0.value == SessionScript.token }) == true {
            carriesToken = true
          }
        default: break
        }
      }
    }
  }

  /// An agent's end of one connection, with a manager of its own.
  private final class Conversation {
    private(set) var output: [UInt8] = []
    private(set) var error: WireError?
    private(set) var calls: [Call] = []
    private(set) var cancelled: [UInt64] = []
    private let secrets: ConnectionSecrets?
    private let manager = LocalUnitManager()
    private var session: ServerSession
    private var buffer = ReceiveBuffer()
    /// When each of four calls is answered: two bits of a byte.
    private let plan: UInt8
    /// Calls that came out and are neither answered nor cancelled, with the waiter of the manager's.
    private var open: [(stream: UInt64, waiter: UInt64?)] = []
    /// Answers that are held back until the next call.
    private var late: [(stream: UInt64, result: Result<Reply, UnitError>)] = []
    private let mailbox = Mailbox()
    private var lease: LocalUnitManager.Lease?
    private var callStreams: [UInt64] = []
    private var answered: [UInt64] = []

    init(secrets: ConnectionSecrets?, plan: UInt8) {
      self.secrets = secrets
      self.plan = plan
      session = ServerSession(secrets: secrets)
    }

    func receive(_ bytes: RawSpan) {
      guard error == nil else { return }
      var buffer = self.buffer
      self.buffer = ReceiveBuffer()
      do throws(WireError) {
        try buffer.feed(bytes) { bytes throws(WireError) in
          var offset = 0
          while let event = try session.next(in: bytes, at: &offset, output: &output) {
            take(event)
          }
          return offset
        }
      } catch {
        self.error = error
      }
      self.buffer = buffer
    }

    private func take(_ event: ServerSession.Event) {
      switch event {
      case .call(let call, let stream):
        demand(session.isProven, "a call comes out before the client has proven itself")
        demand(!open.contains { $0.stream == stream }, "stream \(stream) brings two calls")
        demand(secrets == nil || !calls.isEmpty || call == .hello, "\(call) comes before Hello")
        for (stream, result) in late { answer(result, on: stream) }
        late = []
        open.append((stream, nil))
        callStreams.append(stream)
        perform(call, on: stream)
        calls.append(call)
      case .cancelled(let stream):
        demand(close(stream), "stream \(stream) is cancelled, and no call is open there")
        cancelled.append(stream)
      }
      for (stream, result) in mailbox.takeAll() { answer(result, on: stream) }
    }

    /// Does what an agent does with a call, and answers now, with the next call, or never.
    private func perform(_ call: Call, on stream: UInt64) {
      let result: Result<Reply, UnitError>
      do throws(UnitError) {
        guard let reply = try answer(call, on: stream) else { return }
        result = .success(reply)
      } catch {
        result = .failure(error)
      }
      switch plan >> (2 * (UInt8(calls.count & 3))) & 3 {
      case 2: late.append((stream, result))
      case 3: break
      default: answer(result, on: stream)
      }
    }

    /// Nil if the answer will come to the mailbox.
    private func answer(_ call: Call, on stream: UInt64) throws(UnitError) -> Reply? {
      if let reply = try call.answer(from: manager) { return reply }
      let mailbox = mailbox
      switch call {
      case .wait(let goal):
        open[open.count - 1].waiter = manager.when(goal) { result in
          mailbox.put(
            stream, result.map { .done }.mapError { $0 as? UnitError ?? UnitError(.other, "\($0)") }
          )
        }
      case .want(let unit, let dependencies, let requirement, _):
        try manager.want(unit, dependsOn: dependencies, requirement, lease: currentLease)
        return .done
      case .startWith(let start):
        if case .hold = start.tie { throw UnitError(.unsupported, "nothing can be held here") }
        let lease = start.tie == .none ? nil : currentLease
        open[open.count - 1].waiter = manager.start(start.unit, start.options, lease: lease) {
          mailbox.put(stream, $0.map { .generation($0) })
        }
      default: fatalError("\(call) has no answer")
      }
      return nil
    }

    private var currentLease: LocalUnitManager.Lease {
      let lease = self.lease ?? manager.newLease()
      self.lease = lease
      return lease
    }

    private func answer(_ result: Result<Reply, UnitError>, on stream: UInt64) {
      guard close(stream) else { return }
      session.answer(result, on: stream, output: &output)
      answered.append(stream)
    }

    /// False if no call is open there.
    private func close(_ stream: UInt64) -> Bool {
      guard let index = open.firstIndex(where: { $0.stream == stream }) else { return false }
      if let waiter = open.remove(at: index).waiter { manager.forget([waiter]) }
      late.removeAll { $0.stream == stream }
      return true
    }

    /// Ends the connection, and looks at what is left of it.
    func end(endsInput: Bool) {
      if endsInput, error == nil {
        let ended = session.endInput(output: &output)
        for (stream, _) in open {
          demand(ended.contains(stream), "the end of input forgets the call on stream \(stream)")
        }
        answered += open.map(\.stream)
      }
      for (stream, _) in open { _ = close(stream) }
      if let lease {
        _ = manager.end(lease, keepsLocks: false, Ending("the connection ended"))
      }
      demand(manager.waiterCount == 0, "a waiter is left over")
      do {
        try manager.checkInvariants()
      } catch {
        fatalError("the units are not consistent: \(error)")
      }
    }

    /// Compares what was answered with what was asked.
    func check(against frames: ClientFrames) {
      demand(secrets == nil || calls.isEmpty || frames.carriesToken, "a call without the secret")
      var streams: [UInt64] = []
      var unfinished: UInt64?
      var decoder = PacketDecoder()
      var offset = 0
      do throws(WireError) {
        while let packet = try decoder.next(in: output.span.bytes, at: &offset) {
          switch (packet.kind, packet.message, unfinished) {
          case (.message, 1, nil): unfinished = packet.stream
          case (.closeSend, 2, packet.stream?):
            unfinished = nil
            streams.append(packet.stream)
          case (.error, 1, nil): streams.append(packet.stream)
          default:
            fatalError("stream \(packet.stream) gets \(packet.kind as Any) \(packet.message)")
          }
        }
      } catch {
        fatalError("an answer is no frame: \(error)")
      }
      demand(offset == output.count && unfinished == nil, "an answer is not complete")

      // The Hello that proves a client does not use up its stream.
      let twice = secrets == nil ? nil : callStreams.first
      for (index, stream) in streams.enumerated() {
        demand(frames.opened.contains(stream), "stream \(stream) is answered, and was not opened")
        demand(
          stream == twice || !streams[..<index].contains(stream),
          "stream \(stream) is answered twice")
      }
      for stream in callStreams where stream != twice {
        demand(
          streams.contains(stream) == answered.contains(stream),
          "the call on stream \(stream) is \(streams.contains(stream) ? "" : "not ")answered")
      }
      demand(streams.count >= answered.count, "answers are lost")
    }
  }

  /// Where a manager leaves answers that come later.
  private final class Mailbox: Sendable {
    private let answers = Mutex<[(UInt64, Result<Reply, UnitError>)]>([])

    func put(_ stream: UInt64, _ result: Result<Reply, UnitError>) {
      answers.withLock { $0.append((stream, result)) }
    }

    func takeAll() -> [(UInt64, Result<Reply, UnitError>)] {
      answers.withLock { answers in
        if answers.isEmpty { return [] }
        defer { answers = [] }
        return answers
      }
    }
  }
}
