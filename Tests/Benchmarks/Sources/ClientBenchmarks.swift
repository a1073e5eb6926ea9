import Libevent
import SyncPlugin
import SyncRPC
import SyncSystem
import SyncUnits
import Synchronization
import TransportUnix

/// What a client of this package, in this process, has of an agent.
struct ClientBenchmarks {
  let agent: RunningAgent
  let report: Report
  let isQuick: Bool

  func release() throws {
    report.section("Waiters in one client process, released by one complete: first to last")
    for count in isQuick ? [1_000] : [1_000, 10_000] {
      var times: [Double] = []
      for run in 0..<(isQuick ? 2 : 5) {
        times.append(try time(count, name: "release-\(count)-\(run)") / 1_000)
      }
      report.add(
        Row(
          what: "\(count) push waiters", unit: "ms", ours: Spread(times),
          target: count == 1_000 ? .atMost(50) : .none))
    }
  }

  /// Clients that are silent, or have sent half a frame, do not slow down those who work.
  func burdens() throws {
    report.section("A call beside a thousand connections that hang in the middle of a frame")
    var burdens: [Int32] = []
    defer { for descriptor in burdens { Descriptor.close(descriptor) } }
    for index in 0..<1_000 {
      let descriptor = try UnixSocket.open()
      burdens.append(descriptor)
      try UnixSocket.connect(descriptor, to: agent.socketPath)
      let halfAFrame: [UInt8] = [3, 1]
      if index % 2 == 0 {
        _ = try halfAFrame.withUnsafeBytes { try Descriptor.write(descriptor, $0) }
      }
    }
    let result = Mutex<[Double]>([])
    let loop = try LibeventLoop()
    let path = agent.socketPath
    try loop.run {
      let client = try await RemoteUnitManager(
        connectingTo: try UnixTransport(address: path, environment: [:]), on: loop)
      for _ in 0..<10_000 {
        let begin = microseconds()
        try await client.ping()
        let time = (microseconds() - begin) / 1_000
        result.withLock { $0.append(time) }
      }
      await client.close()
    }
    let times = Spread(result.withLock { $0 })
    report.add(
      Row(
        what: "the slowest of 10,000 pings", unit: "ms", ours: Spread([times.maximum]),
        target: .atMost(50), note: "median \(format(times.median * 1_000)) us"))
  }

  /// On as few connections as the agent's limit of open calls allows.
  private func time(_ count: Int, name: String) throws -> Double {
    let result = Mutex(0.0)
    let loop = try LibeventLoop()
    let path = agent.socketPath
    try loop.run {
      let transport = try UnixTransport(address: path, environment: [:])
      let key = UnitID(name)
      let control = try await RemoteUnitManager(connectingTo: transport, on: loop)
      try await control.start(key)
      var clients: [RemoteUnitManager] = []
      for _ in 0..<(count + 999) / 1_000 {
        let client = try await RemoteUnitManager(connectingTo: transport, on: loop)
        // Says Hello, so that what follows goes out at once.
        try await client.waitUntilReady(UnitID("nobody-\(name)"))
        clients.append(client)
      }
      for index in 0..<count { try await control.want(UnitID("\(name)-\(index)"), dependsOn: key) }
      let begin = try await withThrowingTaskGroup(of: Void.self) { group in
        for index in 0..<count {
          let client = clients[index / 1_000]
          group.addTask(executorPreference: loop) {
            try await client.waitUntilReady(UnitID("\(name)-\(index)"))
          }
        }
        await Task.yield()
        // Answered behind all that was asked before on the same connection.
        for client in clients { try await client.ping() }
        let begin = microseconds()
        try await control.complete(key)
        try await group.waitForAll()
        return begin
      }
      result.withLock { $0 = microseconds() - begin }
      for client in clients + [control] { await client.close() }
    }
    return result.withLock { $0 }
  }

  func graphs() throws {
    report.section("Graphs over the wire: server's processor time beyond that of as many pings")
    let count = isQuick ? 2_000 : 20_000
    let shapes: [(String, @Sendable (Int) -> (Int, Int))] = [
      ("chain in order", { ($0 + 1, $0) }),
      ("chain in reverse", { [count] in (count - $0, count - $0 - 1) }),
      ("fan-in", { (0, $0 + 1) }), ("fan-out", { ($0 + 1, 0) }),
    ]
    for (name, edge) in shapes {
      var costs: [Double] = []
      for run in 0..<3 {
        let pings = try processorTime(count, width: 64) { client, _ in try await client.ping() }
        let wants = try processorTime(count, width: 64) { client, index in
          let (unit, dependency) = edge(index)
          try await client.want(
            UnitID("\(name)-\(run)-\(unit)"), dependsOn: UnitID("\(name)-\(run)-\(dependency)"))
        }
        costs.append((wants - pings) / Double(count))
      }
      report.add(
        Row(what: "\(name), \(count) edges, an edge", ours: Spread(costs), target: .atMost(5)))
    }
  }

  func longChain() throws {
    let count = isQuick ? 10_000 : 1_000_000
    report.section("A chain over the wire: declared, and started and completed one by one")
    let begin = microseconds()
    _ = try processorTime(count - 1) { client, index in
      try await client.want(UnitID("long-\(index + 1)"), dependsOn: UnitID("long-\(index)"))
    }
    let declared = microseconds()
    _ = try processorTime(count) { client, index in
      try await client.start(UnitID("long-\(index)"))
      try await client.complete(UnitID("long-\(index)"))
    }
    report.add(
      Row(
        what: "chain of \(count), declared", unit: "s", ours: Spread([(declared - begin) / 1e6])))
    report.add(
      Row(
        what: "chain of \(count), started and completed", unit: "s",
        ours: Spread([(microseconds() - declared) / 1e6]),
        note:
          "the agent has \(format(Machine.residentBytes(of: agent.processID) / 1e6)) MB then"))
  }

  /// Makes calls, so many at a time, and returns what they took of the agent's processor time. Where one
  /// waits for another, most of it is the agent's waking up.
  private func processorTime(
    _ count: Int, width: Int = 1,
    _ call: @escaping @Sendable (RemoteUnitManager, Int) async throws -> Void
  ) throws -> Double {
    let result = Mutex(0.0)
    let loop = try LibeventLoop()
    let agent = agent
    try loop.run {
      let client = try await RemoteUnitManager(
        connectingTo: try UnixTransport(address: agent.socketPath, environment: [:]), on: loop,
        callTimeout: nil)
      // Says Hello, so that several calls may be open.
      if width > 1 { try await client.waitUntilReady("nobody") }
      let begin = Machine.processorTime(of: agent.processID)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for worker in 0..<width {
          group.addTask(executorPreference: loop) {
            for index in stride(from: worker, to: count, by: width) {
              try await call(client, index)
            }
          }
        }
        try await group.waitForAll()
      }
      result.withLock { $0 = Machine.processorTime(of: agent.processID) - begin }
      await client.close()
    }
    return result.withLock { $0 }
  }
}
