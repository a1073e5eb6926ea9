import SyncPlugin
import SyncTestKit
import SyncUnits

/// One end of a connection on a ``SimulatedNetwork``.
///
/// Threading: belongs to the network's loop.
final class SimulatedConnection: Connection, @unchecked Sendable {
  enum Arrival: Sendable {
    case bytes([UInt8])
    case endOfInput
  }

  let peer: Peer? = nil
  let secrets: ConnectionSecrets? = nil
  let link: Int
  private let network: SimulatedNetwork
  private let isClient: Bool
  private(set) weak var other: SimulatedConnection?
  private var handler: (any ConnectionHandler)?
  private var isPaused = true
  private var isStalled = false
  private(set) var isClosed = false
  private var hasEndedOutput = false
  private var waiting: [Arrival] = []
  /// How many bytes the other end has not taken yet.
  private(set) var undelivered = 0
  private(set) var isCongested = false
  /// When the last of what is under way to here will arrive.
  var lastArrival = Duration.zero

  private init(link: Int, on network: SimulatedNetwork, isClient: Bool) {
    self.link = link
    self.network = network
    self.isClient = isClient
  }

  static func pair(
    _ link: Int, on network: SimulatedNetwork
  ) -> (client: SimulatedConnection, agent: SimulatedConnection) {
    let client = SimulatedConnection(link: link, on: network, isClient: true)
    let agent = SimulatedConnection(link: link, on: network, isClient: false)
    (client.other, agent.other) = (agent, client)
    return (client, agent)
  }

  // MARK: Connection

  func activate(_ handler: any ConnectionHandler) {
    self.handler = handler
    resume()
  }

  func pause() { isPaused = true }

  func resume() {
    isPaused = false
    network.loop.enqueue { self.deliver() }
  }

  func send(_ bytes: RawSpan) {
    guard !isClosed, !hasEndedOutput, bytes.byteCount > 0 else { return }
    undelivered += bytes.byteCount
    if undelivered > Limits.outputHighWater { isCongested = true }
    pass(.bytes(bytes.withUnsafeBytes(Array.init)))
    if isClient, network.happens(\.halfClose, "half-close") { endOutput() }
  }

  func endOutput() {
    if isClosed || hasEndedOutput { return }
    hasEndedOutput = true
    pass(.endOfInput)
  }

  func close() {
    if isClosed { return }
    endOutput()
    let hasLost = other.map { $0.undelivered > 0 } ?? false
    end()
    network.forget(link)
    if hasLost { network.refuse(link) }
  }

  func abort() { close() }

  private func end() {
    isClosed = true
    handler = nil
    waiting = []
  }

  // MARK: From the network

  /// The connection has broken.
  func fail(_ reason: String) {
    if isClosed { return }
    let handler = self.handler
    end()
    handler?.failed(PluginError(.unreachable, reason))
  }

  func arrived(_ arrival: Arrival) {
    if isClosed {
      if case .bytes = arrival { network.refuse(link) }
      return
    }
    waiting.append(arrival)
    deliver()
  }

  private func pass(_ arrival: Arrival) {
    if let other { network.pass(arrival, to: other) }
  }

  private func deliver() {
    while !isPaused, !isStalled, !isClosed, !waiting.isEmpty {
      if network.happens(\.stall, "stall") { return stall() }
      let arrival = waiting.removeFirst()
      network.delivered(arrival, to: self)
      switch arrival {
      case .bytes(let bytes):
        handler?.received(bytes.span.bytes)
        other?.delivered(bytes.count)
      case .endOfInput: handler?.reachedEndOfInput()
      }
    }
  }

  private func stall() {
    isStalled = true
    let time = network.duration(upTo: network.rates.longestStall)
    network.later(after: time) { [weak self] in
      self?.isStalled = false
      self?.deliver()
    }
  }

  private func delivered(_ count: Int) {
    undelivered -= count
    guard isCongested, undelivered <= Limits.outputLowWater else { return }
    isCongested = false
    // Not in the middle of what the other end does with the bytes.
    network.loop.enqueue { [weak self] in
      if self?.isClosed == false { self?.handler?.drained() }
    }
  }
}
