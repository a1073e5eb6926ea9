import Foundation
import SyncTestKit
import SyncWire
import Testing
import WireFixtures

/// Two users on one machine; only root can play both.
@Suite(.serialized, .enabled(if: getuid() == 0)) struct UserTests {
  private func asUser(_ user: Int, _ arguments: [String]) throws -> CoderProcess {
    try CoderProcess(
      ["setpriv", "--reuid=\(user)", "--regid=\(user)", "--clear-groups"] + arguments,
      program: "/usr/bin/env")
  }

  /// A copy of the program that everybody may run, and a folder where everybody may put sockets.
  private func publicFolder() async throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    chmod(folder.path, 0o1777)
    // By another process: a child that inherited our descriptor would make the copy "busy".
    _ = try await CoderProcess.run([CoderProcess.built(), folder.path], program: "cp")
    return folder
  }

  @Test func theSocketOfAnotherUserIsClosedToClients() async throws {
    let folder = try await publicFolder()
    let agent = try await TestAgent(in: folder)
    let client = [folder.file("coder"), "exp", "sync", "ping", "--socket-path", agent.socketPath]
    let result = await (try asUser(65_533, client)).end()
    #expect(
      result.error == """
        error: connect to agent socket: connect to socket: dial unix \(agent.socketPath): connect: permission denied
        hint: the socket belongs to another user; run as that user or as root

        """)
    #expect(result.status == 77)
    // And if somebody opens it to all, the agent itself lets nobody in.
    chmod(agent.socketPath, 0o666)
    let second = await (try asUser(65_533, client)).end()
    #expect(second.error.hasPrefix("error: ping failed: manager closed: "))
    #expect(second.status == 69)
    _ = await agent.stop()
  }

  @Test func anAgentOfAnotherUserIsNotTrusted() async throws {
    let folder = try await publicFolder()
    let path = folder.file("their.sock")
    let agent = try asUser(
      65_534, [folder.file("coder"), "agent", "--socket-path", path, "--ready-fd", "1"])
    await agent.waitForOutput("\n")
    chmod(path, 0o666)
    let ping = [folder.file("coder"), "exp", "sync", "ping"]
    let stranger = await (try asUser(65_533, ping + ["--socket-path", path])).end()
    #expect(
      stranger.error == """
        error: connect to agent socket: connect to socket: dial unix \(path): the agent runs as uid 65534, this is uid 65533
        hint: a client talks to an agent of its own user or of root only

        """)
    #expect(stranger.status == 77)
    // Root may, if it named the path: then it knows whose agent it is.
    let root = try await CoderProcess.run(["exp", "sync", "ping", "--socket-path", path])
    #expect(root.status == 0)
    agent.send(SIGTERM)
    #expect(await agent.end().status == 0)
  }

  @Test func aLockFileOfAnotherUserIsNotUsed() async throws {
    let folder = try await publicFolder()
    let path = folder.file("lock.sock")
    _ = await (try asUser(65_534, ["touch", path + ".lock"])).end()
    let result = try await CoderProcess.run(["agent", "--socket-path", path])
    #expect(
      result.error
        == "error: socket path \(path).lock cannot be used: it belongs to uid 65534\n")
    #expect(result.status == 73)
  }

  /// Over TCP the kernel does not say who is there: what decides is who can read the endpoint file.
  @Test func theEndpointFileOfAnotherUserIsClosed() async throws {
    let folder = try await publicFolder()
    let coder = folder.file("coder")
    func at(_ user: Int, _ runtime: String, _ arguments: [String]) throws -> CoderProcess {
      try asUser(
        user,
        ["env", "CODER_AGENT_TRANSPORT=tcp", "CODER_AGENT_RUNTIME_DIR=\(runtime)", coder]
          + arguments)
    }
    let theirs = folder.file("theirs")
    let agent = try at(
      65_534, theirs, ["agent", "--transport", "tcp", "--ready-fd", "1", "--log-level", "debug"])
    await agent.waitForOutput("\n")
    let ping = ["exp", "sync", "ping"]
    #expect(await (try at(65_534, theirs, ping)).end().output == "Success\n")
    // No access in one direction…
    let stranger = await (try at(65_533, theirs, ping)).end()
    #expect(
      stranger.error
        == "error: connect to agent socket: endpoint file \(theirs)/tcp-latest cannot be read: open: permission denied\n"
    )
    #expect(stranger.status == 77)
    // …also with the port, and without the file…
    let address = try String(contentsOfFile: theirs + "/tcp-latest", encoding: .utf8)
      .split(separator: "\n")[0].dropFirst("address ".count)
    let withPort = await
      (try at(
        65_533, folder.file("mine"), ["exp", "sync", "--transport", "tcp:\(address)", "ping"]))
      .end()
    #expect(withPort.status == 69)
    #expect(withPort.error.contains("no tcp-\(address) in "))
    // …nor in the other: what somebody else wrote is not believed, even if it can be read.
    chmod(theirs, 0o755)
    chmod(theirs + "/tcp-latest", 0o644)
    let lured = await (try at(65_533, theirs, ping)).end()
    #expect(lured.status == 77)
    #expect(lured.error.contains("\(theirs) cannot be trusted: "))
    chmod(theirs, 0o700)
    chmod(theirs + "/tcp-latest", 0o600)
    // Root may, if it named the folder: then it knows whose agent it is.
    let root = try await CoderProcess.run(
      ping,
      environment: ["CODER_AGENT_TRANSPORT": "tcp", "CODER_AGENT_RUNTIME_DIR": theirs])
    #expect(root.output == "Success\n")
    agent.send(SIGTERM)
    #expect(await agent.end().status == 0)
  }

  /// They could make it lead elsewhere at any time.
  @Test func aLinkOfAnotherUserIsNoFolder() async throws {
    let folder = try await publicFolder()
    let link = folder.file("link")
    mkdir(folder.file("own"), 0o700)
    symlink("own", link)
    lchown(link, 65_534, 65_534)
    let result = try await attemptToServe(link + "/a.sock")
    // Some kernels do not even let us follow it.
    let reasons = ["the folder \(link) belongs to uid 65534", "mkdir: permission denied"]
    let texts = reasons.map { "error: socket path \(link)/a.sock cannot be used: \($0)\n" }
    #expect(texts.contains(result.error), "\(result.error)")
    #expect([73, 77].contains(result.status))
  }

  /// The port of an agent that was killed is anybody's: who has it gets a proof that is worth nothing any
  /// more, and hears of no unit.
  @Test func thePortOfAKilledAgentIsNotTrusted() async throws {
    let folder = try await publicFolder()
    let coder = folder.file("coder")
    let runtime = folder.file("runtime")
    let variables = ["CODER_AGENT_TRANSPORT=tcp", "CODER_AGENT_RUNTIME_DIR=\(runtime)"]
    let agent = try asUser(
      65_534, ["env"] + variables + [coder, "agent", "--transport", "tcp", "--ready-fd", "1"])
    await agent.waitForOutput("\n")
    agent.send(SIGKILL)
    _ = await agent.end()
    let file = try String(contentsOfFile: runtime + "/tcp-latest", encoding: .utf8)
    let port = try #require(
      file.split(separator: "\n")[0].split(separator: ":").last.flatMap { UInt16($0) })
    var hello = HelloResponse()
    hello.token = String(repeating: "00", count: 32)
    let answer = success(hello.encoded)
    let bytes = ReceivedBytes()
    let impostor = try Impostor(port: port) { connection in
      _ = connection.readCall()
      connection.send(answer)
      bytes.set(connection.readUntilEnd())
    }
    let client = try asUser(
      65_534, ["env"] + variables + [coder, "exp", "sync", "want", "secret-unit", "b"])
    let result = await client.end()
    #expect(
      result.error
        == "error: connect to agent socket: whoever listens there is not the agent that the endpoint file names\n"
    )
    #expect(result.output == "")
    #expect(result.status == 77)
    let received = await bytes.value()
    withExtendedLifetime(impostor) {}
    var decoder = PacketDecoder()
    var offset = 0
    var kinds: [PacketKind] = []
    while let packet = try decoder.next(in: received.span.bytes, at: &offset) {
      if let kind = packet.kind { kinds.append(kind) }
    }
    // One Hello, and at most the end of it.
    #expect(kinds.prefix(4) == [.invokeMetadata, .invoke, .message, .closeSend])
    #expect(kinds.dropFirst(4).allSatisfy { $0 == .close })
    #expect(String(decoding: received, as: UTF8.self).contains("/unitsync.v1.UnitSync/Hello"))
  }

  @Test func aFolderOfAnotherUserIsNotUsed() async throws {
    let folder = try await publicFolder()
    let theirs = folder.file("theirs")
    _ = await (try asUser(65_534, ["mkdir", "-m", "700", theirs])).end()
    chown(theirs, 65_534, 65_534)
    let result = await
      (try asUser(
        65_533,
        [
          "env", "CODER_AGENT_RUNTIME_DIR=\(theirs)", folder.file("coder"), "agent", "--transport",
          "tcp",
        ]
      )).end()
    #expect(result.error.hasPrefix("error: endpoint folder \(theirs) cannot be used: "))
    #expect(result.status != 0)
  }
}
