import Foundation
import SyncTestKit
import Synchronization
import Testing

/// Many scripts at once, as real processes.
@Suite(.serialized) struct CoordinationTests {
  /// Two hundred scripts with random dependencies, all started at once in random order: each begins
  /// after all that it depends on have ended.
  @Test(arguments: [1, 2])
  func scriptsRunInAValidOrder(seed: UInt64) async throws {
    let count = 200
    var random = SeededRandom(seed: seed)
    let agent = try await TestAgent()
    let events = agent.folder.file("events")
    var dependencies: [[Int]] = []
    for index in 0..<count {
      let most = min(index, 4)
      dependencies.append(
        Array(
          Set(
            (0..<Int.random(in: 0...most, using: &random)).map { _ in
              Int.random(in: 0..<index, using: &random)
            })))
    }
    // Names say nothing about the order.
    let names = (0..<count).shuffled(using: &random).map { "unit-\($0)" }
    let processes = try (0..<count).shuffled(using: &random).map { index in
      let wanted = dependencies[index].map { names[$0] }.joined(separator: " ")
      let want = wanted.isEmpty ? "" : "\"$0\" exp sync want \(names[index]) \(wanted) &&"
      return try CoderProcess(
        [
          "-c",
          """
          \(want) "$0" exp sync start \(names[index]) --wait poll:100ms &&
          echo "begin \(index)" >>\(events) && echo "end \(index)" >>\(events) &&
          "$0" exp sync complete \(names[index])
          """, CoderProcess.built(),
        ], program: "/bin/sh", environment: ["CODER_AGENT_SOCKET_PATH": agent.socketPath])
    }
    for process in processes {
      let result = await process.end()
      #expect(result.status == 0, "\(result.error)")
    }
    let lines = try String(contentsOfFile: events, encoding: .utf8).split(separator: "\n")
    var position: [Substring: Int] = [:]
    for (index, line) in lines.enumerated() { position[line] = index }
    #expect(lines.count == 2 * count)
    for (index, dependencies) in dependencies.enumerated() {
      for dependency in dependencies {
        let begin = try #require(position["begin \(index)"])
        let end = try #require(position["end \(dependency)"])
        #expect(end < begin, "seed \(seed): \(index) began before \(dependency) had ended")
      }
    }
  }

  /// Two agents start on one path at the same time: one of them serves, and nothing is left behind.
  @Test func twoAgentsThatStartTogetherAgree() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("agent.sock")
    for round in 0..<rounds {
      let pair = try (0..<2).map { _ in
        try CoderProcess([
          "agent", "--socket-path", path, "--ready-fd", "1", "--log-level", "error",
        ])
      }
      #expect(await readyCount(of: pair) == 1, "round \(round)")
      for process in pair { process.send(SIGTERM) }
      let results = [await pair[0].end(), await pair[1].end()]
      #expect(Set(results.map(\.status)) == [0, 75], "round \(round): \(results)")
      #expect(folder.files == [], "round \(round)")
    }
  }

  /// What an agent leaves that was killed goes to one of many, and the others say who has it.
  @Test(arguments: ["unix", "tcp"])
  func manyAgentsThatStartAfterAKillAgree(_ transport: String) async throws {
    for round in 0..<5 {
      let killed = try await TestAgent(transport: transport)
      let folder = killed.folder
      var endpoint = "unix:\(killed.socketPath)"
      if transport == "tcp" {
        let file = try String(contentsOfFile: folder.file("tcp-latest"), encoding: .utf8)
        endpoint = "tcp:\(file.split(separator: "\n")[0].dropFirst("address ".count))"
      }
      killed.process.send(SIGKILL)
      _ = await killed.process.end()
      let agents = try (0..<20).map { _ in
        try CoderProcess(
          ["agent", "--transport", endpoint, "--ready-fd", "1", "--log-level", "error"],
          environment: killed.environment)
      }
      #expect(await readyCount(of: agents) == 1, "round \(round)")
      let ping = try await killed.sync("--transport", endpoint, "ping")
      #expect(ping == ProcessOutput(output: "Success\n", error: "", status: 0))
      for agent in agents { agent.send(SIGTERM) }
      var losers = 0
      for agent in agents {
        let result = await agent.end()
        if result == ProcessOutput(output: "\n", error: "", status: 0) { continue }
        losers += 1
        #expect(result.status == 75)
        #expect(result.error.contains(" is not available"), "\(result.error)")
      }
      #expect(losers == 19)
      #expect(folder.files == [], "round \(round)")
    }
  }

  /// How many of them serve; the others end by themselves.
  private func readyCount(of agents: [CoderProcess]) async -> Int {
    var ready = 0
    for agent in agents {
      await agent.waitForOutput("\n")
      if !agent.outputSoFar.isEmpty { ready += 1 }
    }
    return ready
  }

  /// The full thousand is run by the test command; fewer where every process is slow.
  private var rounds: Int { isSanitized ? 100 : 1_000 }
}
