internal import SyncRPC
internal import SyncUnits

extension Command {
  static let ping = Command(
    name: "ping",
    summary: "Test agent socket connectivity and health",
    examples: [
      .init(
        comment: "Go on without coordination where there is no agent",
        line: "coder exp sync ping || echo 'no agent'")
    ],
    run: { invocation in
      guard invocation.arguments.isEmpty else {
        throw CommandFailure.usage("ping takes no arguments")
      }
      try invocation.withClient { client in
        do throws(UnitError) {
          try await client.manager.ping()
        } catch {
          throw CommandFailure("ping failed: ", error)
        }
        try invocation.console.print("Success")
      }
    })
}
