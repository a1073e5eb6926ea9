import Foundation
import Libevent
import StandardPlugins
import SyncAgent
import SyncPlugin
import SyncTestKit
import Synchronization
import TransportMemory

@testable import SyncCLI

/// A way from a command line to an agent.
enum Reach: String, CaseIterable, Sendable {
  case unix, tcp, exec, pipe, memory
}

/// A command line that runs.
protocol RunningCommand: Sendable {
  func waitForOutput(_ text: String) async
  func end() async -> ProcessOutput
}

extension CoderProcess: RunningCommand {}

/// An agent of its own, and command lines that reach it.
protocol Site: Sendable {
  /// Starts `coder exp sync …`.
  func begin(_ arguments: [String], environment: [String: String]) throws -> any RunningCommand
}

extension Site {
  func run(_ arguments: String..., environment: [String: String] = [:]) async throws
    -> ProcessOutput
  {
    try await begin(arguments, environment: environment).end()
  }
}

extension Reach {
  func site() async throws -> any Site {
    switch self {
    case .unix: try await TestAgent()
    case .tcp: try await TestAgent(transport: "tcp")
    case .exec: ExecSite(agent: try await TestAgent())
    case .pipe: try await InProcessSite(leadingTo: SharedPipe.self)
    case .memory: try await InProcessSite(leadingTo: MemoryHost.self)
    }
  }
}

extension TestAgent: Site {
  func begin(
    _ arguments: [String], environment: [String: String]
  ) throws -> any RunningCommand { try start(arguments, environment: environment) }
}

/// Each command line runs a relay to the agent.
private struct ExecSite: Site {
  let agent: TestAgent

  func begin(
    _ arguments: [String], environment: [String: String]
  ) throws -> any RunningCommand {
    let relay =
      "exec:'\(CoderProcess.built())' exp sync --socket-path '\(agent.socketPath)' dial-stdio"
    return try CoderProcess(
      ["exp", "sync"] + arguments,
      environment: ["CODER_AGENT_TRANSPORT": relay].merging(environment) { $1 })
  }
}

/// What serves a memory endpoint in this process.
protocol MemoryEndpointHost: Sendable {
  init(serving name: String) async throws
}

/// An agent in this process.
private final class MemoryHost: MemoryEndpointHost {
  private let thread: LoopThread
  private let agent: Agent

  init(serving name: String) async throws {
    thread = try LoopThread()
    agent = Agent(on: thread.loop, log: Log(level: .error))
    try await agent.listen(on: try MemoryTransport(address: name, environment: [:]))
  }

  deinit { thread.stop(after: agent) }
}

extension LoopThread {
  /// Ends the loop, and lets go of what works on it not before that.
  func stop(after object: some Sendable) {
    loop.enqueue {
      self.stop()
      withExtendedLifetime(object) {}
    }
  }
}

/// Command lines in this process, each on a thread of its own, that use a memory endpoint.
private struct InProcessSite: Site {
  let name: String
  let host: any MemoryEndpointHost
  static let lastNumber = Atomic<Int>(0)

  init(leadingTo host: any MemoryEndpointHost.Type) async throws {
    name = "site-\(Self.lastNumber.wrappingAdd(1, ordering: .relaxed).newValue)"
    self.host = try await host.init(serving: name)
  }

  func begin(
    _ arguments: [String], environment: [String: String]
  ) throws -> any RunningCommand {
    let variables = ["CODER_AGENT_TRANSPORT": "memory:\(name)"].merging(environment) { $1 }
    return CommandInProcess(["exp", "sync"] + arguments, variables)
  }
}

/// A command line in this process.
final class CommandInProcess: RunningCommand {
  private struct State {
    var output = ""
    var error = ""
    var status: Int32?
    var waiters:
      [(isOver: @Sendable (State) -> Bool, continuation: CheckedContinuation<Void, Never>)] = []
  }

  private let state = Mutex(State())

  init(_ words: [String], _ variables: [String: String]) {
    Thread.detachNewThread { [self] in
      let console = Console(
        output: { text in self.update { $0.output += text } },
        error: { text in self.update { $0.error += text } })
      let status = Program.status(
        of: words, environment: Environment { variables[$0] },
        catalog: PluginCatalog(
          PluginCatalog.standard.plugins + [.transport(MemoryTransport.self)]),
        console: console)
      update { $0.status = status }
    }
  }

  private func update(_ change: (inout State) -> Void) {
    let woken = state.withLock { state in
      change(&state)
      let now = state
      defer { state.waiters.removeAll { $0.isOver(now) } }
      return state.waiters.filter { $0.isOver(now) }
    }
    for waiter in woken { waiter.continuation.resume() }
  }

  private func wait(_ isOver: @escaping @Sendable (State) -> Bool) async {
    await withCheckedContinuation { continuation in
      let isOverNow = state.withLock { state in
        if isOver(state) { return true }
        state.waiters.append((isOver, continuation))
        return false
      }
      if isOverNow { continuation.resume() }
    }
  }

  func waitForOutput(_ text: String) async {
    await wait { $0.status != nil || $0.output.contains(text) }
  }

  func end() async -> ProcessOutput {
    await wait { $0.status != nil }
    return state.withLock {
      ProcessOutput(output: $0.output, error: $0.error, status: $0.status)
    }
  }
}
