import SyncRPC
import SyncTestKit
import SyncUnits

/// An agent that may be restarted, scripts that want to get their work done, and the network between them.
///
/// Threading: belongs to its loop, with everything in it.
final class SimulatedWorld: @unchecked Sendable {
  let network: SimulatedNetwork
  private(set) var scripts: [SimulatedScript] = []
  /// Which agent serves, from 1; 0 while there is none.
  private(set) var agentNumber = 0
  private(set) var manager = LocalUnitManager()
  private var server: SyncServer?
  private var lastAgent = 0
  /// What should not have happened.
  private(set) var violations: [String] = []
  /// How often scripts were told what.
  private(set) var errorCounts: [String: Int] = [:]

  init(rates: FaultRates, seed: UInt64) throws {
    network = SimulatedNetwork(on: ManualLoop(), rates: rates, seed: seed)
    for number in 0..<network.number(2...8) {
      let dependencies = scripts.filter { _ in network.number(0...2) == 0 }
      scripts.append(try SimulatedScript("unit-\(number)", after: dependencies, in: self))
    }
  }

  // MARK: The agent

  func startAgent() {
    lastAgent += 1
    agentNumber = lastAgent
    manager = LocalUnitManager()
    let server = SyncServer(manager: manager, on: network.loop)
    self.server = server
    network.listen { server.serve($0) }
  }

  /// Ends the agent: as by a signal that it handles, or as by one that it cannot.
  func endAgent(politely: Bool) {
    if politely {
      server?.assumeIsolated { $0.close() }
      manager.shutDown()
    }
    network.cutAgent()
    network.loop.runUntilIdle()
    check()
    require("an agent that has ended has no connections", connectionCount == 0)
    server = nil
    agentNumber = 0
  }

  var isDone: Bool { scripts.allSatisfy { $0.doneUnder == agentNumber } }

  // MARK: Checks

  var connectionCount: Int { server?.assumeIsolated { $0.connectionCount } ?? 0 }

  /// All that has to hold whenever nothing is left to do before time goes on.
  func check() {
    do {
      try manager.checkInvariants()
    } catch {
      violation("\(error)")
    }
    guard let server else { return }
    let (deferred, heldBack) = server.assumeIsolated {
      ($0.deferredCallCount, $0.heldBackByteCount)
    }
    require(
      "who waits is on a connection: \(manager.waiterCount) wait, \(deferred) calls are open",
      manager.waiterCount == deferred)
    require(
      "nothing is read of who does not read: \(heldBack) bytes of \(connectionCount) connections",
      heldBack <= connectionCount * Self.largestPiece)
    require(
      "what is on its way is bounded: \(network.peakBytesInFlight) bytes",
      network.peakBytesInFlight <= Limits.outputHighWater + Limits.outputLowWater
        + Self.largestPiece)
  }

  /// What arrives, or is sent, in one piece.
  private static let largestPiece = 64 << 10

  func require(_ promise: String, _ holds: Bool) {
    if !holds { violation(promise) }
  }

  func violation(_ text: String) { violations.append(text) }

  /// What a script was told instead of success.
  func heard(_ error: any Error) {
    let code = (error as? UnitError)?.code
    errorCounts[code?.description ?? "\(error)", default: 0] += 1
    if let code, !Self.expected.contains(code) { violation("a script was told: \(error)") }
  }

  private static let expected: Set<UnitError.Code> = [
    // The connection has ended, or is silent.
    .unavailable, .deadlineExceeded,
    // What it depends on has failed with its script, or begins anew.
    .dependencyFailed, .notReady,
    // Its own lease has ended with its connection.
    .wrongStatus, .cancelled,
  ]
}

extension SimulatedWorld: CustomStringConvertible {
  /// How everything stands, for whoever looks for a fault.
  var description: String {
    let units = manager.list().map { unit in
      let generation = unit.details?.generation ?? 0
      return "  \(unit.unit): \(unit.status), ready: \(unit.isReady), generation \(generation)\n"
    }
    return "agent \(agentNumber), \(manager.waiterCount) waiters, \(manager.lockCount) locks\n"
      + units.joined()
      + scripts.map { "  script of \($0.unit): \($0)\n" }.joined()
  }
}
