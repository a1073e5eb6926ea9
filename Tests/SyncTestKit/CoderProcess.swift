import Foundation
import Synchronization

/// What a process printed and how it ended.
public struct ProcessOutput: Equatable, Sendable {
  /// Standard output, as UTF-8.
  public var output: String
  /// Standard error, as UTF-8.
  public var error: String
  /// The exit status; nil if a signal ended the process.
  public var status: Int32?
  /// The signal that ended the process.
  public var signal: Int32?
}

/// A `coder`, or any other program, as a real process of a test.
///
/// Threading: may be used from anywhere; waiting does not block the threads of other tasks.
public final class CoderProcess: Sendable {
  private struct State {
    var output = Data()
    var error = Data()
    var openStreams = 2
    /// How the process ended, while its output is still being read.
    var pending: ProcessOutput?
    var result: ProcessOutput?
    var waiters:
      [(isMet: @Sendable (String) -> Bool, continuation: CheckedContinuation<Void, Never>)] = []
    var endWaiters: [CheckedContinuation<ProcessOutput, Never>] = []
  }

  private let state = Mutex(State())
  /// The id of the process.
  public let processID: Int32

  /// Where `swift build` put the program of this name: beside the running test bundle.
  public static func built(_ name: String = "coder") -> String {
    let runner =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return URL(fileURLWithPath: runner).deletingLastPathComponent().appendingPathComponent(name)
      .path
  }

  /// Starts `program`. Of this process's environment it gets PATH only, and `environment`.
  public init(
    _ arguments: [String], program: String = built(), environment: [String: String] = [:]
  ) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    process.environment = ["PATH": path].merging(environment) { $1 }
    let output = Pipe()
    let error = Pipe()
    process.standardOutput = output
    process.standardError = error
    process.standardInput = FileHandle.nullDevice
    try process.run()
    processID = process.processIdentifier
    collect(output, isError: false)
    collect(error, isError: true)
    Thread.detachNewThread { [self] in
      process.waitUntilExit()
      ended(process)
    }
  }

  /// Runs a program to its end.
  public static func run(
    _ arguments: [String], program: String = built(), environment: [String: String] = [:]
  ) async throws -> ProcessOutput {
    await (try CoderProcess(arguments, program: program, environment: environment)).end()
  }

  /// Waits for the end of the process.
  public func end() async -> ProcessOutput {
    await withCheckedContinuation { continuation in
      let result = state.withLock { state in
        if state.result == nil { state.endWaiters.append(continuation) }
        return state.result
      }
      if let result { continuation.resume(returning: result) }
    }
  }

  /// Waits until standard output contains `text`, or the process has ended.
  public func waitForOutput(_ text: String) async { await waitForOutput { $0.contains(text) } }

  private func waitForOutput(_ isMet: @escaping @Sendable (String) -> Bool) async {
    await withCheckedContinuation { continuation in
      let isDone = state.withLock { state in
        let text = String(decoding: state.output, as: UTF8.self)
        if isMet(text) || state.openStreams == 0 { return true }
        state.waiters.append((isMet, continuation))
        return false
      }
      if isDone { continuation.resume() }
    }
  }

  /// Sends a signal to the process.
  public func send(_ signal: Int32) { kill(processID, signal) }

  private func collect(_ pipe: Pipe, isError: Bool) {
    let handle = pipe.fileHandleForReading
    Thread.detachNewThread { [self] in
      while true {
        let data = handle.availableData
        let woken = state.withLock { state in
          if data.isEmpty { state.openStreams -= 1 }
          if isError { state.error.append(data) } else { state.output.append(data) }
          let text = String(decoding: state.output, as: UTF8.self)
          let isOver = state.openStreams == 0
          let woken = state.waiters.filter { isOver || $0.isMet(text) }.map(\.continuation)
          state.waiters.removeAll { isOver || $0.isMet(text) }
          return woken
        }
        for waiter in woken { waiter.resume() }
        if data.isEmpty { break }
      }
      try? handle.close()
      finishIfOver()
    }
  }

  private func ended(_ process: Process) {
    state.withLock { state in
      let isSignal = process.terminationReason == .uncaughtSignal
      state.pending = ProcessOutput(
        output: "", error: "", status: isSignal ? nil : process.terminationStatus,
        signal: isSignal ? process.terminationStatus : nil)
    }
    finishIfOver()
  }

  private func finishIfOver() {
    let (result, waiters) = state.withLock { state in
      guard var result = state.pending, state.openStreams == 0, state.result == nil else {
        return (ProcessOutput?.none, [CheckedContinuation<ProcessOutput, Never>]())
      }
      result.output = String(decoding: state.output, as: UTF8.self)
      result.error = String(decoding: state.error, as: UTF8.self)
      state.result = result
      defer { state.endWaiters = [] }
      return (result, state.endWaiters)
    }
    if let result { for waiter in waiters { waiter.resume(returning: result) } }
  }
}
