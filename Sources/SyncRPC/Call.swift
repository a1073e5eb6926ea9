package import SyncUnits
internal import SyncWire

/// A request, out of the protocol's words.
package enum Call: Equatable, Sendable {
  // In the words of the original.
  case ping
  case start(UnitID)
  case complete(UnitID)
  case isReady(UnitID)
  case status(UnitID)
  case list

  // In either.
  case want(UnitID, dependsOn: [UnitID], Requirement, isLeased: Bool)

  // In ours.
  case hello
  case wait(WaitGoal)
  case startWith(StartCall)
  case finish(UnitID, Outcome, generation: UInt64?)
  case markHealthy(UnitID, generation: UInt64?)
  case reset(UnitID, cascade: Bool)
  case details(UnitID)
  case detailedList(after: String)
  case why(UnitID)
}

/// The request of Start.
package struct StartCall: Equatable, Sendable {
  /// What makes the unit fail if nobody finishes it.
  package enum Tie: Equatable, Sendable {
    case none
    /// The end of the connection; the process is the command that does the work.
    case lease(process: Int32)
    /// The end of this process.
    case hold(process: Int32)
  }

  package let unit: UnitID
  package let options: StartOptions
  package let tie: Tie

  package init(_ unit: UnitID, _ options: StartOptions, _ tie: Tie) {
    self.unit = unit
    self.options = options
    self.tie = tie
  }
}

/// What is answered to a ``Call``.
package enum Reply: Equatable, Sendable {
  case done
  case ready(Bool)
  case status(UnitReport, of: UnitID)
  case list([UnitSummary])
  case hello
  case generation(UInt64)
  case details(UnitReport, of: UnitID)
  case detailedList([UnitSummary], after: String)
  case why(Explanation)
}

extension Call {
  init(_ method: Method, decoding data: RawSpan) throws(ProtobufError) {
    switch method {
    case .ping:
      _ = try EmptyMessage(decoding: data)
      self = .ping
    case .want:
      let request = try WantRequest(decoding: data)
      self = .want(
        UnitID(request.unit), dependsOn: [UnitID(request.dependsOn)], .success, isLeased: false)
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
    case .wantAll:
      let request = try UnitSync.WantRequest(decoding: data)
      self = .want(
        UnitID(request.unit), dependsOn: request.dependsOn.map { UnitID($0) },
        Requirement(
          try Requirement.Condition(number: request.condition), isOptional: request.isOptional),
        isLeased: request.lease)
    case .wait: self = .wait(try UnitSync.WaitRequest(decoding: data).waitGoal())
    case .startWith: self = .startWith(StartCall(try UnitSync.StartRequest(decoding: data)))
    case .finish:
      let request = try UnitSync.FinishRequest(decoding: data)
      self = .finish(
        UnitID(request.unit), try request.unitOutcome(),
        generation: request.generation == 0 ? nil : request.generation)
    case .markHealthy:
      let request = try UnitSync.MarkHealthyRequest(decoding: data)
      self = .markHealthy(
        UnitID(request.unit), generation: request.generation == 0 ? nil : request.generation)
    case .reset:
      let request = try UnitSync.ResetRequest(decoding: data)
      self = .reset(UnitID(request.unit), cascade: request.cascade)
    case .details: self = .details(try Self.unit(data))
    case .detailedList:
      self = .detailedList(after: try UnitSync.ListRequest(decoding: data).after)
    case .why: self = .why(try Self.unit(data))
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
    case .wait(let goal): if try !manager.hasReached(goal) { return nil }
    case .startWith: return nil
    case .want(let unit, let dependencies, let requirement, let isLeased):
      if isLeased { return nil }
      try manager.want(unit, dependsOn: dependencies, requirement)
    case .start(let unit): try manager.start(unit)
    case .complete(let unit): try manager.complete(unit)
    case .finish(let unit, let outcome, let generation):
      try manager.finish(unit, as: outcome, generation: generation)
    case .markHealthy(let unit, let generation):
      try manager.markHealthy(unit, generation: generation)
    case .reset(let unit, let cascade): try manager.reset(unit, cascade: cascade)
    case .isReady(let unit): return .ready(try manager.isReady(unit))
    case .status(let unit): return .status(try manager.status(of: unit), of: unit)
    case .list: return .list(manager.list())
    case .details(let unit): return .details(try manager.status(of: unit), of: unit)
    case .detailedList(let name): return .detailedList(manager.list(), after: name)
    case .why(let unit): return .why(try manager.explain(unit))
    }
    return .done
  }

