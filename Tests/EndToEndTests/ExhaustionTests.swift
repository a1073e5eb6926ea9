import Foundation
import SyncRPC
import SyncSystem
import SyncTestKit
import Testing
import WireFixtures

@testable import SyncCLI

/// Too few descriptors, a full disk, and a log that nobody reads.
@Suite(.serialized) struct ExhaustionTests {
  /// Runs `coder` behind shell commands that take things away from it.
  private func start(
    _ deprivation: String, _ arguments: [String], _ environment: [String: String] = [:]
  ) throws -> CoderProcess {
    try CoderProcess(
      ["-c", "\(deprivation); exec \"$0\" \"$@\"", CoderProcess.built()] + arguments,
      program: "/bin/sh", environment: environment)
  }

  // MARK: Descriptors

  static let commands: [(arguments: [String], statuses: Set<Int32?>)] = [
    (["exp", "sync", "ping"], [69]), (["exp", "sync", "want", "a", "b"], [69]),
    (["exp", "sync", "start", "UNIT", "--wait", "push", "--timeout", "20s"], [69]),
    (["exp", "sync", "run", "UNIT", "--", "true"], [125]),
    (["agent", "--transport", "pipe", "--log-level", "error"], [69]),
    (["agent", "--log-level", "error", "--", "true"], [69, 73, 126]),
  ]

  /// From where no more than the libraries can be opened up to where all goes well: either it does, or
  /// one line says why not.
  @Test(.enabled(if: !isSanitized), arguments: commands)
  func aProgramWithFewDescriptorsSaysSo(
    _ arguments: [String], _ statuses: Set<Int32?>
  ) async throws {
    let agent = try await TestAgent()
    var failures = 0
    for limit in 5...20 {
      let arguments = arguments.map { $0 == "UNIT" ? "unit-\(limit)" : $0 }
      let process = try start("ulimit -n \(limit)", arguments, agent.environment)
      let result = await process.end()
      if result.error == "", result.status == 0 { continue }
      failures += 1
      #expect(result.error.hasPrefix("error: "), "\(limit): \(result.error)")
      #expect(result.error.hasSuffix("too many open files\n"), "\(limit): \(result.error)")
      #expect(result.error.split(separator: "\n").count == 1, "\(limit): \(result.error)")
      #expect(statuses.contains(result.status), "\(limit): \(result)")
    }
    #expect(0 < failures && failures < 16)
    #expect(try await agent.sync("ping").status == 0)
  }

  @Test(.enabled(if: !isSanitized), arguments: ["unix", "tcp"])
  func anAgentWithFewDescriptorsServesOrLeavesNothing(_ transport: String) async throws {
    var served = 0
    for limit in 4...16 {
      let folder = try TemporaryFolder()
      let process = try start(
        "ulimit -n \(limit)", ["agent", "--ready-fd", "1", "--log-level", "error"],
        [
          "CODER_AGENT_SOCKET_SERVER_ENABLED": "true", "CODER_AGENT_TRANSPORT": transport,
          "CODER_AGENT_SOCKET_PATH": folder.file("a.sock"),
          "CODER_AGENT_RUNTIME_DIR": folder.path,
        ])
      await process.waitForOutput("\n")
      if !process.outputSoFar.isEmpty { served += 1 }
      process.send(SIGTERM)
      let result = await process.end()
      #expect(folder.files == [], "\(limit)")
      if result.status == 0 { continue }
      #expect(served == 0, "\(limit)")
      #expect(result.error.hasPrefix("error: "), "\(limit): \(result.error)")
      #expect(result.error.hasSuffix("too many open files\n"), "\(limit): \(result.error)")
      #expect(result.error.split(separator: "\n").count == 1, "\(limit): \(result.error)")
      #expect([69, 73].contains(result.status), "\(limit): \(result)")
    }
    #expect(served > 0 && served < 13)
  }

