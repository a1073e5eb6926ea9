import SyncPlugin
import SyncUnits

/// Polls at intervals that double: soon at first, and rarely when it takes long.
public struct BackOffStrategy: WaitingStrategy {
  public static let name = "backoff"
  public static let syntax = "backoff[:LONGEST]"
  public static let summary = "asks after 10ms, 20ms, 40ms…, at last every LONGEST, by default 5s"

  private static let shortest: Duration = .milliseconds(10)
  private let longest: Duration

  public init(argument: String?) throws(PluginError) {
    guard let argument else {
      longest = .seconds(5)
      return
    }
    guard let longest = Duration(goNotation: argument), longest >= Self.shortest else {
      throw PluginError(
        .invalidArgument, "\"\(argument)\" is not an interval",
        hint: "write it as in backoff:2s, at least \(Self.shortest.goNotation)")
    }
    self.longest = longest
  }

  public func waitUntilReady(
    _ unit: UnitID, on manager: any UnitManager, clock: any Clock<Duration>
  ) async throws {
    var interval = Self.shortest
    repeat {
      try await clock.sleep(for: interval)
      interval = min(interval * 2, longest)
    } while try await !manager.isReady(unit)
  }
}
