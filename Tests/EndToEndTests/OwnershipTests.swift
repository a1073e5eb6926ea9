import Foundation
import SyncTestKit
import Testing

/// Starts an agent, and ends it again if it serves.
func attemptToServe(_ path: String) async throws -> ProcessOutput {
  let process = try CoderProcess([
    "agent", "--socket-path", path, "--ready-fd", "1", "--log-level", "error",
  ])
  await process.waitForOutput("\n")
  process.send(SIGTERM)
  return await process.end()
}

/// What may be where an agent wants to put its files, and where a command line looks for them.
@Suite(.serialized) struct OwnershipTests {
  struct Obstacle: Sendable, CustomTestStringConvertible {
    /// What is done before, in a folder in which `victim` is a file.
    let preparation: String
    /// What the agent says, behind the path of the folder.
    let error: String
    var testDescription: String { preparation }
  }

  private func prepare(_ preparation: String) async throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let result = try await CoderProcess.run(
      ["-c", "cd '\(folder.path)' && umask 077 && echo precious >victim && \(preparation)"],
      program: "/bin/sh")
    #expect(result.status == 0, "\(result.error)")
    return folder
  }

  private func expectUnharmed(_ folder: TemporaryFolder) throws {
    #expect(try String(contentsOfFile: folder.file("victim"), encoding: .utf8) == "precious\n")
  }

  static let obstaclesOfSockets = [
    Obstacle(
      preparation: "mkdir d && ln -s ../victim d/a.sock.lock",
      error: "/d/a.sock.lock cannot be used: it is a symbolic link"),
    Obstacle(
      preparation: "mkdir d && ln victim d/a.sock.lock",
      error: "/d/a.sock.lock cannot be used: it has other names too"),
    Obstacle(
      preparation: "mkdir d && mkfifo d/a.sock.lock",
      error: "/d/a.sock.lock cannot be used: it is a FIFO"),
    Obstacle(
      preparation: "mkdir -p d/a.sock.lock",
      error: "/d/a.sock cannot be used: open: is a directory"),
    Obstacle(
      preparation: "mkdir d && ln victim d/a.sock",
      error: "/d/a.sock cannot be used: it is a regular file"),
    Obstacle(
      preparation: "ln -s nowhere d",
      error: "/d/a.sock cannot be used: stat: no such file or directory"
    ),
    Obstacle(
      preparation: "ln -s victim d",
      error: "/d/a.sock cannot be used: DIR/d is a regular file, not a folder"),
    Obstacle(
      preparation: "ln -s d d",
      error: "/d/a.sock cannot be used: stat: too many levels of symbolic links"),
  ]

  @Test(arguments: obstaclesOfSockets)
  func whatIsInTheWayOfASocketStays(_ obstacle: Obstacle) async throws {
    let folder = try await prepare(obstacle.preparation)
    let before = folder.files
    let result = try await attemptToServe(folder.file("d/a.sock"))
    let error = obstacle.error.replacingOccurrences(of: "DIR", with: folder.path)
    #expect(result.error == "error: socket path \(folder.path)\(error)\n")
    #expect(result.status == 73)
    #expect(folder.files == before)
    try expectUnharmed(folder)
  }

  static let obstaclesOfEndpointFiles = [
    "ln -s ../victim d/tcp-latest", "ln victim d/tcp-latest", "mkfifo d/tcp-latest",
    "ln victim d/tcp-latest.new", "ln -s nowhere d/tcp-latest",
  ]

  /// Its folder is the agent's own: what is there goes, and what it leads to is not touched.
  @Test(arguments: obstaclesOfEndpointFiles)
  func whatIsInTheWayOfAnEndpointFileIsReplaced(_ preparation: String) async throws {
    let folder = try await prepare("mkdir d && \(preparation)")
    let process = try CoderProcess(
      ["agent", "--transport", "tcp", "--ready-fd", "1", "--log-level", "error"],
      environment: ["CODER_AGENT_RUNTIME_DIR": folder.file("d")])
    await process.waitForOutput("\n")
    let ping = try await CoderProcess.run(
      ["exp", "sync", "--transport", "tcp", "ping"],
      environment: ["CODER_AGENT_RUNTIME_DIR": folder.file("d")])
    #expect(ping == ProcessOutput(output: "Success\n", error: "", status: 0))
    process.send(SIGTERM)
    #expect(await process.end().status == 0)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("d")) == [])
    try expectUnharmed(folder)
  }

  static let strangeEndpointFiles: [(preparation: String, error: String, status: Int32)] = [
    (
      "mkdir d && ln -s ../victim d/tcp-latest",
      "endpoint file PATH cannot be read: open: too many levels of symbolic links", 69
    ),
    ("mkdir d && mkfifo d/tcp-latest", "PATH cannot be trusted: it is a FIFO", 77),
    ("mkdir -p d/tcp-latest", "PATH cannot be trusted: it is a directory", 77),
    ("mkdir d && ln victim d/tcp-latest", "PATH is not an endpoint file", 69),
    ("mkdir e && ln -s e d", "endpoint file PATH cannot be read: open: not a directory", 69),
  ]

  @Test(arguments: strangeEndpointFiles)
  func whatIsNoEndpointFileIsNotRead(
    _ preparation: String, _ error: String, _ status: Int32
  ) async throws {
    let folder = try await prepare(preparation)
    let result = try await CoderProcess.run(
      ["exp", "sync", "--transport", "tcp", "ping"],
      environment: ["CODER_AGENT_RUNTIME_DIR": folder.file("d")])
    let text = error.replacingOccurrences(of: "PATH", with: folder.file("d/tcp-latest"))
    #expect(result.error == "error: connect to agent socket: \(text)\n")
    #expect(result.status == status)
  }
}
