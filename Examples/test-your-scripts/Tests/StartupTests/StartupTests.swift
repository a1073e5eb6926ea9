import Foundation
import SyncTestKit
import Testing

/// Tests of the scripts in this package, each with an agent of its own.
@Suite struct StartupTests {
  private let agent: TestAgent
  private let events: String

  init() async throws {
    agent = try await TestAgent()
    events = agent.folder.file("events")
  }

  /// Starts one of the scripts; `coder exp sync` in it finds the agent.
  private func start(
    _ script: String, environment: [String: String] = [:]
  ) throws -> CoderProcess {
    let folder = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().appendingPathComponent("../../scripts").standardized
    return try agent.run(
      folder.appendingPathComponent(script).path,
      environment: ["EVENTS": events, "CODER_SYNC_WAIT": "push"].merging(environment) { $1 })
  }

  private var eventsSoFar: String { (try? String(contentsOfFile: events, encoding: .utf8)) ?? "" }

  @Test func theApplicationWaitsForTheDatabase() async throws {
    let app = try start("app.sh")
    // Wait for what a script says, never for a time.
    await app.waitForOutput("is waiting for dependencies")
    #expect(eventsSoFar == "")
    let database = try await start("database.sh").end()
    #expect(database.status == 0)
    let result = await app.end()
    #expect(result.status == 0, "\(result.error)")
    #expect(eventsSoFar == "database: up\napp: up\n")
  }

  @Test func theApplicationDoesNotStartWithoutTheDatabase() async throws {
    let result = try await start("app.sh", environment: ["APP_TIMEOUT": "100ms"]).end()
    #expect(result.status == 124)
    #expect(result.error.contains("still waiting for: database (not registered)"))
    #expect(eventsSoFar == "")
  }

  @Test func bothCanStartInAnyOrder() async throws {
    let database = try await start("database.sh").end()
    let app = try await start("app.sh").end()
    #expect([database.status, app.status] == [0, 0])
    #expect(
      try await agent.sync("list", "-c", "unit,status").output == """
        UNIT      STATUS
        app       completed
        database  completed

        """)
  }
}
