import Foundation
import SyncRPC
import SyncTestKit
import SyncWire
import Testing
import WireFixtures

/// Calls of the kernel that fail, return early or lie, in real agents and command lines: see `fault-shim.c`.
@Suite(.serialized, .enabled(if: !isSanitized)) struct FaultTests {
  // MARK: What must change nothing

  /// A diamond, and a run behind it: interrupted, spurious and short calls everywhere are not noticed.
  @Test(arguments: ["unix", "tcp"])
  func interruptedAndShortCallsChangeNothing(_ transport: String) async throws {
    let shim = try await FaultShim()
    for seed in 1...20 {
      let agent = try await TestAgent(
        transport: transport, variables: shim.variables(["FAULT_SEED": "\(seed)"]))
      func expect(
        _ result: ProcessOutput, _ output: String, _ line: SourceLocation = #_sourceLocation
      ) {
        let expected = ProcessOutput(output: output, error: "", status: 0)
        #expect(result == expected, "seed \(seed)", sourceLocation: line)
      }
      for (unit, dependencies) in [("b", ["a"]), ("c", ["a"]), ("d", ["b", "c"])] {
        let list = dependencies.joined(separator: ", ")
        expect(
          try await agent.start(["want", unit] + dependencies).end(),
          "Unit \"\(unit)\" declared dependencies: [\(list)]\n")
      }
      let waits = try ["b", "c", "d"].map { try agent.start(["start", $0, "--wait", "push"]) }
      for wait in waits { await wait.waitForOutput("\n") }
      let run = try agent.start(
        ["run", "e", "--after", "d", "--wait", "push", "--", "echo", "done"])
      expect(try await agent.sync("start", "a"), "Unit \"a\" started with no dependencies\n")
      for (unit, wait, list) in zip3(["a", "b", "c", "d"], [nil] + waits, ["", "a", "a", "b, c"]) {
        if let wait {
          expect(
            await wait.end(),
            """
            Unit "\(unit)" is waiting for dependencies to be satisfied: [\(list)]
            Unit "\(unit)" finished waiting for dependencies: [\(list)]

            """)
        }
        expect(try await agent.sync("complete", unit), "Success\n")
      }
      expect(await run.end(), "done\n")
      let units = ["a", "b", "c", "d", "e"].map { "\($0)     completed  true\n" }
      expect(
        try await agent.sync("list", "-c", "unit,status,ready"),
        "UNIT  STATUS     READY\n" + units.joined())
      let end = await agent.stop()
      #expect(end.status == 0, "seed \(seed)")
      #expect(incidents(in: end.error) == [], "seed \(seed)")
      #expect(agent.folder.files == [], "seed \(seed)")
    }
  }

  /// The lines of a log that tell of something unusual. The last client may not have gone yet when the
  /// agent is told to end.
  private func incidents(in log: String) -> [Substring] {
    log.split(separator: "\n").filter { line in
      ["WARN", "ERROR", "connection closed"].contains(where: line.contains)
        && !line.contains("the agent is ending")
    }
  }

  private func zip3<A, B, C>(_ a: [A], _ b: [B], _ c: [C]) -> [(A, B, C)] {
    zip(a, zip(b, c)).map { ($0, $1.0, $1.1) }
  }

  // MARK: What ends one connection, or one command

  struct Failure: Sendable, CustomTestStringConvertible {
    let call: String
    let number: Int32
    var first = 1
    var count = 1
    /// What the agent's log says about it; nil if there is nothing to say.
    var log: String?
    /// What the command line says; nil if it succeeds.
    var error: String?
    var status: Int32 = 69

    var variables: [String: String] {
      [
        "FAULT_CALL": call, "FAULT_ERRNO": "\(number)", "FAULT_FIRST": "\(first)",
        "FAULT_COUNT": "\(count)",
      ]
    }
    var testDescription: String { "\(call): \(String(cString: strerror(number)))" }
  }

  static let outOf = [
    (EMFILE, "too many open files"), (ENFILE, "too many open files in system"),
    (ENOMEM, "cannot allocate memory"), (ENOBUFS, "no buffer space available"),
  ]

  static let gone = "ping failed: manager closed: EOF"

  static let agentFailures =
    outOf.map {
      Failure(
        call: "accept4", number: $0, count: 3,
        log: "accepting connections pauses reason=\"accept: \($1)\"")
    } + [
      Failure(call: "accept4", number: ECONNABORTED, count: 3),
      // The third descriptor that the agent waits for is its listener, and the fourth its first client.
      Failure(
        call: "epoll_ctl", number: ENOMEM, first: 3,
        log: "accepting connections pauses reason=\"epoll_ctl: cannot allocate memory\""),
      Failure(
        call: "epoll_ctl", number: ENOSPC, first: 4,
        log: "connection closed connection=1 reason=\"epoll_ctl: no space left on device\"",
        error: gone),
      Failure(
        call: "read", number: EIO,
        log: "connection closed connection=1 reason=\"read: input/output error\"", error: gone),
      Failure(call: "read", number: ECONNRESET, error: gone),
      Failure(
        call: "send", number: ENOBUFS,
        log: "connection closed connection=1 reason=\"sendto: no buffer space available\"",
        error: gone),
      Failure(call: "send", number: EPIPE, error: gone),
      Failure(call: "send", number: ECONNRESET, error: gone),
    ]

  /// The agent serves on, says once what happened, and keeps nothing of it.
  @Test(arguments: agentFailures)
  func anErrorInTheAgentEndsOneConnectionAtMost(_ failure: Failure) async throws {
    let shim = try await FaultShim()
    let agent = try await TestAgent(variables: shim.variables(failure.variables))
    let descriptors = OpenDescriptors(of: agent.process.processID)
    let unharmed = ["LD_PRELOAD": ""]
    let first = try await agent.sync("ping", environment: unharmed)
    #expect(first.error == (failure.error.map { "error: \($0)\n" } ?? ""))
    #expect(first.status == (failure.error == nil ? 0 : failure.status))
    for _ in 0..<3 {
      #expect(try await agent.sync("ping", environment: unharmed).output == "Success\n")
    }
    try await descriptors.requireSame()
    let end = await agent.stop()
    #expect(end.status == 0)
    let lines = incidents(in: end.error)
    #expect(lines.count == (failure.log == nil ? 0 : 1), "\(lines)")
    if let log = failure.log { #expect(lines.first?.hasSuffix(log) == true, "\(lines)") }
  }

  static let clientFailures = [
    Failure(
      call: "socket", number: ENFILE,
      error:
        "connect to agent socket: connect to socket: dial unix PATH: socket: too many open files in system"
    ),
    Failure(
      call: "connect", number: ENOMEM,
      error:
        "connect to agent socket: connect to socket: dial unix PATH: connect: cannot allocate memory"
    ),
    Failure(
      call: "epoll_ctl", number: ENOMEM,
      error:
        "connect to agent socket: cannot create an event loop: epoll_ctl: cannot allocate memory"
    ),
    Failure(
      call: "epoll_ctl", number: ENOMEM, first: 2,
      error: "ping failed: manager closed: epoll_ctl: cannot allocate memory"),
    Failure(call: "send", number: EPIPE, error: gone),
    Failure(call: "send", number: ECONNRESET, error: gone),
    Failure(
      call: "send", number: ENOBUFS,
      error: "ping failed: manager closed: sendto: no buffer space available"),
    Failure(call: "read", number: ECONNRESET, error: gone),
    Failure(
      call: "read", number: EIO, error: "ping failed: manager closed: read: input/output error"),
    Failure(
      call: "write", number: ENOSPC,
      error: "cannot write standard output: write: no space left on device", status: 74),
    Failure(
      call: "write", number: EIO, error: "cannot write standard output: write: input/output error",
      status: 74),
  ]

  @Test func anErrorInTheCommandLineIsSaidInOneLine() async throws {
    let shim = try await FaultShim()
    let agent = try await TestAgent()
    let descriptors = OpenDescriptors(of: agent.process.processID)
    for failure in Self.clientFailures {
      let result = try await agent.sync("ping", environment: shim.variables(failure.variables))
      let error = failure.error!.replacingOccurrences(of: "PATH", with: agent.socketPath)
      #expect(result.error == "error: \(error)\n", "\(failure.testDescription)")
      #expect(result.output == "")
      #expect(result.status == failure.status, "\(failure.testDescription)")
    }
    #expect(try await agent.sync("ping").output == "Success\n")
    try await descriptors.requireSame()
  }

  // MARK: Files

  /// Each creation and each write of a file, one after another: the agent serves without what it can do
  /// without, or refuses and leaves nothing.
  @Test(arguments: ["unix", "tcp"], [ENOSPC, EDQUOT])
  func anAgentThatCannotWriteAFileLeavesNone(_ transport: String, _ number: Int32) async throws {
    let shim = try await FaultShim()
    var refusals = 0
    for first in 1...12 {
      let folder = try TemporaryFolder()
      let deep = folder.file("deep")
      let process = try CoderProcess(
        ["agent", "--transport", transport, "--ready-fd", "1", "--log-level", "error"],
        environment: shim.variables([
          "FAULT_CALL": "file", "FAULT_ERRNO": "\(number)", "FAULT_FIRST": "\(first)",
          "CODER_AGENT_SOCKET_PATH": deep + "/agent.sock", "CODER_AGENT_RUNTIME_DIR": deep,
        ]))
      await process.waitForOutput("\n")
      let isServing = !process.outputSoFar.isEmpty
      process.send(SIGTERM)
      let result = await process.end()
      #expect(
        (try? FileManager.default.contentsOfDirectory(atPath: deep)) ?? [] == [], "\(first)")
      if isServing {
        #expect(result == ProcessOutput(output: "\n", error: "", status: 0))
      } else {
        refusals += 1
        let reason = String(cString: strerror(number)).lowercased()
        #expect(result.error.hasPrefix("error: "))
        #expect(result.error.hasSuffix(": \(reason)\n"), "\(first): \(result.error)")
        #expect(result.error.split(separator: "\n").count == 1, "\(first): \(result.error)")
        #expect(result.status == 73, "\(first): \(result.error)")
      }
    }
    // The folder, the lock and the socket; the folder, and three steps for each of two endpoint files.
    #expect(refusals == (transport == "unix" ? 3 : 7))
  }

  /// What was looked at after every call that could have made a file or changed its mode.
  @Test(arguments: ["unix", "tcp"], ["000", "022", "077", "277"])
  func noFileIsEverOpenToOthers(_ transport: String, _ umask: String) async throws {
    let shim = try await FaultShim()
    let folder = try TemporaryFolder()
    let (deep, modes) = (folder.file("deep"), shim.folder.file("modes-\(transport)-\(umask)"))
    let process = try CoderProcess(
      [
        "-c", "umask \(umask); exec \"$0\" agent --transport \(transport) --ready-fd 1",
        CoderProcess.built(),
      ], program: "/bin/sh",
      environment: shim.variables([
        "FAULT_MODES": modes, "CODER_AGENT_SOCKET_PATH": deep + "/agent.sock",
        "CODER_AGENT_RUNTIME_DIR": deep,
      ]))
    await process.waitForOutput("\n")
    process.send(SIGTERM)
    let end = await process.end()
    #expect(end.status == 0, "\(end.error)")
    let lines = try String(contentsOfFile: modes, encoding: .utf8).split(separator: "\n")
      .map { $0.split(separator: " ") }
    for line in lines {
      let mode = try #require(UInt32(line[2], radix: 8))
      #expect(mode & ~(line[1] == deep ? 0o700 : 0o600) == 0, "\(line)")
    }
    let calls = Set(lines.map { $0[0] })
    #expect(calls.isSuperset(of: transport == "unix" ? ["bind", "chmod", "open"] : ["rename"]))
  }
}
