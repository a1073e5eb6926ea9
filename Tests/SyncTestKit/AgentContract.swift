public import SyncPlugin
import SyncRPC
public import SyncUnits

/// What every agent promises to every client, whatever the transport and the waiting strategy.
public enum AgentContract {
  /// Checks the agent that `transport` leads to, over several connections at a time.
  ///
  /// Called on the thread of `loop`, as a task with that executor. The units that it makes have names
  /// that begin with `prefix`; the agent may have others.
  /// - Throws: ``ContractViolation``; what the manager throws where it should not.
  public static func check(
    _ transport: any Transport, _ strategy: any WaitingStrategy, on loop: any EventLoop,
    prefix: String = "contract-"
  ) async throws {
    let first = try await RemoteUnitManager(connectingTo: transport, on: loop)
    let second = try await RemoteUnitManager(connectingTo: transport, on: loop)
    try await first.ping()
    try await check(first, second, strategy, clock: loop.clock, prefix: prefix)
    await first.close()
    await second.close()
    try await requireError(
      "a closed connection makes no calls", { ($0 as? UnitError)?.code == .unavailable }
    ) { try await first.ping() }
  }

  /// Checks one agent through one connection: for where there is just one.
  public static func check(
    _ manager: any UnitManager, _ strategy: any WaitingStrategy, clock: any Clock<Duration>,
    prefix: String = "contract-"
  ) async throws {
    try await check(manager, manager, strategy, clock: clock, prefix: prefix)
  }

  private static func check(
    _ first: any UnitManager, _ second: any UnitManager, _ strategy: any WaitingStrategy,
    clock: any Clock<Duration>, prefix: String
  ) async throws {
    func unit(_ name: String) -> UnitID { UnitID(prefix + name) }
    let (app, db, disk) = (unit("app"), unit("db"), unit("disk"))

    let unknown = try await first.status(of: app)
    try require(
      unknown.status == .notRegistered && unknown.isReady && unknown.dependencies.isEmpty,
      "a unit that nobody named is not registered, ready and without dependencies")

    try await first.want(app, dependsOn: db)
    try await first.want(app, dependsOn: db)
    try await second.want(app, dependsOn: disk)
    try await first.want(db, dependsOn: disk)
    let report = try await second.status(of: app)
    try require(
      report.status == .pending && !report.isReady
        && report.dependencies.map(\.unit).sorted() == [db, disk].sorted(),
      "dependencies are kept once each, whoever declared them; the report was \(report)")

    try await refusals(first, app, disk, unit("nobody"))

    // Waiting, while the same connection is used for other things.
    async let wait: Void = strategy.waitUntilReady(app, on: first, clock: clock)
    try await first.start(disk)
    try await second.complete(disk)
    try require(try await first.isReady(db), "a unit is ready when its dependencies are complete")
    try require(try await !second.isReady(app), "a unit is not ready before its last dependency is")
    try await second.start(db)
    try await second.complete(db)
    try await wait
    try await first.start(app)
    try require(
      try await second.list().contains { $0.unit == app && $0.status == .started },
      "a unit that was started is listed as started")
    try await requireError(
      "a unit is started once", { ($0 as? UnitError)?.code == .sameStatus }
    ) { try await second.start(app) }
    try await first.complete(app)

    // Beginning anew.
    try await first.start(db)
    try require(try await !second.isReady(app), "who begins anew is waited for anew")
    try await requireError("a cancelled wait ends", { $0 is CancellationError }) {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await strategy.waitUntilReady(app, on: second, clock: clock) }
        group.cancelAll()
        try await group.waitForAll()
      }
    }
    try await first.complete(db)
    try await strategy.waitUntilReady(app, on: first, clock: clock)
  }

  private static func refusals(
    _ manager: any UnitManager, _ app: UnitID, _ disk: UnitID, _ nobody: UnitID
  ) async throws {
    let cases: [(String, UnitError.Code, () async throws -> Void)] = [
      (
        "a unit with open dependencies cannot start", .notReady,
        { try await manager.start(app) }
      ),
      (
        "a dependency that closes a cycle is refused", .cycle,
        { try await manager.want(disk, dependsOn: app) }
      ),
      ("a unit cannot depend on itself", .cycle, { try await manager.want(app, dependsOn: app) }),
      (
        "a unit that nobody registered cannot complete", .notFound,
        { try await manager.complete(nobody) }
      ),
      ("a name is required", .invalidName, { try await manager.start("") }),
      (
        "a name has at most \(Limits.nameBytes) bytes", .invalidName,
        {
          try await manager.start(UnitID(String(repeating: "n", count: Limits.nameBytes + 1)))
        }
      ),
    ]
    for (promise, code, body) in cases {
      try await requireError(
        "\(promise) (\(code))", { ($0 as? UnitError)?.code == code }, body)
    }
    let long = UnitID(String(repeating: "ä", count: Limits.nameBytes / 2))
    try require(
      try await manager.isReady(long), "a name may have \(Limits.nameBytes) bytes of UTF-8")
  }
}
