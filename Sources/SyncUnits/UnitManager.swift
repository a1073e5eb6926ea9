/// Keeps units and the dependencies between them: the seam between those who serve the graph and
/// those who use it.
///
/// ``LocalUnitManager`` holds the graph in this process; `RemoteUnitManager` of SyncRPC asks an
/// agent elsewhere. All members may be called from any thread and any number of tasks at a time;
/// each call is one step that others see wholly or not at all. A call whose task is cancelled
/// before it was answered throws, and may or may not have taken effect.
public protocol UnitManager: Sendable {
  /// Declares that `unit` depends on all of `dependencies`, and registers `unit` as pending: all or none.
  ///
  /// Any may be unknown so far; naming a dependency does not register it. Declaring it again sets its
  /// requirement anew.
  /// - Throws: `invalidName`, `cycle` (nothing is changed), `limitExceeded`; `unsupported` by an agent
  ///   that knows no other requirement than success.
  func want(
    _ unit: UnitID, dependsOn dependencies: [UnitID], _ requirement: Requirement
  ) async throws(UnitError)

  /// Declares that `unit` depends on the success of `dependency`.
  /// - Throws: `invalidName`, `cycle`, `limitExceeded`.
  func want(_ unit: UnitID, dependsOn dependency: UnitID) async throws(UnitError)

  /// Begins the work of `unit`, registering it if need be. A unit that has ended begins anew, in the next
  /// generation. One that is blocked for good is skipped.
  /// - Throws: `invalidName`, `notReady`, `sameStatus` if it is started, `dependencyFailed`,
  ///   `limitExceeded`.
  func start(_ unit: UnitID) async throws(UnitError)

  /// Begins the work of `unit` as the options say, and returns its generation. Waits for locks, and for
  /// nothing else.
  /// - Throws: as ``start(_:)``; `unavailable` when the manager ends, `unsupported` by an agent that
  ///   knows no options; `CancellationError`.
  func start(_ unit: UnitID, _ options: StartOptions) async throws -> UInt64

  /// Ends the work of `unit` with success, whatever its generation is.
  /// - Throws: `invalidName`, `notFound` if it is not registered, `sameStatus` if it is completed,
  ///   `wrongStatus` if it failed or was skipped.
  func complete(_ unit: UnitID) async throws(UnitError)

  /// Ends the work of `unit`, in its newest generation or the one that is given. It need not have started;
  /// it is skipped only if it has not.
  /// - Throws: `invalidName`, `notFound` if it is not registered, `sameStatus` if it is completed and
  ///   completes, `wrongStatus` if it has ended otherwise or `generation` is over.
  func finish(_ unit: UnitID, as outcome: Outcome, generation: UInt64?) async throws(UnitError)

  /// Says that `unit`, which is started, is healthy: whoever requires no more may go on.
  /// - Throws: `invalidName`, `notFound`, `wrongStatus`.
  func markHealthy(_ unit: UnitID, generation: UInt64?) async throws(UnitError)

  /// Makes `unit` pending in a new generation, whatever it was, and with `cascade` all that depend on it,
  /// directly or not.
  /// - Throws: `invalidName`, `notFound`.
  func reset(_ unit: UnitID, cascade: Bool) async throws(UnitError)

  /// Whether all dependencies of `unit` are met; a unit that is not registered has none.
  /// - Throws: `invalidName`, `dependencyFailed` if one of them can never be.
  func isReady(_ unit: UnitID) async throws(UnitError) -> Bool

  /// The status of `unit` and of its direct dependencies. Asking does not register it.
  /// - Throws: `invalidName`.
  func status(of unit: UnitID) async throws(UnitError) -> UnitReport

  /// Returns when the goal was seen to be reached: at once if it is now, otherwise in the moment in which
  /// it is. By the time the task runs on, a unit may have begun anew; ``start(_:)`` tells.
  ///
  /// Cancelling the task ends the wait at once with a `CancellationError`, and the manager forgets it.
  /// - Throws: ``UnitError`` `dependencyFailed` as soon as the goal cannot be reached any more,
  ///   `invalidName`, `notFound` if all units are waited for and there are none, `limitExceeded`,
  ///   `unavailable` when the manager ends, `unsupported` by a manager that cannot tell;
  ///   `CancellationError`.
  func wait(for goal: WaitGoal) async throws

  /// All registered units.
  func list() async throws(UnitError) -> [UnitSummary]

  /// What `unit` waits for, down to the roots.
  /// - Throws: `invalidName`, `unsupported`.
  func explain(_ unit: UnitID) async throws(UnitError) -> Explanation
}

extension UnitManager {
  /// Waits until all dependencies of `unit` are met, as ``wait(for:)`` does.
  public func waitUntilReady(_ unit: UnitID) async throws { try await wait(for: .ready(unit)) }
}
