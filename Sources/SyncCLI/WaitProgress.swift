internal import SyncPlugin
internal import SyncUnits

/// Tells a person what a wait is for and how long it has taken: one living line on a terminal, a
/// line every 30 s elsewhere.
struct WaitProgress: Sendable {
  static let drawingInterval: Duration = .seconds(1)
  static let reportingInterval: Duration = .seconds(30)

  /// What is waited for, as a sentence goes on behind "still waiting for".
  let waitingFor: String
  /// The units that hold it up now.
  let units: @Sendable () async throws -> [UnitID]
  let console: Console
  let clock: any Clock<Duration>

  /// Runs until the task is cancelled.
  func run() async throws {
    let interval = console.isErrorTerminal ? Self.drawingInterval : Self.reportingInterval
    var elapsed = Duration.zero
    defer { if console.isErrorTerminal, elapsed > .zero { console.draw("\r\u{1b}[K") } }
    while true {
      try await clock.sleep(for: interval)
      let units = try await units()
      elapsed += interval
      let time = elapsed.goNotation
      if console.isErrorTerminal {
        let line = "waiting for \(units.bracketed)"
        // One column is left free, so that no terminal wraps the line.
        let room = max(10, console.width - time.count - 4)
        console.draw("\r\u{1b}[K\(shortened(line, to: room)) (\(time))")
      } else {
        console.note(
          "still waiting for \(waitingFor) after \(time): \(units.bracketed)")
      }
    }
  }

  private func shortened(_ line: String, to room: Int) -> String {
    line.count <= room ? line : line.prefix(room - 1) + "…"
  }
}
