import Foundation
import Libevent
import SyncPlugin
import SyncTestKit
import Synchronization
import TransportUnix

/// A real agent under as much as a few clients can do to it, for a while: those who know what has to come of what
/// they do, commands that are killed, and garbage. Afterwards nothing of it is left.
final class Soak: Sendable {
  /// What the agent holds at one time.
  private struct Sample {
    let residentBytes: Int
    let descriptors: Int
  }

  private let agent: TestAgent
  private let seed: UInt64
  private let isOver = Atomic<Bool>(false)
  private let commands = Atomic<Int>(0)
  private let kills = Atomic<Int>(0)
  private let garbage = Atomic<Int>(0)

  init(seed: UInt64) async throws {
    agent = try await TestAgent()
    self.seed = seed
  }

  func run(seconds: Int) async throws {
    let before = OpenDescriptors(of: agent.process.processID)
    let thread = try LoopThread()
    let transport = try UnixTransport(address: agent.socketPath, environment: [:])
    let clients = (0..<8).map {
      SoakClient("client-\($0)-", to: transport, on: thread.loop, seed: seed + UInt64($0))
    }
    let samples = try await withThrowingTaskGroup(of: [Sample].self) { group in
      defer { isOver.store(true, ordering: .relaxed) }
      for client in clients {
        group.addTask(executorPreference: thread.loop) { [self] in
          try await client.run { !isOver.load(ordering: .relaxed) }
          return []
        }
      }
      for number in 0..<2 { group.addTask { [self] in try await runCommands(number) } }
      group.addTask(executorPreference: thread.loop) { [self] in
        try await sendGarbage(on: thread.loop, to: transport)
      }
      group.addTask { [self] in try await watch(clients, seconds: seconds) }
      var samples: [Sample] = []
      for try await part in group { samples += part }
      return samples
    }
    thread.stop()
    try await check(samples, before)
    print(
      """
      \(seconds) s from seed \(seed): \(clients.map(\.progress).reduce(0, +)) steps as the model says, \
      \(value(commands)) commands, \(value(kills)) of them killed, \(value(garbage)) pieces of garbage
      """)
  }

  private func value(_ counter: borrowing Atomic<Int>) -> Int { counter.load(ordering: .relaxed) }

  // MARK: Checks

  /// Takes a sample each second, and sees to it that everybody gets on.
  private func watch(_ clients: [SoakClient], seconds: Int) async throws -> [Sample] {
    defer { isOver.store(true, ordering: .relaxed) }
    var samples: [Sample] = []
    var last = clients.map(\.progress)
    for second in 1...seconds {
      try await Task.sleep(for: .seconds(1))
      samples.append(sample())
      // What can be said of a long run is said by few of its samples.
      if samples.count > 10_000 {
        samples = samples.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
      }
      if second % 10 == 0 {
        let now = clients.map(\.progress)
        for (client, counts) in zip(clients, zip(last, now)) where counts.0 == counts.1 {
          throw Failure("\(client.prefix): no step within 10 s after step \(counts.1)")
        }
        let rate = (now.reduce(0, +) - last.reduce(0, +)) / 10
        last = now
        let text = "\(second) s: \(rate) steps/s, \(sample().residentBytes >> 10) KiB resident"
        FileHandle.standardError.write(Data((text + "\n").utf8))
      }
    }
    return samples
  }

  private func sample() -> Sample {
    let id = agent.process.processID
    let status = (try? String(contentsOfFile: "/proc/\(id)/status", encoding: .utf8)) ?? ""
    let resident = status.split(separator: "\n").first { $0.hasPrefix("VmRSS") }
      .flatMap { Int($0.split { $0 == " " || $0 == "\t" }[1]) }
    return Sample(
      residentBytes: (resident ?? 0) << 10, descriptors: OpenDescriptors(of: id).count)
  }

  /// Nothing is left of anybody, and the agent has not grown.
  private func check(_ samples: [Sample], _ before: OpenDescriptors) async throws {
    try await before.requireSame()
    let first = samples.prefix((samples.count + 2) / 3).map(\.residentBytes).max() ?? 0
    let last = sample().residentBytes
    guard last <= first + first / 10 + 1 << 20 else {
      throw Failure("the agent has grown from \(first >> 10) to \(last >> 10) KiB")
    }
    let end = await agent.stop()
    guard end.status == 0, end.error.contains("waiters=0") else {
      throw Failure("somebody is left behind, or the end was not clean: \(end)")
    }
    print(
      "resident: \(first >> 10) KiB at most in the first third, \(last >> 10) KiB at the end; "
        + "descriptors: \(before.count) before and after, "
        + "\(samples.map(\.descriptors).max() ?? 0) at most; nobody is left waiting")
  }

  // MARK: Disturbance

  private static let scripts: [[String]] = [
    [
      "run", "noise", "--lock", "noise", "--timeout", "5s", "--wait", "push", "--", "sleep", "0.01",
    ],
    ["start", "noise-that-waits", "--timeout", "200ms", "--wait", "push"],
    ["start", "noise-that-polls", "--timeout", "200ms", "--wait", "poll:10ms"],
    ["want", "noise-that-waits", "never", "noise-that-polls"], ["list"], ["why", "noise"],
    ["status", "noise", "-o", "json"], ["complete", "noise"], ["reset", "noise", "--cascade"],
  ]

  /// Runs commands one after another, and kills every third somewhere on its way.
  private func runCommands(_ number: Int) async throws -> [Sample] {
    var random = SeededRandom(seed: seed &+ UInt64(100 + number))
    while !isOver.load(ordering: .relaxed) {
      let process = try agent.start(Self.scripts.randomElement(using: &random)!)
      commands.add(1, ordering: .relaxed)
      if Int.random(in: 0..<3, using: &random) == 0 {
        try? await Task.sleep(for: .microseconds(Int.random(in: 0..<20_000, using: &random)))
        process.send(SIGKILL)
        kills.add(1, ordering: .relaxed)
      }
      let end = await process.end()
      // Refusals are what may be; what is no agent's, or no answer, is not.
      if let status = end.status, [69, 70, 76].contains(status) {
        throw Failure("a command failed: \(end)")
      }
    }
    return []
  }

  private func sendGarbage(
    on loop: LibeventLoop, to transport: UnixTransport
  ) async throws -> [Sample] {
    var random = SeededRandom(seed: seed &+ 200)
    while !isOver.load(ordering: .relaxed) {
      let connection = try await transport.connect(on: loop, timeout: .seconds(10))
      let count = Int.random(in: 1...5_000, using: &random)
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      connection.send(bytes.span.bytes)
      garbage.add(1, ordering: .relaxed)
      try await loop.clock.sleep(for: .milliseconds(Int.random(in: 0...100, using: &random)))
      connection.abort()
    }
    return []
  }
}
