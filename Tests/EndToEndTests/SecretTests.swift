import Foundation
import SyncTestKit
import Testing

/// What both sides know each other by over TCP is shown to nobody else.
@Suite(.serialized) struct SecretTests {
  @Test func secretsAreInNoLogAndNoArgument() async throws {
    let agent = try await TestAgent(transport: "tcp", flags: ["--log-level", "debug"])
    let secrets = try String(
      contentsOfFile: agent.folder.file("tcp-latest"), encoding: .utf8
    ).split(separator: "\n").dropFirst().map { $0.split(separator: " ")[1] }
    #expect(secrets.count == 2)
    #expect(Set(secrets).count == 2)
    for secret in secrets { #expect(secret.count == 64) }
    _ = try await agent.sync("want", "a", "b")
    let waiting = try agent.start(["start", "a", "-v"])
    await waiting.waitForOutput("\n")
    var texts = [agent.process.processID, waiting.processID].flatMap { id in
      ["cmdline", "environ"].map {
        (try? String(contentsOfFile: "/proc/\(id)/\($0)", encoding: .ascii)) ?? ""
      }
    }
    #expect(texts.allSatisfy { !$0.isEmpty })
    waiting.send(SIGTERM)
    texts.append(await waiting.end().error)
    texts.append(await agent.stop().error)
    for secret in secrets { for text in texts { #expect(!text.contains(secret)) } }
  }

  static let wrongFiles: [(change: @Sendable ([String]) -> [String], status: Int32)] = [
    ({ [$0[0], wrong("client"), $0[2]] }, 77), ({ [$0[0], $0[1], wrong("agent")] }, 77),
    ({ [$0[0], "client " + $0[2].dropFirst(6), "agent " + $0[1].dropFirst(7)] }, 77),
    ({ [$0[0], $0[1] + "0", $0[2]] }, 69),
    ({ [$0[0] + "0", $0[1], $0[2]] }, 69), ({ ["address 127.0.0.1:1", $0[1], $0[2]] }, 69),
    ({ [$0[0], $0[1]] }, 69),
  ]

  private static func wrong(_ side: String) -> String {
    side + " " + String(repeating: "5ec12e7", count: 10).prefix(64)
  }

  /// Nor by a command line whose file is wrong, or by the agent that it shows wrong secrets to.
  @Test func wrongSecretsAreInNoError() async throws {
    let agent = try await TestAgent(transport: "tcp", flags: ["--log-level", "debug"])
    let file = agent.folder.file("tcp-latest")
    let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
      .map(String.init)
    var texts: [String] = []
    for (change, status) in Self.wrongFiles {
      let changed = change(lines).map { $0 + "\n" }.joined()
      try Data(changed.utf8).write(to: URL(fileURLWithPath: file))
      for command in [["ping", "-v"], ["dial-stdio"]] {
        let result = try await agent.start(command).end()
        #expect(result.status == status, "\(command): \(result)")
        texts += [result.output, result.error]
      }
    }
    texts.append(await agent.stop().error)
    // Not even the beginning of one.
    for line in lines[1...2] + [Self.wrong("client")] {
      let beginning = line.split(separator: " ")[1].prefix(12)
      for text in texts { #expect(!text.contains(beginning)) }
    }
  }
}
