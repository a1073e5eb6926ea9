import Foundation
import Simulation
import SyncTestKit
import Testing

/// The agent against the reference model.
@Suite struct ModelTests {
  /// Histories that once failed, shrunk; and some that are hard.
  static let kept: [History] = {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("histories.txt")
    guard let text = try? String(contentsOf: file, encoding: .utf8) else { return [] }
    return text.components(separatedBy: "\n\n").compactMap { History($0) }
      .filter { !$0.entries.isEmpty }
  }()

  @Test func keptHistoriesAreThere() { #expect(!Self.kept.isEmpty) }

  @Test(arguments: kept)
  func keptHistoriesAgree(_ history: History) throws { try Trial.check(history) }

  @Test(arguments: 0..<10)
  func randomHistoriesAgree(_ block: Int) throws {
    let count = isSanitized ? 10 : 100
    for seed in block * count..<(block + 1) * count { try Trials.checkHistory(seed: seed) }
  }

  @Test func historiesAreReadAsTheyAreWritten() {
    for seed in 0..<100 as Range<UInt64> {
      let history = History.random(seed: seed)
      #expect(History(history.description) == history)
    }
  }
}
