internal import SyncRPC
internal import SyncUnits
internal import SyncWire

/// Whatever an agent sends: each call that was begun ends at most once, none that was cancelled or never
/// begun does, and the same bytes give the same however they arrive.
///
/// The first two bytes cut, the third chooses, the fourth says which calls are cancelled.
enum ClientSessionTarget {
  private static let headerSize = Cuts.size + 2

  static func run(_ bytes: RawSpan) {
    guard bytes.byteCount >= headerSize else { return }
    let choice = bytes[Cuts.size]
    let rest = bytes.extracting(headerSize..<bytes.byteCount)
    if choice & 1 == 0 {
      converse(rest, choice, bytes)
    } else {
      let sent = SessionScript.agent(rest, after: Conversation.callCount(choice))
      converse(sent.span.bytes, choice, bytes)
    }
  }

  private static func converse(_ sent: RawSpan, _ choice: UInt8, _ bytes: RawSpan) {
    let cancels = bytes[Cuts.size + 1]
    let whole = Conversation(choice, cancels: cancels)
    whole.receive(sent)
    let pieces = Conversation(choice, cancels: cancels)
    Cuts(bytes).forEachPiece(of: sent) { pieces.receive($0) }
    demand(pieces.events == whole.events, "cut in pieces, calls end otherwise")
    demand(pieces.error == whole.error, "cut in pieces, another error comes")
    demand(pieces.output == whole.output, "cut in pieces, something else is sent")
    whole.check()
  }

  /// A client's end of one connection.
  private final class Conversation {
    private(set) var events: [ClientSession.Event] = []
    private(set) var error: WireError?
    private(set) var output: [UInt8] = []
    private var session = ClientSession()
    private var buffer = ReceiveBuffer()
    private let begun: UInt64
    private var cancelled: [UInt64] = []
    /// Which calls are cancelled, a bit each: those of the first four at once, the others with the
    /// first event.
    private let cancels: UInt8

    static func callCount(_ choice: UInt8) -> UInt64 { UInt64(choice >> 1 & 7) + 1 }

    init(_ choice: UInt8, cancels: UInt8) {
      begun = Self.callCount(choice)
      self.cancels = cancels
      let metadata = choice & 0x10 == 0 ? nil : CallMetadata(ServerSession.tokenKey, "1")
      for number in 1...begun {
        let method = SessionScript.method((choice >> 5) &+ UInt8(number))
        let stream = session.begin(method, request: [1, 0], metadata: metadata, output: &output)
        demand(stream == number, "call \(number) is begun on stream \(stream)")
      }
      cancel(1...4)
    }

    private func cancel(_ streams: ClosedRange<UInt64>) {
      for stream in streams where cancels >> (stream - 1) & 1 != 0 {
        session.cancel(stream, output: &output)
        if stream <= begun, !events.contains(where: { $0.stream == stream }) {
          cancelled.append(stream)
        }
      }
    }

    func receive(_ bytes: RawSpan) {
      guard error == nil else { return }
      var buffer = self.buffer
      self.buffer = ReceiveBuffer()
      do throws(WireError) {
        try buffer.feed(bytes) { bytes throws(WireError) in
          var offset = 0
          while let event = try session.next(in: bytes, at: &offset, output: &output) {
            demand(
              1...begun ~= event.stream, "a call ends on stream \(event.stream), which has none")
            demand(!cancelled.contains(event.stream), "stream \(event.stream) was cancelled")
            demand(
              !events.contains { $0.stream == event.stream }, "stream \(event.stream) ends twice")
            events.append(event)
            if events.count == 1 { cancel(5...8) }
          }
          return offset
        }
      } catch {
        self.error = error
      }
      self.buffer = buffer
    }

    /// Reads what was sent: the calls, then Close or Cancel on those that are over.
    func check() {
      var lastMessages = [UInt64](repeating: 0, count: Int(begun) + 1)
      var (closed, taken): ([UInt64], [UInt64]) = ([], [])
      var decoder = PacketDecoder()
      var offset = 0
      do throws(WireError) {
        while let packet = try decoder.next(in: output.span.bytes, at: &offset) {
          demand(1...begun ~= packet.stream, "something is sent on stream \(packet.stream)")
          let last = lastMessages[Int(packet.stream)]
          demand(packet.message == last + 1, "\(packet.message) follows message \(last)")
          lastMessages[Int(packet.stream)] = packet.message
          if packet.kind == .close { closed.append(packet.stream) }
          if packet.kind == .cancel { taken.append(packet.stream) }
        }
      } catch {
        fatalError("a request is no frame: \(error)")
      }
      demand(offset == output.count, "a request is not complete")
      demand(taken == cancelled, "not all cancelled calls are taken back")
      let successes = events.filter { if case .success = $0.result { true } else { false } }
      demand(closed == successes.map(\.stream), "not all calls with an answer are closed")
    }
  }
}
