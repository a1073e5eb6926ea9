import Foundation

/// A folder of its own for one test, gone with this object.
public final class TemporaryFolder: Sendable {
  /// The path of the folder; short, because socket paths are.
  public let path: String

  /// Creates the folder, with mode 0700.
  public init() throws {
    var template = Array("/tmp/sync-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw POSIXError(.EIO) }
    path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of `name` in the folder.
  public func file(_ name: String) -> String { path + "/" + name }

  /// The names of the files in the folder, sorted.
  public var files: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }
}

/// A real agent, on a socket in a temporary folder.
public final class TestAgent: Sendable {
  /// The folder with the socket.
  public let folder: TemporaryFolder
  /// The path of the socket.
  public let socketPath: String
  /// The process.
  public let process: CoderProcess

  /// Starts an agent and returns when it listens.
  public init(in folder: TemporaryFolder? = nil, flags: [String] = []) async throws {
    let folder = try folder ?? TemporaryFolder()
    self.folder = folder
    socketPath = folder.file("agent.sock")
    process = try CoderProcess(
      ["agent", "--socket-path", socketPath, "--ready-fd", "1"] + flags)
    await process.waitForOutput("\n")
  }

  deinit { process.send(SIGKILL) }

  /// Runs `coder exp sync …` against the agent, to its end.
  public func sync(
    _ arguments: String..., environment: [String: String] = [:]
  ) async throws -> ProcessOutput {
    try await start(arguments, environment: environment).end()
  }

  /// Starts `coder exp sync …` against the agent.
  public func start(
    _ arguments: [String], environment: [String: String] = [:]
  ) throws -> CoderProcess {
    try CoderProcess(
      ["exp", "sync"] + arguments,
      environment: ["CODER_AGENT_SOCKET_PATH": socketPath].merging(environment) { $1 })
  }

  /// Ends the agent with SIGTERM.
  public func stop() async -> ProcessOutput {
    process.send(SIGTERM)
    return await process.end()
  }
}
