import Foundation
import SyncTestKit
import Testing

/// Completion as a shell does it: through the script, with the names of a live agent.
@Suite(.serialized) struct CompletionTests {
  /// Completes the last of `words`, which are as bash has split the line.
  private func complete(
    _ agent: TestAgent, _ words: [String], line: String? = nil
  ) async throws -> [String] {
    let script = #"""
      source <("$0" completion bash)
      COMP_WORDS=(coder "$@") COMP_CWORD=$#
      _coder
      printf '%s\n' "${COMPREPLY[@]}"
      """#
    var environment = ["CODER_AGENT_SOCKET_PATH": agent.socketPath]
    environment["COMP_LINE"] = line
    // `coder` in the words is no program here; the script then takes the one in PATH.
    environment["PATH"] =
      URL(fileURLWithPath: CoderProcess.built()).deletingLastPathComponent().path
      + ":/usr/local/bin:/usr/bin:/bin"
    let result = try await CoderProcess.run(
      ["-c", script, CoderProcess.built()] + words, program: "bash", environment: environment)
    #expect(result.error == "")
    return result.output.split(separator: "\n").map(String.init)
  }

  @Test func unitsComeFromTheLiveAgent() async throws {
    let agent = try await TestAgent()
    for unit in ["git-clone", "git lfs", "db:migrate", "db:load", "bad\tname"] {
      _ = try await agent.sync("start", unit)
    }
    _ = try await agent.sync("start", "--", "-dash")
    let cases: [(words: [String], line: String?, candidates: [String])] = [
      (["exp", "sync", "complete", "git"], nil, ["git\\ lfs", "git-clone"]),
      (["exp", "sync", "want", "git-clone", ""], nil, ["db:load", "db:migrate", "git\\ lfs"]),
      (["exp", "sync", "start", "git\\ l"], nil, ["git\\ lfs"]),
      (["exp", "sync", "start", "\"git l"], nil, ["git lfs"]),
      (["exp", "sync", "start", "db", ":", "m"], "coder exp sync start db:m", ["migrate"]),
      (["exp", "sync", "start", "--", "-"], nil, ["-dash"]),
      (["exp", "sync", "list", "--output", "=", "j"], "coder exp sync list --output=j", ["json"]),
      (["exp", "sync", "list", "--output=j"], nil, ["json"]),
      (["exp", "sync", "li"], nil, ["list"]),
    ]
    for (words, line, candidates) in cases {
      #expect(try await complete(agent, words, line: line) == candidates, "\(words)")
    }
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
