package import SyncUnits
internal import SyncWire

/// A request, out of the protocol's words.
package enum Call: Equatable, Sendable {
  case ping
  case want(UnitID, dependsOn: UnitID)
  case start(UnitID)
  case complete(UnitID)
  case isReady(UnitID)
  case status(UnitID)
  case list
  case hello
  case wait([UnitID])
}

/// What is answered to a ``Call``.
package enum Reply: Equatable, Sendable {
  case done
  case ready(Bool)
  case status(UnitReport, of: UnitID)
  case list([UnitSummary])
  case hello
}

extension Call {
  init(_ method: Method, decoding data: RawSpan) throws(ProtobufError) {
    switch method {
    case .ping:
      _ = try EmptyMessage(decoding: data)
      self = .ping
    case .want:
      let request = try WantRequest(decoding: data)
      self = .want(UnitID(request.unit), dependsOn: UnitID(request.dependsOn))
    case .start: self = .start(try Self.unit(data))
    case .complete: self = .complete(try Self.unit(data))
    case .ready: self = .isReady(try Self.unit(data))
    case .status: self = .status(try Self.unit(data))
    case .list:
      _ = try EmptyMessage(decoding: data)
      self = .list
    case .hello:
      _ = try HelloRequest(decoding: data)
      self = .hello
    case .wait: self = .wait(try WaitRequest(decoding: data).units.map { UnitID($0) })
    }
  }

  private static func unit(_ data: RawSpan) throws(ProtobufError) -> UnitID {
    UnitID(try UnitRequest(decoding: data).unit)
  }

  /// Answers at once; nil if the answer takes its time.
  package func answer(from manager: LocalUnitManager) throws(UnitError) -> Reply? {
    switch self {
    case .ping: break
    case .hello: return .hello
    case .wait(let units):
      for unit in units where try !manager.isReady(unit) { return nil }
    case .want(let unit, let dependency): try manager.want(unit, dependsOn: dependency)
    case .start(let unit): try manager.start(unit)
    case .complete(let unit): try manager.complete(unit)
    case .isReady(let unit): return .ready(try manager.isReady(unit))
    case .status(let unit): return .status(try manager.status(of: unit), of: unit)
    case .list: return .list(manager.list())
    }
    return .done
  }

  /// Answers when the manager has.
  func answer(from manager: any UnitManager) async throws -> Reply {
    switch self {
    case .ping: break
    case .hello: return .hello
    case .wait(let units):
      for unit in units { try await manager.waitUntilReady(unit) }
    case .want(let unit, let dependency): try await manager.want(unit, dependsOn: dependency)
    case .start(let unit): try await manager.start(unit)
    case .complete(let unit): try await manager.complete(unit)
    case .isReady(let unit): return .ready(try await manager.isReady(unit))
    case .status(let unit): return .status(try await manager.status(of: unit), of: unit)
    case .list: return .list(try await manager.list())
    }
    return .done
  }
}

extension Reply {
  /// The answer in the protocol's words; `token` is what the agent proves itself with.
  func encoded(token: String?) -> [UInt8] {
    switch self {
    case .done: []
    case .ready(let ready): ReadyResponse(ready: ready).encoded
    case .status(let report, let unit): StatusResponse(report, on: unit).encoded
    case .list(let summaries): ListResponse(summaries).encoded
    case .hello: HelloResponse.current(token: token ?? "").encoded
    }
  }
}

extension HelloResponse {
  /// What this package answers, with `token` if it has to prove itself.
  static func current(token: String) -> HelloResponse {
    var response = HelloResponse()
    response.version = currentVersion
    response.capabilities = Method.allCases.filter { $0.service == .unitSync }.map(\.rawValue)
    response.limits = .current
    response.token = token
    return response
  }
}

extension Call: CustomStringConvertible {
  /// The call as it appears in logs.
  package var description: String {
    switch self {
    case .ping: "ping"
    case .want(let unit, let dependency): "want \(unit.name.quoted) \(dependency.name.quoted)"
    case .start(let unit): "start \(unit.name.quoted)"
    case .complete(let unit): "complete \(unit.name.quoted)"
    case .isReady(let unit): "ready \(unit.name.quoted)"
    case .status(let unit): "status \(unit.name.quoted)"
    case .list: "list"
    case .hello: "hello"
    case .wait(let units): "wait \(units.map(\.name.quoted).joined(separator: " "))"
    }
  }
}
