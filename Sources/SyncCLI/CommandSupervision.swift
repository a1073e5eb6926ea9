internal import Libevent
internal import SyncAgent
internal import SyncPlugin
internal import SyncRPC
internal import SyncSystem
internal import SyncUnits

/// Runs a command until it succeeds or there is no sense in running it again.
struct CommandSupervision {
  enum End: Sendable {
    case ended(SupervisedCommand.Ending, attempts: Int)
    /// It could not be executed.
    case notRun(ExitStatus, reason: String)
  }

  let runner: CommandRunner
  let client: Client
  let unit: UnitID
  let generation: UInt64
  let retries: Int
  let console: Console
  private var iterator: AsyncStream<CommandRunner.Event>.Iterator
  private var isTerminated = false
  private var hasAgentEnded = false
  private var announcement: Task<Void, Never>?

  init(
    runner: CommandRunner, client: Client, unit: UnitID, generation: UInt64, retries: Int,
    console: Console
  ) {
    self.runner = runner
    self.client = client
    self.unit = unit
    self.generation = generation
    self.retries = retries
    self.console = console
    iterator = runner.events.makeAsyncIterator()
  }

  /// Runs the command for which there is a process, and others after it, for each of which `renew` ties the
  /// unit to a new process, and returns its generation.
  mutating func run(renew: () async throws -> UInt64) async -> End {
    var attempt = 1
    while true {
      let end = await runOnce(attempt)
      await announcement?.value
      announcement = nil
      guard case .ended(let ending, _) = end, ending != .exited(0), attempt <= retries,
        !isTerminated, !hasAgentEnded
      else { return end }
      console.note(
        "attempt \(attempt) of \(retries + 1) of unit \(unit.name.quoted) failed: \(ending.reason)")
      guard await isAtWork() else { return end }
      do {
        guard try await renew() == generation else { return end }
      } catch {
        console.note("warning: the command is not run again: \(error)")
        return end
      }
      attempt += 1
    }
  }

  private mutating func runOnce(_ attempt: Int) async -> End {
    do {
      try runner.open()
    } catch {
      return .notRun(
        error.errno == Errno.notFound ? .commandNotFound : .commandNotExecutable,
        reason: "cannot run \(runner.program): \(error.reason)")
    }
    while let event = await iterator.next() {
      switch event {
      case .signal(let signal):
        if Signal.termination.contains(signal.number) { isTerminated = true }
        runner.passOn(signal)
      case .ready: if announcement == nil { announceHealth() }
      case .agentEnded:
        hasAgentEnded = true
        console.note(
          "warning: the agent has ended, and its units with it; the command of unit "
            + "\(unit.name.quoted) goes on")
      case .ended(.exited(let status)): return .ended(.exited(status), attempts: attempt)
      case .ended(.signalled(let signal)): return .ended(.signalled(signal), attempts: attempt)
      }
    }
    preconditionFailure("the events end after the command")
  }

  /// Beside all else: a signal must not have to wait for the agent.
  private mutating func announceHealth() {
    guard !hasAgentEnded else { return }
    let (client, unit, generation, console) = (client, unit, generation, console)
    announcement = Task(executorPreference: client.loop) {
      do throws(UnitError) {
        try await client.manager.markHealthy(unit, generation: generation)
      } catch {
        console.note(
          "warning: unit \(unit.name.quoted) could not be marked as healthy: "
            + error.message.escapingControlCharacters)
      }
    }
  }

  /// Whether nobody has ended the unit in the meantime: starting it again would undo that.
  private func isAtWork() async -> Bool {
    guard let report = try? await client.manager.status(of: unit) else { return false }
    return report.status == .started && report.details?.generation == generation
  }
}

extension CommandSupervision.End {
  /// What becomes of the unit.
  var outcome: Outcome {
    switch self {
    case .ended(.exited(0), _): return .completed
    case .ended(let ending, let attempts):
      let suffix = attempts > 1 ? ", after \(attempts) attempts" : ""
      return .failed(Ending(ending.reason + suffix, exitStatus: CommandEnded(ending).status))
    case .notRun(let status, let reason):
      return .failed(Ending(reason, exitStatus: status.rawValue))
    }
  }

  /// What is done to the unit, in words.
  var participle: String { outcome == .completed ? "completed" : "marked as failed" }
}

extension SupervisedCommand.Ending {
  /// How the command ended, as the reason of a failure.
  fileprivate var reason: String {
    switch self {
    case .exited(let status): "exit status \(status)"
    case .signalled(let signal): "killed by \(Signal.name(signal))"
    }
  }
}
