import Foundation
import SyncTestKit
import Testing

/// Completion as a shell does it: through the script, with the names of a live agent.
@Suite(.serialized) struct CompletionTests {
  private func complete(_ agent: TestAgent, _ words: [String]) async throws -> [String] {
    let script = #"""
      source <("$0" completion bash)
      COMP_WORDS=("$0" "$@") COMP_CWORD=$#
      _coder
      printf '%s\n' "${COMPREPLY[@]}"
      """#
    let result = try await CoderProcess.run(
      ["-c", script, CoderProcess.built()] + words, program: "bash",
      environment: ["CODER_AGENT_SOCKET_PATH": agent.socketPath])
    #expect(result.error == "")
    return result.output.split(separator: "\n").map(String.init)
  }

  @Test func unitsComeFromTheLiveAgent() async throws {
    let agent = try await TestAgent()
    for unit in ["git-clone", "git lfs", "database"] { _ = try await agent.sync("start", unit) }
    #expect(
      try await complete(agent, ["exp", "sync", "complete", "git"]) == ["git\\ lfs", "git-clone"])
    #expect(
      try await complete(agent, ["exp", "sync", "want", "database", ""]) == [
        "git\\ lfs", "git-clone",
      ])
    #expect(try await complete(agent, ["exp", "sync", "li"]) == ["list"])
    agent.process.send(SIGKILL)
    _ = await agent.process.end()
    #expect(try await complete(agent, ["exp", "sync", "complete", "git"]) == [])
  }

  @Test func pathsAreCompletedAsFiles() async throws {
    let agent = try await TestAgent()
    let path = agent.folder.path + "/agent.s"
    let candidates = try await complete(agent, ["exp", "sync", "--socket-path", path])
    #expect(candidates.sorted() == [agent.socketPath, agent.socketPath + ".lock"])
  }

  @Test(arguments: ["zsh", "fish"])
  func otherScriptsAskTheSameProgram(_ shell: String) async throws {
    let script = try await CoderProcess.run(["completion", shell])
    // Where the shell is installed, it also has to accept its script.
    let check = try await CoderProcess.run(
      ["-c", "command -v \(shell) >/dev/null || exit 0; exec \(shell) -n"], program: "sh",
      input: Array(script.output.utf8))
    #expect(check.status == 0, "\(check.error)")
  }
}
