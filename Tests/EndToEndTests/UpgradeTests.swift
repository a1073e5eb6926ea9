import SyncRPC
import SyncTestKit
import SyncUnits
import SyncWire
import Testing
import WireFixtures

/// Command lines and agents of different versions.
@Suite struct UpgradeTests {
  struct Named: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let version: AgentVersion
  }

  /// Agents that are older than ours: originals, what lies between, and ours without one call each.
  static let agents: [Named] = {
    var between = AgentVersion.original
    between.methods.formUnion([.hello, .wait])
    between.takesOneCallAtATime = false
    return [
      Named(testDescription: "ours", version: .current),
      Named(testDescription: "original", version: .original),
      Named(testDescription: "original before SyncList", version: .original.without(.list)),
      Named(testDescription: "original with Hello and Wait", version: between),
    ]
      + Method.allCases.map { method in
        Named(
          testDescription: "without \(String(decoding: method.path, as: UTF8.self))",
          version: .current.without(method))
      }
  }()

  @Test(arguments: agents, UpgradeRow.original)
  func commandsOfTheOriginalWorkEverywhere(_ agent: Named, _ row: UpgradeRow) async throws {
    try await row.check(at: try await OtherAgent(agent.version), agent.version)
  }

  @Test(arguments: agents, UpgradeRow.ours)
  func othersAreRefusedWhereTheyAreUnknown(_ agent: Named, _ row: UpgradeRow) async throws {
    try await row.check(at: try await OtherAgent(agent.version), agent.version)
  }
}
