import Foundation
import SyncRPC
import SyncTestKit
import SyncUnits
import SyncWire
import Testing
import WireFixtures

/// What things cost, counted. The numbers are in `budgets.txt`.
@Suite(.serialized, .enabled(if: !isSanitized)) struct BudgetTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

  private static let budgets: [String: Double] = {
    let text = try? String(
      contentsOf: folder.appendingPathComponent("budgets.txt"), encoding: .utf8)
    var budgets: [String: Double] = [:]
    for line in (text ?? "").split(separator: "\n") where !line.hasPrefix("#") {
      guard let gap = line.range(of: "  ") else { continue }
      budgets[String(line[..<gap.lowerBound])] = Double(
        line[gap.upperBound...].trimmingCharacters(in: .whitespaces))
    }
    return budgets
  }()

  private func expect(_ name: String, _ measured: Double) {
    guard let budget = Self.budgets[name] else {
      Issue.record("budgets.txt has no line for \(name), which is \(measured)")
      return
    }
    #expect(measured <= budget * 1.1, "\(name)")
  }

  private struct Counts {
    var allocations = 0.0
    var calls = 0.0

    init(file: String) throws {
      for line in try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n") {
        let words = line.split(separator: " ")
        if words[0] == "allocations" { allocations = Double(words[1]) ?? .nan }
        if words[0] == "calls" { calls = Double(words[1]) ?? .nan }
      }
    }
  }

  // MARK: The agent

  /// What an agent has counted after so many pings on one connection, `batch` of them at a time.
  private func agent(pings: Int, batch: Int) async throws -> Counts {
    let folder = try TemporaryFolder()
    let counts = folder.file("counts")
    let path = folder.file("agent.sock")
    let process = try CoderProcess(
      ["agent", "--socket-path", path, "--ready-fd", "1", "--log-level", "error"],
      environment: [
        "LD_PRELOAD": try await buildShim("counting-shim.c", in: folder), "COUNTS_FILE": counts,
      ])
    await process.waitForOutput("\n")
    let connection = try RawConnection(to: path)
    var received = 0
    for first in stride(from: 0, to: pings, by: batch) {
      var request: [UInt8] = []
      for index in first..<first + batch {
        // Ids of three bytes, so that all calls have the same length.
        let stream = UInt64(16_384 + index)
        request += call(.ping, stream: stream)
        received += success(stream: stream).count
      }
      connection.send(request)
      guard connection.read(atLeast: received) else { break }
    }
    process.send(SIGTERM)
    #expect(await process.end().status == 0)
    return try Counts(file: counts)
  }

  @Test func aPingCostsTheAgentLittle() async throws {
    let few = try await agent(pings: 100, batch: 1)
    let many = try await agent(pings: 1_100, batch: 1)
    expect("agent: calls of the kernel for one ping", (many.calls - few.calls) / 1_000)
    expect("agent: allocations for one ping", (many.allocations - few.allocations) / 1_000)
    let fewBatches = try await agent(pings: 100, batch: 10)
    let manyBatches = try await agent(pings: 1_100, batch: 10)
    expect(
      "agent: calls of the kernel for ten pings at once",
      (manyBatches.calls - fewBatches.calls) / 100)
  }

  // MARK: The command line

  @Test func aPingCostsTheCommandLineLittle() async throws {
    let agent = try await TestAgent()
    let library = try await buildShim("counting-shim.c", in: agent.folder)
    func counts(_ arguments: [String]) async throws -> Counts {
      let file = agent.folder.file("counts")
      let result = try await CoderProcess.run(
        arguments,
        environment: [
          "LD_PRELOAD": library, "COUNTS_FILE": file, "CODER_AGENT_SOCKET_PATH": agent.socketPath,
        ])
      #expect(result.status == 0)
      return try Counts(file: file)
    }
    // Beyond what it takes to start and to print a line.
    let least = try await counts(["--version"])
    let ping = try await counts(["exp", "sync", "ping"])
    expect("client: calls of the kernel for ping", ping.calls - least.calls)
    expect("client: allocations for ping", ping.allocations - least.allocations)
  }

  @Test func commandsMakeFewRoundTrips() async throws {
    let agent = try await TestAgent(flags: ["--log-level", "debug"])
    let waiting = try agent.start(["start", "waiter", "--wait", "push"])
    _ = await waiting.end()
    let commands: [(String, [String])] = [
      ("ping", ["ping"]), ("want with two dependencies", ["want", "a", "b", "c"]),
      ("start without dependencies", ["start", "b"]), ("complete", ["complete", "b"]),
      ("status", ["status", "a"]), ("list", ["list"]),
    ]
    for (_, command) in commands { _ = try await agent.start(command).end() }
    _ = try await agent.sync("want", "late", "early")
    let late = try agent.start(["start", "late", "--wait", "push"])
    await late.waitForOutput("\n")
    _ = try await agent.sync("start", "early")
    _ = try await agent.sync("complete", "early")
    #expect(await late.end().status == 0)
    let log = await agent.stop().error.split(separator: "\n")
    /// The answers on the connection with this number; connections come one after another.
    func roundTrips(_ connection: Int) -> Double {
      Double(
        log.count {
          $0.contains(" answered connection=\(connection) ")
            || $0.contains(" refused connection=\(connection) ")
        })
    }
    for (index, (name, _)) in commands.enumerated() {
      expect("round trips: \(name)", roundTrips(index + 2))
    }
    expect("round trips: start that waits by push", roundTrips(commands.count + 3))
  }

  // MARK: Waiting

  @Test func aWaitingConnectionTakesLittleMemory() async throws {
    let agent = try await TestAgent(flags: ["--log-level", "error"])
    _ = try await agent.sync("want", "a", "b")
    let count = 500
    let before = try residentBytes(agent.process.processID)
    var connections: [RawConnection] = []
    for _ in 0..<count {
      let connection = try RawConnection(to: agent.socketPath)
      // The ping is answered when the wait is known.
      connection.send(
        call(.wait, UnitSync.WaitRequest(.ready("a")).encoded, stream: 1) + call(.ping, stream: 2))
      #expect(connection.read(atLeast: success(stream: 2).count))
      connections.append(connection)
    }
    let after = try residentBytes(agent.process.processID)
    expect("agent: bytes of a waiting connection", (after - before) / Double(count))
    #expect(connections.count == count)
  }

  /// Without the pages of files, of which the kernel maps as many as it likes.
  private func residentBytes(_ id: Int32) throws -> Double {
    let status = try String(contentsOfFile: "/proc/\(id)/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("RssAnon") })
    let kilobytes = line.split { $0 == " " || $0 == "\t" }[1]
    return try #require(Double(kilobytes)) * 1_024
  }
}
