package import SyncUnits

// Between the messages of unitsync.proto and the values of SyncUnits.

extension Requirement.Condition {
  private static let numbers: [Self] = [.success, .completion, .started, .healthy]

  package var number: UInt64 { UInt64(Self.numbers.firstIndex(of: self)!) }

  package init(number: UInt64) throws(ProtobufError) {
    // An unknown condition must not be taken for one that is easier to meet.
    guard let condition = Self.numbers.dropFirst(Int(clamping: number)).first else {
      throw .malformed
    }
    self = condition
  }
}

extension UnitSync.WaitRequest {
  package init(_ wanted: WaitGoal) {
    switch wanted {
    case .ready(let unit): units = [unit.name]
    case .units(let units, let condition, let count):
      goal = 1
      self.units = units.map(\.name)
      self.condition = condition.number
      self.count = UInt64(clamping: count)
    case .allUnits: goal = 2
    }
  }

  package func waitGoal() throws(ProtobufError) -> WaitGoal {
    switch goal {
    case 0:
      guard units.count == 1 else { throw .malformed }
      return .ready(UnitID(units[0]))
    case 1:
      return .units(
        units.map { UnitID($0) }, try Requirement.Condition(number: condition),
        count: Int(clamping: count))
    case 2: return .allUnits
    default: throw .malformed
    }
  }
}

extension UnitSync.FinishRequest {
  package init(_ unit: UnitID, _ outcome: Outcome, generation: UInt64?) {
    self.unit = unit.name
    self.generation = generation ?? 0
    switch outcome {
    case .completed: break
    case .failed(let ending): set(1, ending)
    case .skipped(let ending): set(2, ending)
    }
  }

  private mutating func set(_ outcome: UInt64, _ ending: Ending) {
    self.outcome = outcome
    reason = ending.reason
    exitStatus = UInt64(clamping: ending.exitStatus ?? 0)
  }

  package func unitOutcome() throws(ProtobufError) -> Outcome {
    let ending = Ending(reason, exitStatus: exitStatus == 0 ? nil : Int32(clamping: exitStatus))
    switch outcome {
    case 0: return .completed
    case 1: return .failed(ending)
    case 2: return .skipped(ending)
    default: throw .malformed
    }
  }
}

extension UnitSync.UnitState {
  package init(
    _ unit: UnitID, _ status: UnitStatus, isReady: Bool, _ details: UnitDetails?
  ) {
    self.unit = unit.name
    self.status = status.wireName
    self.isReady = isReady
    guard let details else { return }
    generation = details.generation
    isHealthy = details.isHealthy
    isBlocked = details.isBlocked
    reason = details.ending?.reason ?? ""
    exitStatus = UInt64(clamping: details.ending?.exitStatus ?? 0)
    holder = details.holder.map { UnitSync.HolderInfo($0) }
  }

  package var details: UnitDetails {
    let hasEnding = !reason.isEmpty || exitStatus != 0
    let ending = Ending(reason, exitStatus: exitStatus == 0 ? nil : Int32(clamping: exitStatus))
    return UnitDetails(
      generation: generation, isHealthy: isHealthy, isBlocked: isBlocked,
      ending: hasEnding ? ending : nil, holder: holder?.holder)
  }

  package var summary: UnitSummary {
    UnitSummary(
      unit: UnitID(unit), status: UnitStatus(wireName: status), isReady: isReady, details: details)
  }
}

extension UnitSync.HolderInfo {
  fileprivate init(_ holder: Holder) {
    process = UInt64(clamping: holder.processID)
    command = holder.command
    since = holder.since
    isWatched = holder.isWatched
  }

  fileprivate var holder: Holder {
    Holder(
      processID: Int32(clamping: process), command: command, since: since, isWatched: isWatched)
  }
}

extension UnitSync.StatusResponse {
  package init(_ report: UnitReport, on unit: UnitID) {
    self.unit = UnitSync.UnitState(
      unit, report.status, isReady: report.isReady, report.details)
    dependencies = report.dependencies.map { dependency in
      var state = UnitSync.DependencyState()
      state.unit = dependency.unit.name
      state.status = dependency.currentStatus.wireName
      state.isSatisfied = dependency.isSatisfied
      state.condition = dependency.requirement.condition.number
      state.isOptional = dependency.requirement.isOptional
      return state
    }
  }

  package func report() throws(ProtobufError) -> UnitReport {
    let state = unit ?? UnitSync.UnitState()
    var dependencies: [Dependency] = []
    for dependency in self.dependencies {
      dependencies.append(
        Dependency(
          unit: UnitID(dependency.unit), requiredStatus: .completed,
          currentStatus: UnitStatus(wireName: dependency.status),
          isSatisfied: dependency.isSatisfied,
          requirement: Requirement(
            try Requirement.Condition(number: dependency.condition),
            isOptional: dependency.isOptional)))
    }
    return UnitReport(
      status: UnitStatus(wireName: state.status), isReady: state.isReady,
      dependencies: dependencies, details: state.generation == 0 ? nil : state.details)
  }
}

extension UnitSync.ListResponse {
  /// What comes after `name`, as far as it fits into a packet with room to spare.
  package init(_ summaries: [UnitSummary], after name: String) {
    let first = summaries.firstIndex { UnitID(name) < $0.unit } ?? summaries.endIndex
    var bytes = 0
    for summary in summaries[(name.isEmpty ? 0 : first)...] {
      let state = UnitSync.UnitState(
        summary.unit, summary.status, isReady: summary.isReady, summary.details)
      bytes += state.encoded.count + 8
      guard bytes <= Limits.packetBytes / 2 || units.isEmpty else {
        hasMore = true
        break
      }
      units.append(state)
    }
  }
}

extension UnitSync.WhyResponse {
  package init(_ explanation: Explanation) {
    isStalled = explanation.isStalled
    nodes = explanation.nodes.map { node in
      var message = UnitSync.WhyNode()
      message.unit = UnitSync.UnitState(node.unit, node.status, isReady: false, node.details)
      message.depth = UInt64(clamping: node.depth)
      message.condition = node.requirement?.condition.number ?? 0
      message.isOptional = node.requirement?.isOptional ?? false
      message.isLost = node.isLost
      message.isRepeated = node.isRepeated
      message.omitted = UInt64(clamping: node.omitted)
      return message
    }
  }

  package func explanation() throws(ProtobufError) -> Explanation {
    var nodes: [Explanation.Node] = []
    for node in self.nodes {
      let state = node.unit ?? UnitSync.UnitState()
      let requirement = Requirement(
        try Requirement.Condition(number: node.condition), isOptional: node.isOptional)
      nodes.append(
        Explanation.Node(
          depth: Int(clamping: node.depth), unit: UnitID(state.unit),
          status: UnitStatus(wireName: state.status),
          requirement: node.depth == 0 ? nil : requirement, isLost: node.isLost,
          isRepeated: node.isRepeated, details: state.details,
          omitted: Int(clamping: node.omitted)))
    }
    return Explanation(nodes: nodes, isStalled: isStalled)
  }
}
