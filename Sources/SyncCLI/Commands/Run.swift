internal import SyncAgent
internal import SyncSystem
internal import SyncUnits

extension Command {
  private static let after = Option(
    name: "after", placeholder: "units", isRepeatable: true,
    help: "What the unit depends on, separated by commas; declared all at once.",
    completion: .units)
  private static let retry = Option(
    name: "retry", placeholder: "number",
    help:
      "How often the command is run again after a failure, by default 0. Only the last one counts.")
  private static let lock = Option(
    name: "lock", placeholder: "name", isRepeatable: true,
    help:
      "Wait until no other unit holds the lock of this name, and hold it while the command runs.")
  private static let readyDescriptor = Option(
    name: "ready-fd", placeholder: "number",
    help: """
      A descriptor, 3 or above, into which the command writes a line feed when it is healthy. It may \
      tell $NOTIFY_SOCKET READY=1 instead.
      """)

  static let run = Command(
    name: "run",
    arguments: "<unit> -- command...",
    summary: "Run a command as the work of a unit",
    discussion: """
      Waits until all that the unit depends on is satisfied, starts the unit, and runs the command. The \
      unit is complete if the command succeeds and has failed otherwise, also when this program is \
      killed. Ends as the command does; with status 125 if it could not do its own part.
      """,
    examples: """
      # All that a script of a unit has to say
      coder exp sync run app --after git-clone,apt-install -- ./run-app --prepare

      # One at a time, and up to three times
      coder exp sync run apt-install --lock apt --retry 2 -- apt-get install -y jq

      # Tests begin when the server says that it is ready
      coder exp sync run server --ready-fd 3 -- ./server &
      coder exp sync run tests --after server --requires healthy -- ./run-tests
      """,
    options: [
      after, Options.requires, Options.timeout, Options.wait, Options.onFailure,
      Options.failOnStall,
      retry, lock, readyDescriptor,
    ],
    completion: .units,
    run: { invocation in
      let result: UnitRun.Result
      do {
        result = try unitRun(invocation).run()
      } catch let failure as CommandFailure {
        throw failure.ofRun
      } catch let error as SystemError {
        throw CommandFailure(status: .runFailed, message: "cannot prepare the command: \(error)")
      }
      if result.ending != .exited(0) { throw CommandEnded(result.ending) }
      if !result.isPublished { throw CommandEnded(.exited(ExitStatus.runFailed.rawValue)) }
    })

  private static func unitRun(_ invocation: Invocation) throws(CommandFailure) -> UnitRun {
    let example = "write it as in: coder exp sync run app --after git-clone -- ./run-app"
    guard let command = invocation.argumentsBehindFlags, let program = command.first,
      !program.isEmpty
    else { throw .usage("run needs a command behind --", hints: [example]) }
    let names = invocation.arguments.dropLast(command.count)
    guard names.count == 1 else {
      throw .usage("exactly one unit name is required before --", hints: [example])
    }
    let unit = try invocation.units(names)[0]
    var starter = UnitStarter(
      invocation: invocation, unit: unit,
      strategies: try invocation.waitingStrategies(Options.wait))
    starter.onFailure = try invocation.failurePolicy()
    starter.stall = try invocation.stallPolicy()
    starter.locks = invocation.flags(lock)
    guard !starter.locks.contains("") else { throw .usage("--lock: a lock has a name") }
    var run = UnitRun(
      invocation: invocation, command: command, starter: starter,
      limit: try invocation.timeLimit())
    run.dependencies = try invocation.units(
      invocation.flags(after).flatMap { $0.split(separator: ",") }.map { String($0) })
    run.requirement = Requirement(try invocation.requiredCondition())
    run.retries =
      try invocation.parsed(retry, expected: "a number from 0 to 1000") { text in
        Int(text).flatMap { 0...1_000 ~= $0 ? $0 : nil }
      } ?? 0
    run.readyDescriptor = try invocation.parsed(
      readyDescriptor, expected: "the number of a descriptor from 3 to 1023"
    ) { text in Int32(text).flatMap { 3...1_023 ~= $0 ? $0 : nil } }
    return run
  }
}

extension CommandFailure {
  /// The same in the statuses of `run`, among which those of the command have to stand out.
  fileprivate var ofRun: CommandFailure {
    var failure = self
    switch status {
    case .dependencyFailed, .stalled, .usage, .timeout, .commandNotFound, .commandNotExecutable:
      break
    default: failure.status = .runFailed
    }
    return failure
  }
}
