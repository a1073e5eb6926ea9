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

/// A real agent in a process of its own, with everything that belongs to it in a temporary folder.
///
/// Threading: may be used from anywhere. The agent is killed when nobody holds it any more.
public final class TestAgent: Sendable {
  /// The folder with the agent's socket or endpoint file.
  public let folder: TemporaryFolder
  /// The path of the Unix socket, where it serves one.
  public let socketPath: String
  /// The process.
  public let process: CoderProcess
  /// What has to be in the environment of a script, so that `coder exp sync` in it finds the agent.
  public let environment: [String: String]
  private let program: String

  /// Starts an agent that serves `transport`, `unix` or `tcp`, and returns when it listens.
  ///
  /// `flags` are added to those of `coder agent`, `variables` to the environment of the agent and its
  /// clients, and `program` is what is run as `coder`.
  public init(
    in folder: TemporaryFolder? = nil, transport: String = "unix", flags: [String] = [],
    variables: [String: String] = [:], program: String = CoderProcess.built()
  ) async throws {
    let folder = try folder ?? TemporaryFolder()
    self.folder = folder
    self.program = program
    socketPath = folder.file("agent.sock")
    environment = [
      "CODER_AGENT_TRANSPORT": transport, "CODER_AGENT_SOCKET_PATH": socketPath,
      "CODER_AGENT_RUNTIME_DIR": folder.path,
    ].merging(variables) { $1 }
    process = try CoderProcess(
      ["agent", "--transport", transport, "--ready-fd", "1"] + flags, program: program,
      environment: environment)
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
      ["exp", "sync"] + arguments, program: program,
      environment: self.environment.merging(environment) { $1 })
  }

  /// Starts a script, or any other program, in which `coder` is the tested one, and finds the agent.
  public func run(
    _ script: String, _ arguments: [String] = [], environment: [String: String] = [:]
  ) throws -> CoderProcess {
    try CoderProcess(
      arguments, program: script,
      environment: self.environment.merging(["PATH": try pathWithCoder()]) { $1 }
        .merging(environment) { $1 })
  }

  /// The folders in which programs are looked up, the one with `coder` first.
  private func pathWithCoder() throws -> String {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    guard program.contains("/") else { return path }
    let folder = self.folder.file("bin")
    let manager = FileManager.default
    if !manager.fileExists(atPath: folder) {
      try manager.createDirectory(atPath: folder, withIntermediateDirectories: false)
      try manager.createSymbolicLink(
        atPath: folder + "/coder",
        withDestinationPath: URL(fileURLWithPath: program).standardized.path)
    }
    return folder + ":" + path
  }

  /// Ends the agent with SIGTERM.
  public func stop() async -> ProcessOutput {
    process.send(SIGTERM)
    return await process.end()
  }
}
