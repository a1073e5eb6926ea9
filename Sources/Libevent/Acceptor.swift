internal import SyncPlugin
internal import SyncSystem

/// Accepts connections, and pauses when the process runs out of what they need.
final class Acceptor {
  private let loop: LibeventLoop
  private let socket: Int32
  private let report: @Sendable (ListenerEvent) -> Void
  private let accept: (Int32) -> Void
  private var event: Event?
  private var pause: Registration?
  private var isPausing = false

  /// So many connections are accepted before other descriptors have their turn.
  private static let batch = 64

  init(
    loop: LibeventLoop, socket: Int32, report: @escaping @Sendable (ListenerEvent) -> Void,
    accept: @escaping (Int32) -> Void
  ) {
    self.loop = loop
    self.socket = socket
    self.report = report
    self.accept = accept
    event = Event(base: loop.base, .readable(socket)) { [unowned self] in acceptAll() }
    begin()
  }

  private func begin() {
    do { try event?.add() } catch { backOff(error) }
  }

  func cancel() {
    event?.remove()
    event = nil
    pause?.cancel()
    pause = nil
  }

  private func acceptAll() {
    for _ in 0..<Self.batch {
      do {
        guard let descriptor = try Socket.accept(socket) else { break }
        accept(descriptor)
        if event == nil { return }
      } catch {
        backOff(error)
        return
      }
    }
    if isPausing {
      isPausing = false
      report(.resuming)
    }
  }

  private func backOff(_ error: SystemError) {
    event?.remove()
    pause = loop.schedule(after: ListenerEvent.backOff) { [unowned self] in
      pause = nil
      begin()
    }
    if !isPausing {
      isPausing = true
      report(.pausing(String(describing: error)))
    }
  }
}
