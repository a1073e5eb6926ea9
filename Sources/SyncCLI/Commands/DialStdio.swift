internal import Libevent
internal import SyncPlugin
internal import SyncRPC
internal import SyncSystem
internal import SyncUnits

extension Command {
  static let dialStdio = Command(
    name: "dial-stdio",
    summary: "Connect standard input and output to the agent",
    discussion: """
      For the far end of a connection that another command line has made with --transport \
      exec:COMMAND. Passes bytes on until one side ends.
      """,
    examples: """
      # Use the agent of another machine
      coder exp sync --transport 'exec:ssh host coder exp sync dial-stdio' list
      """,
    run: { invocation in
      guard invocation.arguments.isEmpty else {
        throw CommandFailure.usage("dial-stdio takes no arguments")
      }
      let transport = try invocation.clientTransport()
      ThisProcess.ignoreBrokenPipeSignal()
      try invocation.runOnLoop { loop in
        let streams = try StandardStreams()
        let channel = Channel(
          reading: streams.input, writing: streams.output, onClose: { _ in streams.restore() })
        do {
          try await SyncRelay(on: loop)
            .run(client: channel, agent: transport, timeout: Client.callTimeout)
        } catch let error as UnitError {
          throw CommandFailure("dial-stdio: ", error)
        }
      }
    })
}
