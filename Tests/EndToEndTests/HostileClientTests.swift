import Foundation
import SyncRPC
import SyncTestKit
import SyncWire
import Testing
import WireFixtures

/// Bytes on the socket that are not what they should be; afterwards the agent serves on, with as
/// many descriptors as before.
@Suite(.serialized) struct HostileClientTests {
  private func descriptorCount(of agent: TestAgent) throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/\(agent.process.processID)/fd").count
  }

  /// Lets the agent serve on until it holds no more descriptors than before.
  private func expectDescriptorCount(_ count: Int, of agent: TestAgent) async throws {
    for _ in 0..<100 {
      #expect(try await agent.sync("ping").status == 0)
      if try descriptorCount(of: agent) == count { return }
    }
    #expect(try descriptorCount(of: agent) == count)
  }

  static let closing: [(String, [UInt8])] = [
    ("HTTP", Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8)),
    ("TLS", [0x16, 3, 1]), ("0xff", [UInt8](repeating: 0xff, count: 32)),
    ("Close for a stream never opened", [0x0b, 1, 1, 0]),
    ("1 GiB declared", [0x03, 1, 1, 0x80, 0x80, 0x80, 0x80, 4]),
  ]

  @Test(arguments: closing)
  func theConnectionIsClosedAtOnce(_ name: String, _ bytes: [UInt8]) async throws {
    let agent = try await TestAgent()
    let before = try descriptorCount(of: agent)
    for _ in 0..<50 {
      let connection = try RawConnection(to: agent.socketPath)
      connection.send(bytes)
      #expect(await connection.untilEnd() == [])
    }
    try await expectDescriptorCount(before, of: agent)
  }

  @Test func halfACallIsForgottenWhenItsClientLeaves() async throws {
    let agent = try await TestAgent()
    let before = try descriptorCount(of: agent)
    let whole = call(.ping)
    for count in 0..<whole.count {
      let connection = try RawConnection(to: agent.socketPath)
      connection.send(Array(whole[..<count]))
    }
    try await expectDescriptorCount(before, of: agent)
  }

  @Test func aHalfClosedConnectionGetsItsAnswers() async throws {
    let agent = try await TestAgent()
    let connection = try RawConnection(to: agent.socketPath)
    connection.send(call(.ping) + call(.list, stream: 2))
    connection.endOutput()
    #expect(await connection.untilEnd() == success() + success(stream: 2))
  }

  @Test func startingAUnitThatIsNotReadyIsRefused() async throws {
    let agent = try await TestAgent()
    _ = try await agent.sync("want", "a", "b")
    let connection = try RawConnection(to: agent.socketPath)
    connection.send(call(.start, UnitRequest(unit: "a").encoded))
    connection.endOutput()
    let answer = await connection.untilEnd()
    #expect(answer == failure(#"cannot start unit "a": unit not ready"#))
  }

  /// A client that asks much and reads nothing must not make the agent remember all the answers.
  @Test func whoDoesNotReadIsNotAnswered() async throws {
    let agent = try await TestAgent()
    for index in 0..<40 {
      _ = try await agent.sync("start", "\(index) " + String(repeating: "x", count: 4_000))
    }
    let connection = try RawConnection(to: agent.socketPath)
    let calls = (1...400).flatMap { call(.list, stream: $0) }
    connection.send(calls)
    for _ in 0..<5 { #expect(try await agent.sync("ping").status == 0) }
    let status = try String(
      contentsOfFile: "/proc/\(agent.process.processID)/status", encoding: .utf8)
    let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") }?
      .split(separator: " ").dropFirst().first.flatMap { Int($0) }
    // 400 answers of 160 KB would be 64 MB. The rest is the program, with a sanitizer's shadow.
    if !isSanitized { #expect(try #require(peak) < 60_000) }
    // Whoever reads in the end gets them all.
    connection.endOutput()
    let answers = await connection.untilEnd()
    var decoder = PacketDecoder()
    var offset = 0
    var last: UInt64 = 0
    while let packet = try decoder.next(in: answers.span.bytes, at: &offset) {
      last = packet.stream
    }
    #expect(last == 400)
  }
}
