import Foundation
import SyncTestKit
import Testing

/// The agent as a process: its socket, its end, and what it refuses.
@Suite(.serialized) struct AgentTests {
  @Test func isOffUnlessItIsEnabled() async throws {
    for environment in [[:], ["CODER_AGENT_SOCKET_SERVER_ENABLED": "false"]] {
      let result = try await CoderProcess.run(["agent"], environment: environment)
      #expect(
        result.error == """
          error: the agent's socket server is not enabled
          hint: set CODER_AGENT_SOCKET_SERVER_ENABLED=true, or pass --socket-server-enabled

          """)
      #expect(result.status == 78)
    }
  }

  @Test(arguments: ["true", "1"])
  func isEnabledByItsVariable(_ value: String) async throws {
    let folder = try TemporaryFolder()
    let process = try CoderProcess(
      ["agent", "--ready-fd", "1"],
      environment: [
        "CODER_AGENT_SOCKET_SERVER_ENABLED": value,
        "CODER_AGENT_SOCKET_PATH": folder.file("a.sock"),
      ])
    await process.waitForOutput("\n")
    #expect(folder.files == ["a.sock", "a.sock.lock"])
    process.send(SIGTERM)
    #expect(await process.end().status == 0)
  }

  struct BadArguments: Sendable, CustomTestStringConvertible {
    let arguments: [String]
    let error: String
    var environment: [String: String] = [:]
    var testDescription: String { error }
  }

  static let badArguments: [BadArguments] = [
    BadArguments(
      arguments: ["--transport", "udp"],
      error: """
        unknown transport "udp"
        hint: known are: unix[:PATH], tcp[:ADDRESS:PORT], pipe, exec:COMMAND
        """),
    BadArguments(
      arguments: ["--transport", "tcp:192.168.0.1:80"],
      error: """
        192.168.0.1 is not a loopback address: only this machine may connect
        hint: use 127.0.0.1 or [::1]; from elsewhere, use exec: with ssh and dial-stdio
        """),
    BadArguments(
      arguments: ["--transport", "tcp:localhost:80"],
      error: """
        "localhost:80" is not an address and a port
        hint: write it as in tcp:127.0.0.1:4000 or tcp:[::1]:4000; names are not looked up
        """),
    BadArguments(arguments: ["--transport", "exec:cat"], error: "exec has no agent's side"),
    BadArguments(
      arguments: ["--transport", "pipe", "--", "true"],
      error: """
        pipe needs standard input and output for itself
        hint: it cannot be combined with a command, nor with --ready-fd 0 or 1
        """),
    BadArguments(
      arguments: ["--transport", "pipe", "--ready-fd", "1"],
      error: """
        pipe needs standard input and output for itself
        hint: it cannot be combined with a command, nor with --ready-fd 0 or 1
        """),
    BadArguments(
      arguments: ["--wait", "never", "--", "true"],
      error: """
        --wait: unknown waiting strategy "never"
        hint: known are: poll[:INTERVAL], push
        """),
    BadArguments(arguments: ["--"], error: "-- needs a command"),
    BadArguments(arguments: ["--", ""], error: "-- needs a command"),
    BadArguments(
      arguments: ["--transport", "unix:/tmp/x", "--transport", "unix:/tmp/x"],
      error: "unix:/tmp/x is given twice"),
    BadArguments(
      arguments: ["--transport", "pipe:x"], error: "pipe takes nothing behind its name"),
    BadArguments(
      arguments: ["--transport", "unix,tcp"],
      error: """
        unknown transport "unix,tcp"
        hint: known are: unix[:PATH], tcp[:ADDRESS:PORT], pipe, exec:COMMAND; repeat the flag for several
        """),
    BadArguments(
      arguments: ["--socket-path", "/tmp/x", "--log-level", "loud"],
      error: "--log-level: \"loud\" is not a log level: debug, info, warn or error"),
    BadArguments(
      arguments: ["--socket-path", "/tmp/x", "--ready-fd", "77"],
      error: "--ready-fd: \"77\" is not an open descriptor"),
    BadArguments(arguments: ["--socket-path="], error: "--socket-path is empty"),
    BadArguments(
      arguments: [], error: "$CODER_AGENT_SOCKET_SERVER_ENABLED: \"yes\" is not true or false",
      environment: ["CODER_AGENT_SOCKET_SERVER_ENABLED": "yes"]),
    BadArguments(
      arguments: ["--socket-path", "/tmp/x", "now"],
      error: """
        agent takes no arguments but a command behind --
        hint: write it as in: coder agent -- now
        """),
  ]

  @Test(arguments: badArguments)
  func refusesBadArguments(_ bad: BadArguments) async throws {
    let result = try await CoderProcess.run(
      ["agent"] + bad.arguments, environment: bad.environment)
    #expect(result.error == "error: \(bad.error)\n")
    #expect(result.status == 64)
  }

  @Test(arguments: [SIGTERM, SIGINT, SIGHUP])
  func aSignalEndsItCleanly(_ signal: Int32) async throws {
    let agent = try await TestAgent()
    _ = try await agent.sync("want", "a", "b")
    let waiting = try agent.start(["start", "a"])
    await waiting.waitForOutput("\n")
    agent.process.send(signal)
    #expect(await agent.process.end().status == 0)
    #expect(agent.folder.files == [])
    let result = await waiting.end()
    #expect(
      result.error == """
        error: error checking dependencies: sync ready: manager closed: EOF
        hint: the agent has ended, and its units with it

        """)
    #expect(result.status == 69)
  }

  @Test func refusesAPathThatALiveAgentHas() async throws {
    let agent = try await TestAgent()
    let second = try await CoderProcess.run(["agent", "--socket-path", agent.socketPath])
    #expect(
      second.error == """
        error: socket path \(agent.socketPath) is not available
        hint: an agent is running there already: pid \(agent.process.processID), uid \(getuid())

        """)
    #expect(second.status == 75)
    #expect(try await agent.sync("ping").status == 0)
  }

  @Test func takesOverAStaleSocket() async throws {
    let agent = try await TestAgent()
    agent.process.send(SIGKILL)
    _ = await agent.process.end()
    #expect(agent.folder.files == ["agent.sock", "agent.sock.lock"])
    let refused = try await agent.sync("ping")
    #expect(
      refused.error.hasPrefix(
        "error: connect to agent socket: connect to socket: dial unix \(agent.socketPath): connect: connection refused\n"
      ))
    #expect(refused.status == 69)
    let next = try await TestAgent(in: agent.folder)
    #expect(try await next.sync("ping").status == 0)
    _ = await next.stop()
    #expect(agent.folder.files == [])
  }

  @Test(arguments: [
    ("touch", "a regular file"), ("mkdir", "a directory"), ("mkfifo", "a FIFO"),
    ("ln -s /tmp/elsewhere", "a symbolic link"),
  ])
  func leavesForeignFilesAlone(_ command: String, _ kind: String) async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("x.sock")
    _ = try await CoderProcess.run(["-c", "\(command) \(path)"], program: "/bin/sh")
    let result = try await CoderProcess.run(["agent", "--socket-path", path])
    #expect(result.error == "error: socket path \(path) cannot be used: it is \(kind)\n")
    #expect(result.status == 73)
    #expect(folder.files == ["x.sock"])
  }

  @Test(arguments: ["000", "022", "077", "277", "777"])
  func theSocketIsForItsOwnerOnly(_ umask: String) async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("a.sock")
    let process = try CoderProcess(
      [
        "-c", "umask \(umask); exec \"$0\" agent --socket-path \(path) --ready-fd 1",
        CoderProcess.built(),
      ],
      program: "/bin/sh")
    await process.waitForOutput("\n")
    for name in folder.files {
      let mode = try FileManager.default.attributesOfItem(atPath: folder.file(name))[
        .posixPermissions]
      #expect(mode as? Int == 0o600, "\(name)")
    }
    process.send(SIGTERM)
    #expect(await process.end().status == 0)
  }

  @Test func refusesAFolderInWhichOthersMayReplaceFiles() async throws {
    let folder = try TemporaryFolder()
    chmod(folder.path, 0o777)
    let path = folder.file("a.sock")
    let result = try await CoderProcess.run(["agent", "--socket-path", path])
    #expect(
      result.error
        == "error: socket path \(path) cannot be used: others may replace files in the folder \(folder.path): it is not sticky\n"
    )
    #expect(result.status == 73)
    chmod(folder.path, 0o1777)
    let agent = try await TestAgent(in: folder)
    #expect(await agent.stop().status == 0)
  }

  @Test func createsMissingFoldersForItselfAlone() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("deep/er/a.sock")
    let process = try CoderProcess(["agent", "--socket-path", path, "--ready-fd", "1"])
    await process.waitForOutput("\n")
    let mode = try FileManager.default.attributesOfItem(atPath: folder.file("deep/er"))[
      .posixPermissions]
    #expect(mode as? Int == 0o700)
    process.send(SIGTERM)
    _ = await process.end()
  }

  @Test func removesOnlyTheSocketThatIsStillItsOwn() async throws {
    let agent = try await TestAgent()
    try FileManager.default.removeItem(atPath: agent.socketPath)
    try Data("mine".utf8).write(to: URL(fileURLWithPath: agent.socketPath))
    #expect(await agent.stop().status == 0)
    #expect(agent.folder.files == ["agent.sock"])
  }

  /// Otherwise something of its own would be descriptor 2, and get the log.
  @Test func livesWithoutStandardDescriptors() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("a.sock")
    let process = try CoderProcess(
      [
        "-c",
        "exec 3>&1 <&- >&- 2>&-; exec \"$0\" agent --socket-path \(path) --ready-fd 3 --log-level debug",
        CoderProcess.built(),
      ], program: "/bin/sh")
    await process.waitForOutput("\n")
    let result = try await CoderProcess.run(["exp", "sync", "ping", "--socket-path", path])
    #expect(result == ProcessOutput(output: "Success\n", error: "", status: 0))
    for descriptor in 0...2 {
      let link = "/proc/\(process.processID)/fd/\(descriptor)"
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "/dev/null")
    }
    process.send(SIGTERM)
    #expect(await process.end().status == 0)
  }

  @Test func logsOneLineAnEvent() async throws {
    let agent = try await TestAgent(flags: ["--log-format", "json", "--log-level", "debug"])
    _ = try await agent.sync("want", "a\nb", "c")
    await agent.process.waitForError("disconnected")
    let lines = await agent.stop().error.split(separator: "\n")
    struct Line: Decodable {
      let time: String
      let level: String
      let message: String
      let call: String?
    }
    let decoded = try lines.map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
    #expect(
      decoded.map(\.message)
        == ["open files", "listening", "connected", "answered", "disconnected", "ending", "ended"])
    #expect(decoded[3].call == #"want "a\nb" "c""#)
  }

  @Test func tellsTheServiceManager() async throws {
    let folder = try TemporaryFolder()
    let script = """
      import socket, subprocess, sys, os
      s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[2])
      p = subprocess.Popen([sys.argv[1], "agent", "--socket-path", sys.argv[3]],
                           env=dict(os.environ, NOTIFY_SOCKET=sys.argv[2]), stderr=subprocess.DEVNULL)
      print(s.recv(100).decode(), end=""); p.terminate(); sys.exit(p.wait())
      """
    for name in [folder.file("notify"), "@sync-test-\(folder.path.suffix(6))"] {
      let bound = name.hasPrefix("@") ? "'\\0' + sys.argv[2][1:]" : "sys.argv[2]"
      let result = try await CoderProcess.run(
        [
          "python3", "-c",
          script.replacingOccurrences(of: "s.bind(sys.argv[2])", with: "s.bind(\(bound))"),
          CoderProcess.built(), name, folder.file("a.sock"),
        ], program: "/usr/bin/env")
      #expect(result.output == "READY=1\n")
      #expect(result.status == 0)
    }
  }
}
