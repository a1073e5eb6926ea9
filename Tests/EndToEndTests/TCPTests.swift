import Foundation
import StandardPlugins
import SyncPlugin
import SyncRPC
import SyncSystem
import SyncTestKit
import SyncUnits
import SyncWire
import Testing
import WireFixtures

/// TCP, where the kernel does not say who is there.
@Suite(.serialized) struct TCPTests {
  @Test func endpointFilesArePrivateAndGoWithTheAgent() async throws {
    let agent = try await TestAgent(transport: "tcp")
    #expect(agent.folder.files.count == 2)
    for name in agent.folder.files {
      let attributes = try FileManager.default.attributesOfItem(atPath: agent.folder.file(name))
      #expect(attributes[.posixPermissions] as? Int == 0o600)
    }
    _ = await agent.stop()
    #expect(agent.folder.files == [])
  }

  /// Two agents, each with secrets of its own: the latest is the default, both have their ports.
  @Test func eachAgentIsReachedByItsPort() async throws {
    let first = try await TestAgent(transport: "tcp")
    let firstAddress = try address(in: first.folder)
    let second = try await TestAgent(in: first.folder, transport: "tcp")
    let secondAddress = try address(in: first.folder)
    #expect(firstAddress != secondAddress)
    _ = try await second.sync("start", "of-the-second")
    #expect(try await first.sync("list").output.contains("of-the-second"))
    for (address, text) in [(firstAddress, "No units"), (secondAddress, "of-the-second")] {
      let result = try await first.sync("--transport", "tcp:\(address)", "list")
      #expect(result.output.contains(text))
    }
    // The first goes, and the second stays what it is.
    _ = await first.stop()
    #expect(try await second.sync("ping").status == 0)
    _ = await second.stop()
    #expect(second.folder.files == [])
  }

