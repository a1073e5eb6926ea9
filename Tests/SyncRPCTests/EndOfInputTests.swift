import SyncPlugin
import SyncRPC
import SyncTestKit
import SyncUnits
import SyncWire
import Testing
import WireFixtures

/// A client that has said everything, and still wants its answers.
@Suite struct EndOfInputTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let calls: [UInt8]
    let answers: [UInt8]
  }

  static let blocked = ErrorPayload(code: 7, text: "the connection's input has ended").encoded

  static let cases: [Case] = [
    Case(
      testDescription: "what can be answered now is, all the same",
      calls: call(.startWith, UnitRequest(unit: "a").encoded)
        + call(.wait, UnitSync.WaitRequest(.ready("a")).encoded, stream: 2),
      answers: success([0x08, 1]) + success(stream: 2)),
    Case(
      testDescription: "what would be answered later is not",
      calls: call(.want, WantRequest(unit: "a", dependsOn: "b").encoded)
        + call(.wait, UnitSync.WaitRequest(.ready("a")).encoded, stream: 2),
      answers: success() + frame(.error, 2, 1, blocked)),
    Case(
      testDescription: "half a call is not answered",
      calls: call(.ping) + call(.ping, stream: 2).dropLast(8), answers: success()),
  ]

  @Test(arguments: cases)
  func answersComeBeforeTheEnd(_ test: Case) throws {
    let agent = try ServedAgent(LocalUnitManager(), on: ManualLoop())
    let wire = try agent.loop.run {
      Wire(try await agent.transport.connect(on: agent.loop, timeout: nil))
    }
    wire.send(test.calls)
    wire.connection.endOutput()
    agent.loop.runUntilIdle()
    #expect(wire.received == test.answers)
    #expect(wire.hasEnded)
    wire.connection.close()
  }
}
