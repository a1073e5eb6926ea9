internal import Libevent
internal import SyncAgent
internal import SyncRPC
internal import SyncSystem
internal import SyncUnits
internal import Synchronization

/// A command as the work of a unit: what it waits for, what it runs, and what becomes of the unit.
struct UnitRun: Sendable {
  struct Result: Sendable {
    let ending: SupervisedCommand.Ending
    /// Whether the agent knows how it ended.
    let isPublished: Bool
  }

  let invocation: Invocation
  let command: [String]
  var starter: UnitStarter
  /// How long it may take until the command begins; nil is no limit.
  let limit: Duration?
  var dependencies: [UnitID] = []
  var requirement = Requirement.success
  var retries = 0
  var readyDescriptor: Int32?

  /// As ``run(on:)``, on a loop of its own.
  func run() throws -> Result {
    let result = Mutex<Result?>(nil)
    try invocation.withClient { client in
      let value = try await run(on: client)
      result.withLock { $0 = value }
    }
    guard let result = result.withLock({ $0 }) else { preconditionFailure("the run has returned") }
    return result
  }

  /// Runs the command and publishes how it ended.
  /// - Throws: ``CommandFailure`` if the command could not be run.
  func run(on client: Client) async throws -> Result {
    let runner = try CommandRunner(
      command, unit: starter.unit.name, readyDescriptor: readyDescriptor, on: client.loop)
    defer { runner.close() }
    // Where the kernel does not tell the agent who its client is, the connection has to do.
    let isWatched = await client.manager.peer != nil
    let tie = { @Sendable () throws -> StartCall.Tie in
      let process = try runner.prepare()
      return .lease(process: isWatched ? process : 0)
    }
    let generation = try await start(on: client, tie)
    let endWatch = Task(executorPreference: client.loop) {
      if await client.manager.waitUntilClosed() != nil { runner.agentEnded() }
    }
    defer { endWatch.cancel() }
    try runner.collectSignals()
    var supervision = CommandSupervision(
      runner: runner, client: client, unit: starter.unit, generation: generation,
      retries: retries, console: invocation.console)
    let end = await supervision.run {
      var options = StartOptions()
      options.locks = starter.locks
      return try await client.manager.start(starter.unit, options, tie: try tie())
    }
    let isPublished = await publish(end, generation, on: client)
    switch end {
    case .ended(let ending, _): return Result(ending: ending, isPublished: isPublished)
    case .notRun(let status, let reason):
      throw CommandFailure(status: status, message: reason)
    }
  }

  /// Whether the unit is tied to this process before it starts; one that is to be kept pending whatever
  /// happens is not.
  private var isLeased: Bool { starter.onFailure == .skip }

  /// What the agent has to know: a command whose end cannot be told should not begin.
  private var neededMethods: [Method] {
    var methods: [Method] = [.startWith, .finish]
    if isLeased || requirement != .success { methods.append(.wantAll) }
    if retries > 0 { methods.append(.details) }
    if readyDescriptor != nil { methods.append(.markHealthy) }
    return methods
  }

  private func start(
    on client: Client, _ tie: @escaping @Sendable () throws -> StartCall.Tie
  ) async throws -> UInt64 {
    var starter = starter
    starter.lateTie = tie
    let (fixed, unit) = (starter, starter.unit)
    do {
      return try await withDeadline(limit, clock: client.clock) {
        try await client.call(
          "", hint: { $0.code == .unsupported ? "run needs an agent that knows failures" : nil }
        ) { manager in
          for method in neededMethods { try await manager.require(method) }
        }
        try await client.declare(unit, dependsOn: dependencies, requirement, isLeased: isLeased)
        let started = try await fixed.start(on: client) { _ in }
        guard let generation = started.generation else { preconditionFailure("has a tie") }
        return generation
      }
    } catch is DeadlineExceeded {
      var failure = await fixed.timeoutFailure(client.manager, clock: client.clock)
      if failure.hints.isEmpty, !fixed.locks.isEmpty {
        failure.message = "timeout waiting for locks of unit '\(unit.name)'"
      }
      throw failure
    }
  }

  /// False if the agent does not take it.
  private func publish(
    _ end: CommandSupervision.End, _ generation: UInt64, on client: Client
  ) async -> Bool {
    do throws(UnitError) {
      try await client.manager.finish(
        starter.unit, as: end.outcome, generation: generation)
      return true
    } catch {
      invocation.console.note(
        "error: unit \(starter.unit.name.quoted) could not be \(end.participle): "
          + error.message.escapingControlCharacters)
      return false
    }
  }
}