  private static let cannotHold = UnitError(
    .unsupported, "units that are elsewhere cannot be held from here")

  /// Answers when the manager has.
  func answer(from manager: any UnitManager) async throws -> Reply {
    switch self {
    case .ping: break
    case .hello: return .hello
    case .wait(let goal): try await manager.wait(for: goal)
    case .startWith(let call):
      guard call.tie == .none else { throw Self.cannotHold }
      return .generation(try await manager.start(call.unit, call.options))
    case .want(let unit, let dependencies, let requirement, let isLeased):
      if isLeased { throw Self.cannotHold }
      try await manager.want(unit, dependsOn: dependencies, requirement)
    case .start(let unit): try await manager.start(unit)
    case .complete(let unit): try await manager.complete(unit)
    case .finish(let unit, let outcome, let generation):
      try await manager.finish(unit, as: outcome, generation: generation)
    case .markHealthy(let unit, let generation):
      try await manager.markHealthy(unit, generation: generation)
    case .reset(let unit, let cascade): try await manager.reset(unit, cascade: cascade)
    case .isReady(let unit): return .ready(try await manager.isReady(unit))
    case .status(let unit): return .status(try await manager.status(of: unit), of: unit)
    case .list: return .list(try await manager.list())
    case .details(let unit): return .details(try await manager.status(of: unit), of: unit)
    case .detailedList(let name): return .detailedList(try await manager.list(), after: name)
    case .why(let unit): return .why(try await manager.explain(unit))
    }
    return .done
  }
}

extension StartCall {
  init(_ request: UnitSync.StartRequest) {
    var options = StartOptions()
    options.keepsPendingOnFailure = request.keepsPending
    options.locks = request.locks
    let process = Int32(clamping: request.process)
    self.init(
      UnitID(request.unit), options,
      request.hold ? .hold(process: process) : request.lease ? .lease(process: process) : .none)
  }

  var request: UnitSync.StartRequest {
    var request = UnitSync.StartRequest()
    request.unit = unit.name
    request.keepsPending = options.keepsPendingOnFailure
    request.locks = options.locks
    switch tie {
    case .none: break
    case .lease(let process):
      request.lease = true
      request.process = UInt64(clamping: process)
    case .hold(let process):
      request.hold = true
      request.process = UInt64(clamping: process)
    }
    return request
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
    case .generation(let generation):
      { () -> [UInt8] in
        var response = UnitSync.StartResponse()
        response.generation = generation
        return response.encoded
      }()
    case .details(let report, let unit): UnitSync.StatusResponse(report, on: unit).encoded
    case .detailedList(let summaries, let name):
      UnitSync.ListResponse(summaries, after: name).encoded
    case .why(let explanation): UnitSync.WhyResponse(explanation).encoded
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
    func names(_ units: [UnitID]) -> String { units.map(\.name.quoted).joined(separator: " ") }
    return switch self {
    case .ping: "ping"
    case .want(let unit, let dependencies, let requirement, _):
      "want \(names([unit] + dependencies))"
        + (requirement == .success ? "" : " (\(requirement))")
    case .start(let unit): "start \(unit.name.quoted)"
    case .startWith(let call): "start \(call.unit.name.quoted)"
    case .complete(let unit): "complete \(unit.name.quoted)"
    case .finish(let unit, .completed, _): "complete \(unit.name.quoted)"
    case .finish(let unit, .failed(let ending), _): "fail \(unit.name.quoted) (\(ending))"
    case .finish(let unit, .skipped(let ending), _): "skip \(unit.name.quoted) (\(ending))"
    case .markHealthy(let unit, _): "healthy \(unit.name.quoted)"
    case .reset(let unit, let cascade): "reset \(unit.name.quoted)\(cascade ? " --cascade" : "")"
    case .isReady(let unit): "ready \(unit.name.quoted)"
    case .status(let unit), .details(let unit): "status \(unit.name.quoted)"
    case .list, .detailedList: "list"
    case .hello: "hello"
    case .wait(.ready(let unit)): "wait \(unit.name.quoted)"
    case .wait(.units(let units, let condition, let count)):
      "wait for \(condition) of \(count) of \(names(units))"
    case .wait(.allUnits): "wait for all"
    case .why(let unit): "why \(unit.name.quoted)"
    }
  }
}
