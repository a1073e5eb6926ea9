import SyncPlugin
import SyncTestKit

/// How often something goes wrong, in chances of a thousand.
package struct FaultRates: Sendable {
  /// A piece arrives as two, which is tried again with each of them.
  package var split = 300
  /// A piece arrives later, by up to ``longestDelay``; what was sent behind it too.
  package var delay = 300
  package var longestDelay: Duration = .milliseconds(300)
  /// The connection breaks instead of delivering a piece.
  package var reset = 4
  /// From this piece on nothing arrives any more, in both directions, and nobody is told.
  package var drop = 2
  /// The client says that it will send no more, and goes on.
  package var halfClose = 3
  /// Whoever gets a piece reads no more for up to ``longestStall``.
  package var stall = 5
  package var longestStall: Duration = .seconds(8)
  /// Connecting fails.
  package var refusal = 50
  /// A client connects twice, and uses only one of the connections.
  package var duplicate = 50

  package init() {}

  /// Nothing goes wrong.
  static var none: FaultRates {
    var rates = FaultRates()
    (rates.split, rates.delay, rates.reset, rates.drop) = (0, 0, 0, 0)
    (rates.halfClose, rates.stall, rates.refusal, rates.duplicate) = (0, 0, 0, 0)
    return rates
  }
}

/// Everything between clients and an agent, in one process, with faults that a seed decides.
///
/// Threading: belongs to its loop, with everything on it.
final class SimulatedNetwork: @unchecked Sendable {
  let loop: ManualLoop
  private(set) var rates: FaultRates
  private var random: SeededRandom
  private var links: [Int: Link] = [:]
  private var lastLink = 0
  private var timers: [Int: Registration] = [:]
  private var lastTimer = 0
  /// Takes connections, while there is an agent.
  private var accept: ((sending any Connection) -> Void)?

  /// How often each fault has happened.
  private(set) var faultCounts: [String: Int] = [:]
  /// The most bytes that were on their way in one direction of a connection.
  private(set) var peakBytesInFlight = 0
  /// A number that depends on all that was delivered, and when.
  private(set) var digest: UInt64 = 0xcbf2_9ce4_8422_2325

  /// The two ends of a connection.
  private struct Link {
    let client, agent: SimulatedConnection
    var isDropped = false
  }

  init(on loop: ManualLoop, rates: FaultRates, seed: UInt64) {
    self.loop = loop
    self.rates = rates
    random = SeededRandom(seed: seed)
  }

  // MARK: Chance

  /// Whether a fault happens now.
  func happens(_ fault: KeyPath<FaultRates, Int>, _ name: String) -> Bool {
    let rate = rates[keyPath: fault]
    guard rate > 0, Int.random(in: 0..<1_000, using: &random) < rate else { return false }
    faultCounts[name, default: 0] += 1
    return true
  }

  func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

  func duration(upTo longest: Duration) -> Duration { longest / 1_000 * number(1...1_000) }

  /// Does something when time has come.
  func later(after delay: Duration, _ body: @escaping () -> Void) {
    lastTimer += 1
    let timer = lastTimer
    timers[timer] = loop.schedule(after: delay) { [self] in
      timers[timer] = nil
      body()
    }
  }

  // MARK: The agent's side

  func listen(_ accept: @escaping (sending any Connection) -> Void) { self.accept = accept }

  /// The agent is gone, and with it all that was connected to it.
  func cutAgent() {
    accept = nil
    for link in sorted(links) { breakLink(link.key, "connection reset by peer") }
  }

  /// No more faults from now on. Those whose connection had fallen silent hear of its end.
  func heal() {
    rates = .none
    for link in sorted(links) where link.value.isDropped {
      breakLink(link.key, "connection timed out")
    }
  }

  // MARK: The client's side

  func connect() async throws -> SimulatedConnection {
    if happens(\.delay, "delay") {
      try await loop.clock.sleep(for: duration(upTo: rates.longestDelay))
    }
    if accept == nil || happens(\.refusal, "refusal") {
      throw PluginError(.unreachable, "connect: connection refused")
    }
    if happens(\.duplicate, "duplicate") {
      let other = open()
      later(after: duration(upTo: .seconds(20))) { other.abort() }
    }
    return open()
  }

