import CustomPlugins
import SyncPlugin
import SyncTestKit
import Testing

@Suite(.serialized) struct CustomPluginsTests {
  @Test func theTransportKeepsItsContract() async throws {
    try await TransportContract.check(
      AbstractTransport.self, address: "contract-\(UInt64.random(in: 0 ... .max))",
      environment: [:], countsDescriptors: true)
  }

  @Test(arguments: [nil, "40ms"])
  func theStrategyKeepsItsContract(_ argument: String?) async throws {
    try await WaitingContract.check(try BackOffStrategy(argument: argument))
  }

  @Test(arguments: ["", "0", "9ms", "soon"])
  func whatIsNoIntervalIsRefused(_ argument: String) {
    #expect(throws: PluginError.self) { try BackOffStrategy(argument: argument) }
  }

  /// The program of this package, with both plugins: an agent, and scripts that find it.
  @Test func theProgramHasBoth() async throws {
    let coder = CoderProcess.built("my-coder")
    let name = "example-\(UInt64.random(in: 0 ... .max))"
    let result = try await CoderProcess.run(
      [
        "agent", "--transport", "abstract:\(name)", "--wait", "backoff:100ms", "--", "sh", "-c",
        """
        echo $CODER_AGENT_TRANSPORT $CODER_SYNC_WAIT
        "$0" exp sync want app db
        ("$0" exp sync start db; sleep 0.2; "$0" exp sync complete db) >/dev/null &
        "$0" exp sync start app
        wait
        "$0" plugins -c name
        """, coder,
      ], program: coder)
    #expect(result.error == "")
    #expect(
      result.output == """
        abstract:\(name) backoff:100ms
        Unit "app" declared dependencies: [db]
        Unit "app" is waiting for dependencies to be satisfied: [db]
        Unit "app" finished waiting for dependencies: [db]
        NAME
        unix
        tcp
        pipe
        exec
        abstract
        poll
        push
        backoff

        """)
    #expect(result.status == 0)
  }
}
