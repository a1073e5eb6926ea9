internal import SyncRPC
internal import SyncUnits

extension Command {
  static let ping = Command(
    name: "ping",
    summary: "Test agent socket connectivity and health",
    examples: """
      # Go on without coordination where there is no agent
      coder exp sync ping || echo 'no agent'
      """,
    run: { invocation in
      guard invocation.arguments.isEmpty else {
        throw CommandFailure.usage("ping takes no arguments")
      }
      try invocation.withClient { client in
        try await client.call("ping failed: ") { try await $0.ping() }
        try invocation.console.print("Success")
      }
    })
}