  private func open() -> SimulatedConnection {
    lastLink += 1
    let ends = SimulatedConnection.pair(lastLink, on: self)
    links[lastLink] = Link(client: ends.client, agent: ends.agent)
    loop.enqueue { [self] in
      // The agent may have ended in between.
      if let accept { accept(ends.agent) } else { ends.client.fail("connection reset by peer") }
    }
    return ends.client
  }

  // MARK: Under way

  /// Brings something to one end of a link, unless something goes wrong.
  func pass(_ arrival: SimulatedConnection.Arrival, to end: SimulatedConnection) {
    guard links[end.link]?.isDropped == false else { return }
    if case .bytes(let bytes) = arrival {
      if happens(\.reset, "reset") { return breakLink(end.link, "connection reset by peer") }
      if happens(\.drop, "drop") {
        links[end.link]?.isDropped = true
        return
      }
      if bytes.count > 1, happens(\.split, "split") {
        let middle = number(1...bytes.count - 1)
        pass(.bytes(Array(bytes[..<middle])), to: end)
        return pass(.bytes(Array(bytes[middle...])), to: end)
      }
      peakBytesInFlight = max(peakBytesInFlight, end.other?.undelivered ?? 0)
    }
    let now = loop.manualClock.elapsed
    let delay =
      happens(\.delay, "delay") ? duration(upTo: rates.longestDelay) : .microseconds(number(1...50))
    end.lastArrival = max(end.lastArrival, now + delay)
    later(after: end.lastArrival - now) { [weak end] in end?.arrived(arrival) }
  }

  func delivered(_ arrival: SimulatedConnection.Arrival, to end: SimulatedConnection) {
    func add(_ value: some BinaryInteger) {
      digest = (digest ^ UInt64(truncatingIfNeeded: value)) &* 0x0000_0100_0000_01b3
    }
    add(end.link)
    add(loop.manualClock.elapsed.components.seconds)
    add(loop.manualClock.elapsed.components.attoseconds)
    if case .bytes(let bytes) = arrival { for byte in bytes { add(byte) } }
  }

  private func breakLink(_ number: Int, _ reason: String) {
    guard let link = links.removeValue(forKey: number) else { return }
    link.client.fail(reason)
    link.agent.fail(reason)
  }

  /// One end has closed, and does not take what the other has sent. Who has fallen silent does not hear that.
  func refuse(_ number: Int) {
    if links[number]?.isDropped == false { breakLink(number, "broken pipe") }
  }

  /// Whether what was sent on a connection may still arrive.
  func isUnderWay(_ link: Int) -> Bool { links[link] != nil }

  /// Both ends are closed.
  func forget(_ number: Int) {
    guard let link = links[number], link.client.isClosed, link.agent.isClosed else { return }
    links[number] = nil
  }

  private func sorted(_ links: [Int: Link]) -> [(key: Int, value: Link)] {
    links.sorted { $0.key < $1.key }
  }
}

/// The way into a simulated network.
struct SimulatedTransport: Transport {
  static let scheme = "simulated"
  static let syntax = "simulated"
  static let summary = "a network inside a simulation"
  static let sides: TransportSides = .client

  private let network: SimulatedNetwork
  private let opened: @Sendable (_ link: Int) -> Void

  /// `opened` hears of each connection that is made.
  init(_ network: SimulatedNetwork, opened: @escaping @Sendable (_ link: Int) -> Void) {
    self.network = network
    self.opened = opened
  }

  init(address: String?, environment: Environment) throws(PluginError) {
    throw PluginError(.unsupported, "simulated is made in tests only")
  }

  var endpoint: Endpoint { Endpoint(scheme: Self.scheme, address: "network") }

  func listen(
    on loop: any EventLoop, report: @escaping @Sendable (ListenerEvent) -> Void,
    accept: @escaping (sending any Connection) -> Void
  ) throws(PluginError) -> any Listener {
    throw PluginError(.unsupported, "the network takes an agent by itself")
  }

  nonisolated(nonsending)
    func connect(on loop: any EventLoop, timeout: Duration?) async throws -> any Connection
  {
    let connection = try await network.connect()
    opened(connection.link)
    return connection
  }
}
