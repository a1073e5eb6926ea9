// A program that keeps the units itself: its own parts use them directly, and its scripts find them with
// `coder exp sync`, as if there were an agent.
import Foundation
import Libevent
import StandardPlugins
import SyncAgent
import SyncPlugin
import SyncUnits

/// Scripts print too: each line at once, so that the order shows.
@Sendable func say(_ line: String) {
  FileHandle.standardOutput.write(Data((line + "\n").utf8))
}

let folder = FileManager.default.temporaryDirectory
  .appendingPathComponent("embed-\(ProcessInfo.processInfo.processIdentifier)").path
defer { try? FileManager.default.removeItem(atPath: folder) }

// The loop has a thread of its own; the units may be used from anywhere.
let thread = try LoopThread()
let manager = LocalUnitManager()
let agent = Agent(on: thread.loop, log: Log(level: .warn), manager: manager)
let endpoint = try await agent.listen(
  on: try PluginCatalog.standard.transport(
    for: Endpoint(scheme: "unix", address: folder + "/agent.sock"), environment: [:]))

/// Runs a script that finds this program's units.
@Sendable func run(_ script: String) async throws {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/bin/sh")
  process.arguments = ["-c", script]
  process.environment = ProcessInfo.processInfo.environment
    .merging(["CODER_AGENT_TRANSPORT": endpoint.description]) { $1 }
  try await withCheckedThrowingContinuation {
    (continuation: CheckedContinuation<Void, any Error>) in
    process.terminationHandler = { process in
      if process.terminationStatus == 0 {
        continuation.resume()
      } else {
        continuation.resume(throwing: CocoaError(.executableLoad))
      }
    }
    do { try process.run() } catch { continuation.resume(throwing: error) }
  }
}

try await withThrowingDiscardingTaskGroup { group in
  group.addTask {
    // Waits for what a script does.
    try await manager.withUnit("app", after: ["migration"]) { say("app") }
  }
  group.addTask {
    // A script that waits for what this program does.
    try await run(
      """
      coder exp sync want migration db >/dev/null &&
      coder exp sync start migration --wait push >/dev/null &&
      echo migration &&
      coder exp sync complete migration >/dev/null
      """)
  }
  group.addTask {
    try await manager.withUnit("db") { say("db") }
  }
}
await agent.close()
thread.stop()
