/// A wait has taken longer than it may.
public struct TimedOut: Error, Sendable {
  /// Creates the error.
  public init() {}
}

extension EventLoop {
  /// Returns when `descriptor` can be written without waiting, as one can that has been connected. May
  /// be called from any thread.
  /// - Throws: ``TimedOut`` after `timeout`, if there is one; `CancellationError`.
  nonisolated(nonsending)
    public func waitUntilWritable(_ descriptor: Int32, timeout: Duration?) async throws
  {
    let wait = DescriptorWait()
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        enqueue { wait.begin(on: self, descriptor, timeout, continuation) }
      }
    } onCancel: {
      enqueue { wait.end(.failure(CancellationError())) }
    }
  }
}

/// One wait for a descriptor.
/// Unchecked: made wherever somebody waits, and touched on the loop's thread only.
private final class DescriptorWait: @unchecked Sendable {
  private var registrations: [Registration] = []
  private var continuation: CheckedContinuation<Void, any Error>?
  private var result: Result<Void, any Error>?

  func begin(
    on loop: any EventLoop, _ descriptor: Int32, _ timeout: Duration?,
    _ continuation: CheckedContinuation<Void, any Error>
  ) {
    if let result { return continuation.resume(with: result) }
    self.continuation = continuation
    registrations.append(loop.whenWritable(descriptor) { [self] in end(.success(())) })
    if let timeout {
      registrations.append(
        loop.schedule(after: timeout) { [self] in end(.failure(TimedOut())) })
    }
  }

  func end(_ result: Result<Void, any Error>) {
    guard self.result == nil else { return }
    self.result = result
    registrations = []
    continuation?.resume(with: result)
  }
}
