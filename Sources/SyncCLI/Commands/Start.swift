internal import Libevent
internal import SyncPlugin
internal import SyncRPC
internal import SyncUnits

extension Command {
  private static let timeout = Option(
    name: "timeout", placeholder: "duration",
    help: """
      How long the command may take in all, by default 5m; 0 is no limit. Written as in 300ms, \
      1.5s, 5m or 1h30m.
      """)
  private static let wait = Option(
    name: "wait", placeholder: "strategy", environment: "CODER_SYNC_WAIT",
    help: """
      How to wait: poll, every second, or as in poll:250ms; push, where the agent tells at once. \
      See coder plugins.
      """,
    completion: .waitingStrategies)

  static let start = Command(
    name: "start",
    arguments: "<unit>",
    summary: "Wait until all unit dependencies are satisfied",
    discussion: """
      Blocks until all that the unit depends on is complete, and marks the unit as started. A unit \
      that was complete begins anew.
      """,
    examples: """
      # Wait for ten minutes at most
      coder exp sync start long-operation --timeout 10m
      """,
    options: [timeout, wait],
    completion: .units,
    run: { invocation in
      let unit = try invocation.onlyUnit()
      let limit =
        try invocation.parsed(timeout, expected: "a duration as in 5m or 1.5s") {
          Duration(goNotation: $0)
        } ?? .seconds(300)
      try StartCommand(
        invocation: invocation, unit: unit, strategies: try invocation.waitingStrategies(wait)
      ).run(limit: limit == .zero ? nil : limit)
    })
}

/// `start`: wait for the dependencies as long as it takes, then mark the unit as started.
private struct StartCommand: Sendable {
  let invocation: Invocation
  let unit: UnitID
  /// In the order in which they are tried; the next one if the agent cannot do what one needs.
  let strategies: [any WaitingStrategy]

  /// How long a timed-out command may take to find out what it still waited for.
  private static let hintTimeout: Duration = .milliseconds(250)

  func run(limit: Duration?) throws {
    let transport = try invocation.clientTransport()
    try invocation.runOnLoop { loop in
      let connected = Connected()
      do {
        try await withDeadline(limit, clock: loop.clock) {
          // The limit is over everything, so that no call has one of its own.
          let manager = try await invocation.connect(to: transport, on: loop, callTimeout: nil)
          await connected.set(manager)
          try await start(on: Client(manager: manager, loop: loop))
        }
      } catch {
        var failure = error
        if error is DeadlineExceeded {
          failure = await timeoutFailure(connected.manager, clock: loop.clock)
        }
        await connected.manager?.close()
        throw failure
      }
      await connected.manager?.close()
    }
  }

  private func start(on client: Client) async throws {
    var waitedFor: [UnitID]?
    var strategies = strategies[...]
    while true {
      if waitedFor == nil {
        let report = try await client.call("get status failed: ") {
          try await $0.originalStatus(of: unit)
        }
        if report.isReady {
          if try await markStarted(on: client) {
            return try invocation.console.print(Self.text(unit, startedWith: report.dependencies))
          }
          continue
        }
        let units = report.unsatisfied.map(\.unit)
        waitedFor = units
        try invocation.console.print(
          "Unit \(unit.name.quoted) is waiting for dependencies to be satisfied: \(units.bracketed)"
        )
      }
      while try await !wait(on: client, with: strategies.first!) {
        let unsupported = strategies.removeFirst()
        invocation.debug(
          "the agent does not support \(type(of: unsupported).name): "
            + "waiting by \(type(of: strategies.first!).name)")
      }
      // A dependency may have begun anew between the answer and the start: wait again.
      if try await markStarted(on: client) { break }
    }
    try invocation.console.print(
      "Unit \(unit.name.quoted) finished waiting for dependencies: \((waitedFor ?? []).bracketed)")
  }

  private static func text(_ unit: UnitID, startedWith dependencies: [Dependency]) -> String {
    if dependencies.isEmpty { return "Unit \(unit.name.quoted) started with no dependencies" }
    return "Unit \(unit.name.quoted) started immediately, dependencies already satisfied: "
      + dependencies.map(\.unit).sorted().bracketed
  }

  /// False if the unit is not ready any more.
  private func markStarted(on client: Client) async throws -> Bool {
    try await client.call("start unit failed: ") { manager in
      do throws(UnitError) {
        try await manager.start(unit)
      } catch {
        guard error.code == .notReady else { throw error }
        return false
      }
      return true
    }
  }

  /// Waits with the strategy, and at the same time for the end of the connection, which a strategy
  /// that sleeps would not notice. False if the agent cannot do what the strategy needs, and there
  /// is another one.
  private func wait(
    on client: Client, with strategy: any WaitingStrategy
  ) async throws -> Bool {
    let mayFallBack = type(of: strategy) != type(of: strategies.last!)
    let progress = WaitProgress(
      unit: unit, manager: client.manager, console: invocation.console, clock: client.clock)
    return try await client.call(
      "error checking dependencies: sync ready: ",
      hint: { $0.code == .unavailable ? "the agent has ended, and its units with it" : nil }
    ) { manager in
      try await withThrowingTaskGroup(of: Bool.self) { group in
        group.addTask {
          do {
            try await strategy.waitUntilReady(unit, on: manager, clock: client.clock)
            return true
          } catch let error as UnitError where error.code == .unsupported && mayFallBack {
            return false
          }
        }
        group.addTask {
          if let ending = await manager.waitUntilClosed() { throw ending }
          throw CancellationError()
        }
        group.addTask {
          try await progress.run()
          return false
        }
        defer { group.cancelAll() }
        return try await group.next()!
      }
    }
  }

  private func timeoutFailure(
    _ manager: RemoteUnitManager?, clock: any Clock<Duration>
  ) async -> CommandFailure {
    var failure = CommandFailure(
      status: .timeout, message: "timeout waiting for dependencies of unit '\(unit.name)'")
    let hint = try? await withDeadline(Self.hintTimeout, clock: clock) { () -> String? in
      guard let manager, case let unsatisfied = try await manager.status(of: unit).unsatisfied,
        !unsatisfied.isEmpty
      else { return nil }
      return await manager.hintAboutWaiting(of: unit, for: unsatisfied)
    }
    if let hint = hint ?? nil { failure.hints.append(hint) }
    return failure
  }
}

/// The connection of a command whose deadline may pass before there is one.
private actor Connected {
  private(set) var manager: RemoteUnitManager?
  func set(_ manager: RemoteUnitManager) { self.manager = manager }
}
