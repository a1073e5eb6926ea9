/// Keeps units and the dependencies between them: the seam between those who serve the graph and
/// those who use it.
///
/// ``LocalUnitManager`` holds the graph in this process; `RemoteUnitManager` of SyncRPC asks an
/// agent elsewhere. All members may be called from any thread and any number of tasks at a time;
/// each call is one step that others see wholly or not at all. A call whose task is cancelled
/// before it was answered throws, and may or may not have taken effect.
public protocol UnitManager: Sendable {
  /// Declares that `unit` depends on `dependency`, and registers `unit` as pending.
  ///
  /// Either may be unknown so far; naming a dependency does not register it. Declaring it again is
  /// a success without effect.
  /// - Throws: `invalidName`, `cycle` (nothing is changed), `limitExceeded`.
  func want(_ unit: UnitID, dependsOn dependency: UnitID) async throws(UnitError)

  /// Begins the work of `unit`, registering it if need be. A completed unit begins anew.
  /// - Throws: `invalidName`, `notReady`, `sameStatus` if it is started, `limitExceeded`.
  func start(_ unit: UnitID) async throws(UnitError)

  /// Ends the work of `unit`, which satisfies those that depend on it. It need not have started.
  /// - Throws: `invalidName`, `notFound` if it is not registered, `sameStatus` if it is completed.
  func complete(_ unit: UnitID) async throws(UnitError)

  /// Whether all dependencies of `unit` are satisfied; a unit that is not registered has none.
  /// - Throws: `invalidName`.
  func isReady(_ unit: UnitID) async throws(UnitError) -> Bool

  /// The status of `unit` and of its direct dependencies. Asking does not register it.
  /// - Throws: `invalidName`.
  func status(of unit: UnitID) async throws(UnitError) -> UnitReport

  /// Returns when `unit` was seen to be ready: at once if it is now, otherwise in the moment in which
  /// its last unsatisfied dependency completes. By the time the task runs on, a dependency may have
  /// begun anew; ``start(_:)`` tells.
  ///
  /// Cancelling the task ends the wait at once with a `CancellationError`, and the manager forgets it.
  /// - Throws: ``UnitError`` `invalidName`, `limitExceeded`, `unavailable` when the manager ends,
  ///   `unsupported` by a manager that cannot tell; `CancellationError`.
  func waitUntilReady(_ unit: UnitID) async throws

  /// All registered units.
  func list() async throws(UnitError) -> [UnitSummary]
}
