import Glibc
import SyncSystem

/// Microseconds on a clock that nobody sets.
func microseconds() -> Double { SystemTime.monotonic / .microseconds(1) }

struct Failure: Error, CustomStringConvertible {
  let description: String
}

/// Commands, agents and the small C programs beside this one.
struct Machine {
  /// The command line that is measured.
  let cli: [String]
  /// Where the C programs were built.
  let tools: String
  let folder: String

  func tool(_ name: String) -> String { tools + "/" + name }

  /// Runs a command to its end, its output to /dev/null, and returns the microseconds that it took.
  func time(
    _ arguments: [String], _ variables: [String: String?] = [:], status: Int32 = 0
  ) throws -> Double {
    let null = open("/dev/null", O_WRONLY | O_CLOEXEC)
    defer { close(null) }
    let begin = microseconds()
    let streams = ChildProcess.Streams(output: null, error: status == 0 ? nil : null)
    let child = try ChildProcess(arguments, variables: variables, streams: streams)
    defer { Descriptor.close(child.descriptor) }
    let ending = wait(child)
    let time = microseconds() - begin
    guard ending == .exited(status) else { throw Failure(description: "\(arguments): \(ending)") }
    return time
  }

  /// Runs a command to its end and returns the words that it printed.
  func output(_ arguments: [String]) throws -> [Double] {
    let pipe = try Descriptor.pipe()
    let child = try ChildProcess(arguments, streams: .init(output: pipe.writing))
    Descriptor.close(pipe.writing)
    defer {
      Descriptor.close(pipe.reading)
      Descriptor.close(child.descriptor)
    }
    _ = fcntl(pipe.reading, F_SETFL, 0)
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while case let count = read(pipe.reading, &buffer, buffer.count), count > 0 {
      text += buffer[..<count]
    }
    let ending = wait(child)
    guard ending == .exited(0) else { throw Failure(description: "\(arguments): \(ending)") }
    return String(decoding: text, as: UTF8.self).split { $0 == " " || $0 == "\n" }
      .compactMap { Double($0) }
  }

  func wait(_ child: ChildProcess) -> ProcessEnding {
    while true {
      var entry = pollfd(fd: child.descriptor, events: Int16(POLLIN), revents: 0)
      poll(&entry, 1, -1)
      if let ending = child.reap() { return ending }
    }
  }

  /// Starts a server that prints or writes one line when it listens.
  func startServer(
    _ arguments: [String], readyOn descriptor: Int32 = 1
  ) throws -> (child: ChildProcess, microseconds: Double) {
    let pipe = try Descriptor.pipe()
    let begin = microseconds()
    let child = try ChildProcess(
      arguments, streams: .init(output: pipe.writing), endsWithParent: true)
    Descriptor.close(pipe.writing)
    defer { Descriptor.close(pipe.reading) }
    _ = fcntl(pipe.reading, F_SETFL, 0)
    var byte: UInt8 = 0
    guard read(pipe.reading, &byte, 1) == 1 else {
      throw Failure(description: "\(arguments): did not listen")
    }
    return (child, microseconds() - begin)
  }

  func stop(_ child: ChildProcess) {
    child.send(SIGTERM)
    _ = wait(child)
    Descriptor.close(child.descriptor)
  }

  /// Nanoseconds of processor time, in microseconds: the scheduler's own count.
  static func processorTime(of id: Int32) -> Double {
    (Double(contents("/proc/\(id)/schedstat").split(separator: " ").first ?? "") ?? .nan) / 1_000
  }

  /// What is in memory of a process: all of it (`VmRSS`), or what no file is behind (`RssAnon`).
  static func residentBytes(of id: Int32, _ kind: String = "VmRSS") -> Double {
    let line = contents("/proc/\(id)/status").split(separator: "\n")
      .first { $0.hasPrefix(kind) }
    return
      (line?.split { $0 == " " || $0 == "\t" }.dropFirst().first.flatMap { Double($0) } ?? .nan)
      * 1024
  }

  private static func contents(_ path: String) -> String {
    let descriptor = open(path, O_RDONLY)
    defer { close(descriptor) }
    return (try? File.contents(of: descriptor)) ?? ""
  }
}

/// An agent, with a client of this process beside it.
struct RunningAgent {
  let socketPath: String
  let processID: Int32
}
