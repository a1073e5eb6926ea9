public import SyncUnits

/// How a client waits for a unit to become ready. It knows units and no bytes.
public protocol WaitingStrategy: Sendable {
  /// The name in `--wait`, for example `poll`.
  static var name: String { get }
  /// How it is written, for example `poll[:INTERVAL]`.
  static var syntax: String { get }
  /// What it is, in one line.
  static var summary: String { get }

  /// Makes the strategy `name:argument`.
  /// - Throws: `invalidArgument`.
  init(argument: String?) throws(PluginError)

  /// Returns when `unit` was seen to be ready. It may not be any more by then; starting it tells.
  ///
  /// The strategy sets no deadline: the caller cancels the task, and it ends at once with a
  /// `CancellationError`. All time is taken from `clock`.
  /// - Throws: what the manager throws; `UnitError` `unsupported` if it cannot do what the strategy
  ///   needs, and then nothing has been waited for: the command line falls back on its default
  ///   strategy; `CancellationError`.
  func waitUntilReady(
    _ unit: UnitID, on manager: any UnitManager, clock: any Clock<Duration>
  ) async throws
}