  @Test func aPortThatIsTakenIsRefused() async throws {
    let first = try await TestAgent(transport: "tcp")
    let address = try address(in: first.folder)
    let second = try await CoderProcess.run(
      ["agent", "--transport", "tcp:\(address)"], environment: first.environment)
    #expect(
      second.error == """
        error: address \(address) is not available: address already in use
        hint: without a port, a free one is taken

        """)
    #expect(second.status == 75)
    #expect(try await first.sync("ping").status == 0)
  }

  @Test func whatAKilledAgentLeavesIsSaidAndReplaced() async throws {
    let agent = try await TestAgent(transport: "tcp")
    let address = try address(in: agent.folder)
    agent.process.send(SIGKILL)
    _ = await agent.process.end()
    let refused = try await agent.sync("ping")
    #expect(
      refused.error == """
        error: connect to agent socket: connect to socket: dial tcp \(address): connect: connection refused
        hint: the agent that left its endpoint file there has ended

        """)
    #expect(refused.status == 69)
    let next = try await TestAgent(in: agent.folder, transport: "tcp")
    #expect(try await next.sync("ping").status == 0)
    #expect(agent.folder.files.count == 2)
  }

  /// After a kill -9 somebody else listens at the port, and says yes to everything.
  @Test func anImpostorIsNotBelieved() async throws {
    var hello = HelloResponse()
    hello.token = String(repeating: "00", count: 32)
    let yes = [
      success(hello.encoded), success(), failure("no"),
      failure("protocol error: unknown rpc: \"Hello\""), Array("HTTP/1.1 400\r\n".utf8), [],
    ]
    for answer in yes {
      let folder = try TemporaryFolder()
      let received = ReceivedBytes()
      let impostor = try Impostor { connection in
        _ = connection.readCall()
        connection.send(answer)
        if answer.isEmpty { connection.endOutput() }
        received.set(connection.readUntilEnd())
      }
      let secret = String(repeating: "ab", count: 32)
      let file = "address 127.0.0.1:\(impostor.port)\nclient \(secret)\nagent \(secret)\n"
      try Data(file.utf8).write(to: URL(fileURLWithPath: folder.file("tcp-latest")))
      chmod(folder.file("tcp-latest"), 0o600)
      let result = try await CoderProcess.run(
        ["exp", "sync", "--transport", "tcp", "want", "secret-unit", "b"],
        environment: ["CODER_AGENT_RUNTIME_DIR": folder.path])
      #expect(result.output == "")
      #expect(result.error.hasPrefix("error: connect to agent socket: "), "\(result.error)")
      #expect([69, 76, 77, 1].contains(result.status))
      let sent = String(decoding: await received.value(), as: UTF8.self)
      #expect(sent.contains("Hello"))
      #expect(!sent.contains("secret-unit"))
    }
  }

  static let untrusted: [(mode: UInt32, folder: UInt32, reason: String)] = [
    (0o640, 0o700, "others than its owner have access to it"),
    (0o606, 0o700, "others than its owner have access to it"),
    (0o600, 0o750, "others than its owner have access to it"),
    (0o600, 0o1777, "others than its owner have access to it"),
  ]

  @Test(arguments: untrusted)
  func aFileThatOthersCanReachIsNotUsed(_ mode: UInt32, _ folderMode: UInt32, _ reason: String)
    async throws
  {
    let agent = try await TestAgent(transport: "tcp")
    chmod(agent.folder.file("tcp-latest"), mode)
    chmod(agent.folder.path, folderMode)
    let result = try await agent.sync("ping")
    let path = folderMode == 0o700 ? agent.folder.file("tcp-latest") : agent.folder.path
    #expect(
      result.error == "error: connect to agent socket: \(path) cannot be trusted: \(reason)\n")
    #expect(result.status == 77)
    guard folderMode != 0o700 else { return }
    let second = try await CoderProcess.run(
      ["agent", "--transport", "tcp"], environment: agent.environment)
    #expect(second.error == "error: \(path) cannot be trusted: \(reason)\n")
    #expect(second.status == 77)
  }

  @Test(arguments: ["", "address 127.0.0.1:1\n", "address 8.8.8.8:53\nclient x\nagent y\n"])
  func whatIsNoEndpointFileIsSaid(_ contents: String) async throws {
    let folder = try TemporaryFolder()
    let file = folder.file("tcp-latest")
    try Data(contents.utf8).write(to: URL(fileURLWithPath: file))
    chmod(file, 0o600)
    let result = try await CoderProcess.run(
      ["exp", "sync", "--transport", "tcp", "ping"],
      environment: ["CODER_AGENT_RUNTIME_DIR": folder.path])
    #expect(
      result.error == "error: connect to agent socket: \(file) is not an endpoint file\n")
    #expect(result.status == 69)
  }

  /// What a browser sends, or somebody who guesses: closed before any call.
  @Test(arguments: [
    Array("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".utf8),
    Array("GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n".utf8), [0x16, 3, 1, 2, 0, 1, 0, 1],
    call(.ping), call(.hello), call(.start, UnitRequest(unit: "intruder").encoded),
  ])
  func strangersAreClosed(_ bytes: [UInt8]) async throws {
    let agent = try await TestAgent(transport: "tcp")
    let port = try #require(UInt16(try address(in: agent.folder).split(separator: ":")[1]))
    let received = ReceivedBytes()
    Thread.detachNewThread {
      let address = InternetAddress(host: "127.0.0.1", port: port)!
      guard let socket = try? InternetSocket.open(for: address),
        (try? InternetSocket.connect(socket, to: address)) != nil
      else { return received.set([0]) }
      let connection = RawConnection(socket)
      connection.waitUntilConnected()
      connection.send(bytes)
      received.set(connection.readUntilEnd())
    }
    let answer = await received.value()
    #expect(answer.isEmpty || answer[0] == 0x07, "nothing but an Error")
    #expect(try await agent.sync("list").output == "No units registered\n")
  }

  /// A relay proves itself, and whoever is behind it need not know.
  @Test(arguments: ["poll:10ms", "push"])
  func aRelayLeadsToIt(_ strategy: String) async throws {
    let agent = try await TestAgent(transport: "tcp")
    let relay = ["CODER_AGENT_TRANSPORT": ExecTests.relay("tcp")]
    _ = try await agent.sync("want", "a", "b", environment: relay)
    let waiting = try agent.start(["start", "a", "--wait", strategy], environment: relay)
    await waiting.waitForOutput("\n")
    _ = try await agent.sync("start", "b", environment: relay)
    _ = try await agent.sync("complete", "b", environment: relay)
    #expect(await waiting.end().status == 0)
  }

  private func address(in folder: TemporaryFolder) throws -> String {
    let text = try String(contentsOfFile: folder.file("tcp-latest"), encoding: .utf8)
    return String(text.split(separator: "\n")[0].dropFirst("address ".count))
  }
}

/// Somebody who listens on a TCP port, by default on a free one.
final class Impostor: Sendable {
  let port: UInt16
  private let socket: Int32

  init(port: UInt16 = 0, _ script: @escaping @Sendable (RawConnection) -> Void) throws {
    let address = InternetAddress(host: "127.0.0.1", port: port)!
    socket = try InternetSocket.open(for: address)
    self.port = try InternetSocket.bind(socket, to: address).port
    try Socket.listen(socket)
    let socket = socket
    Thread.detachNewThread {
      RawConnection.waitUntilReadable(socket)
      if let descriptor = try? Socket.accept(socket) { script(RawConnection(descriptor)) }
    }
  }

  deinit { Descriptor.close(socket) }
}

/// Bytes that a thread hands to a test.
final class ReceivedBytes: @unchecked Sendable {
  private let stream = AsyncStream.makeStream(of: [UInt8].self)

  func set(_ bytes: [UInt8]) {
    stream.continuation.yield(bytes)
    stream.continuation.finish()
  }

  func value() async -> [UInt8] {
    for await bytes in stream.stream { return bytes }
    return []
  }
}
