package import SyncRPC
import SyncUnits

extension Step {
  /// Makes the call over a connection, and returns what has come of it. Taking calls back and leaving are
  /// no calls.
  package func perform(on manager: RemoteUnitManager) async -> Answer {
    do {
      switch self {
      case .want(let unit, let dependencies, let requirement, false):
        try await manager.want(unit, dependsOn: dependencies, requirement)
      case .want(let unit, let dependencies, let requirement, true):
        try await manager.want(unit, dependsOn: dependencies, requirement, isLeased: true)
      case .start(let start) where start.isOriginal: try await manager.start(start.unit)
      case .start(let start):
        var options = StartOptions()
        options.keepsPendingOnFailure = start.keepsPending
        options.locks = start.locks.sorted()
        return .generation(
          try await manager.start(
            start.unit, options, tie: start.isLeased ? .lease(process: 0) : .none))
      case .finish(let unit, let end, let generation):
        try await manager.finish(unit, as: end.outcome, generation: generation)
      case .markHealthy(let unit): try await manager.markHealthy(unit, generation: nil)
      case .reset(let unit, let cascade): try await manager.reset(unit, cascade: cascade)
      case .wait(let goal): try await manager.wait(for: goal)
      case .cancel, .leave: break
      }
      return .done
    } catch let error as UnitError {
      return .failed(error.code)
    } catch {
      return .cancelled
    }
  }
}

extension Step.End {
  fileprivate var outcome: Outcome {
    switch self {
    case .complete: .completed
    case .fail: .failed(Ending("on purpose"))
    case .skip: .skipped(Ending("on purpose"))
    }
  }
}
