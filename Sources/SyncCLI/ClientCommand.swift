internal import Libevent
internal import SyncPlugin
internal import SyncRPC
internal import SyncUnits

/// What the commands that talk to an agent share.
struct Client: Sendable {
  /// How long one call may take, unless a command has a limit of its own.
  static let callTimeout: Duration = .seconds(10)

  let manager: RemoteUnitManager
  let loop: LibeventLoop

  var clock: any Clock<Duration> { loop.clock }

  /// Makes a call, or several. When the agent refuses, `prefix` introduces its words, and `hint` may
  /// find out what to do about it.
  func call<R: Sendable>(
    _ prefix: String, hint: @Sendable (UnitError) async -> String? = { _ in nil },
    _ body: @Sendable (RemoteUnitManager) async throws -> R
  ) async throws -> R {
    do {
      return try await body(manager)
    } catch let error as UnitError {
      var failure = CommandFailure(prefix, error)
      if let hint = await hint(error) { failure.hints.append(hint) }
      throw failure
    }
  }
}

extension Invocation {
  /// Runs `body` on a loop, connected to the agent that the command line names.
  func withClient(_ body: @escaping @Sendable (Client) async throws -> Void) throws {
    let transport = try clientTransport()
    try runOnLoop { loop in
      let manager = try await connect(
        to: transport, on: loop, callTimeout: Client.callTimeout)
      do {
        try await body(Client(manager: manager, loop: loop))
      } catch {
        await manager.close()
        throw error
      }
      await manager.close()
    }
  }

  /// As ``withClient(_:)``, within a limit over everything, so that no call has one of its own; when it
  /// passes, `onTimeout` says what was waited for.
  func withClient(
    limit: Duration?,
    onTimeout:
      @escaping @Sendable (RemoteUnitManager?, any Clock<Duration>) async -> CommandFailure,
    _ body: @escaping @Sendable (Client) async throws -> Void
  ) throws {
    let transport = try clientTransport()
    try runOnLoop { loop in
      let connected = Connected()
      do {
        try await withDeadline(limit, clock: loop.clock) {
          let manager = try await connect(to: transport, on: loop, callTimeout: nil)
          await connected.set(manager)
          try await body(Client(manager: manager, loop: loop))
        }
      } catch {
        var failure = error
        if error is DeadlineExceeded { failure = await onTimeout(connected.manager, loop.clock) }
        await connected.manager?.close()
        throw failure
      }
      await connected.manager?.close()
    }
  }

  func runOnLoop(_ body: @escaping @Sendable (LibeventLoop) async throws -> Void) throws {
    do {
      let loop = try LibeventLoop()
      try loop.run { try await body(loop) }
    } catch let error as PluginError {
      throw CommandFailure(Self.connecting, error)
    }
  }

  func connect(
    to transport: any Transport, on loop: LibeventLoop, callTimeout: Duration?
  ) async throws -> RemoteUnitManager {
    debug("connecting to \(transport.endpoint)")
    do {
      return try await RemoteUnitManager(
        connectingTo: transport, on: loop, callTimeout: callTimeout)
    } catch let error as UnitError {
      throw CommandFailure(Self.connecting, error)
    }
  }

  /// What comes before the reason if there is no connection.
  static let connecting = "connect to agent socket: "

  /// The names among the arguments, checked as far as it needs no agent.
  func units(_ names: some Sequence<String>) throws(CommandFailure) -> [UnitID] {
    for name in names where name.utf8.count > Limits.nameBytes {
      throw .usage(
        "unit name is too long: \(name.utf8.count) bytes, at most \(Limits.nameBytes) are allowed")
    }
    return names.map { UnitID($0) }
  }

  /// The only argument of commands that take one unit.
  func onlyUnit() throws(CommandFailure) -> UnitID {
    guard arguments.count == 1 else { throw .usage("exactly one unit name is required") }
    return try units(arguments)[0]
  }
}

/// The connection of a command whose deadline may pass before there is one.
private actor Connected {
  private(set) var manager: RemoteUnitManager?
  func set(_ manager: RemoteUnitManager) { self.manager = manager }
}
