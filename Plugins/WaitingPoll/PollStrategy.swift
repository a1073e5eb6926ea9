public import SyncPlugin
public import SyncUnits

/// Asks again and again, as the original does.
public struct PollStrategy: WaitingStrategy {
  public static let name = "poll"
  public static let syntax = "poll[:INTERVAL]"
  public static let summary =
    "asks the agent every INTERVAL, by default \(defaultInterval.goNotation)"

  /// The interval of the original.
  public static let defaultInterval: Duration = .seconds(1)

  /// How long it waits before each question.
  public let interval: Duration

  public init(argument: String?) throws(PluginError) {
    guard let argument else {
      interval = Self.defaultInterval
      return
    }
    guard let interval = Duration(goNotation: argument), interval >= .milliseconds(1) else {
      throw PluginError(
        .invalidArgument, "\"\(argument)\" is not an interval to poll at",
        hint: "write it as in poll:250ms or poll:1.5s, at least 1ms")
    }
    self.interval = interval
  }

  /// The first question comes after one interval: whoever waits has just been told to.
  public func waitUntilReady(
    _ unit: UnitID, on manager: any UnitManager, clock: any Clock<Duration>
  ) async throws {
    repeat {
      try await clock.sleep(for: interval)
    } while try await !isReady(unit, on: manager)
  }

  private func isReady(_ unit: UnitID, on manager: any UnitManager) async throws -> Bool {
    do {
      return try await manager.isReady(unit)
    } catch {
      // A call that was taken back with its task is not the manager's failure.
      try Task.checkCancellation()
      throw error
    }
  }
}
