public import SyncPlugin
public import SyncUnits

/// Asks once; the agent answers in the moment in which the unit becomes ready.
public struct PushStrategy: WaitingStrategy {
  public static let name = "push"
  public static let syntax = "push"
  public static let summary = "asks once, and the agent answers when the unit becomes ready"

  public init(argument: String?) throws(PluginError) {
    guard argument == nil else {
      throw PluginError(.invalidArgument, "push takes nothing behind its name")
    }
  }

  public func waitUntilReady(
    _ unit: UnitID, on manager: any UnitManager, clock: any Clock<Duration>
  ) async throws {
    try await manager.waitUntilReady(unit)
  }
}