  /// Storms of clients, each larger than what the agent may open.
  @Test func stormsOfClientsAreWaitedOut() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("agent.sock")
    // The agent raises its soft limit to the hard one, so the hard one is set.
    let process = try start(
      "ulimit -n 24", ["agent", "--socket-path", path, "--ready-fd", "1", "--log-level", "info"])
    await process.waitForOutput("\n")
    let old = try RawConnection(to: path)
    var answers = 0
    func pingOnOldConnection() {
      answers += 1
      old.send(call(.ping, stream: UInt64(answers)))
      #expect(old.read(atLeast: answers * success().count))
    }
    pingOnOldConnection()
    let descriptors = OpenDescriptors(of: process.processID)
    let storms = 3
    for storm in 1...storms {
      var connections = try (0..<60).map { _ in try RawConnection(to: path) }
      await process.waitForError("accepting connections pauses", count: storm)
      // Whoever was there before notices nothing.
      pingOnOldConnection()
      connections.removeAll()
      let result = try await CoderProcess.run(["exp", "sync", "ping", "--socket-path", path])
      #expect(result == ProcessOutput(output: "Success\n", error: "", status: 0))
      await process.waitForError("accepting connections again", count: storm)
    }
    try await descriptors.requireSame()
    process.send(SIGTERM)
    let log = await process.end().error.split(separator: "\n")
    #expect(log.count { $0.contains("accepting connections pauses") } <= 3 * storms)
    #expect(log.count { $0.contains("accept: too many open files") } >= storms)
    #expect(log.count <= 6 * storms + 3, "\(log)")
  }

  // MARK: Disk

  @Test func aFolderThatCannotBeLockedIsNotLeftBehind() throws {
    let folder = try TemporaryFolder()
    for call in [SystemCall.open, .flock, .lstat] {
      let error = #expect(throws: SystemError.self) {
        try withSystemCallHook({ $0 == call ? ENOSPC : nil }) {
          _ = try PrivateFolder(in: folder.path)
        }
      }
      #expect(error == SystemError(call, ENOSPC))
      #expect(folder.files == [])
    }
  }

  @Test(arguments: ["info", "debug"])
  func aLogOnAFullDiskHoldsNobodyUp(_ level: String) async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("agent.sock")
    let process = try start(
      "exec 2>/dev/full", ["agent", "--socket-path", path, "--ready-fd", "1", "--log-level", level])
    await process.waitForOutput("\n")
    for index in 0..<5 {
      let result = try await CoderProcess.run([
        "exp", "sync", "start", "unit-\(index)", "--socket-path", path,
      ])
      #expect(result.status == 0)
    }
    process.send(SIGTERM)
    #expect(await process.end().status == 0)
    #expect(folder.files == [])
  }

  /// A pipe that nobody reads takes some lines, and the beginning of one that is longer than it.
  @Test func aLogThatNobodyReadsHoldsNobodyUp() async throws {
    let folder = try TemporaryFolder()
    let (path, pipe) = (folder.file("agent.sock"), folder.file("log"))
    mkfifo(pipe, 0o600)
    let process = try start(
      "exec 2<>'\(pipe)'",
      ["agent", "--socket-path", path, "--ready-fd", "1", "--log-level", "debug"])
    await process.waitForOutput("\n")
    let names = (0..<25).map { "\($0)" + String(repeating: "x", count: 4_000) }
    for _ in 0..<3 {
      let result = try await CoderProcess.run(
        ["exp", "sync", "want", "a"] + names + ["--socket-path", path])
      #expect(result.status == 0)
    }
    let reader = open(pipe, O_RDONLY | O_NONBLOCK)
    defer { close(reader) }
    let before = readAll(reader)
    #expect(before.hasSuffix("xxx"))
    #expect(
      try await CoderProcess.run(["exp", "sync", "ping", "--socket-path", path]).status == 0)
    process.send(SIGTERM)
    #expect(await process.end().status == 0)
    let lines = (before + readAll(reader)).split(separator: "\n")
    #expect(lines.count { $0.contains(" WARN  log lines were lost count=") } == 1)
    #expect(lines.last?.hasSuffix(" INFO  ended") == true)
    // None of them begins in the middle of another.
    for line in lines { #expect(line.matches(of: /\d{4}-\d\d-\d\dT/).count == 1, "\(line)") }
  }

  private func readAll(_ descriptor: Int32) -> String {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      if count <= 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes += buffer[..<count]
    }
  }
}
