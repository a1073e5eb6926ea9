internal import SyncText
internal import SyncUnits

extension UnitDetails {
  /// What JSON says of a unit beyond the words of the original, where there is something to say.
  var jsonMembers: [(name: String, value: JSON)] {
    var members: [(name: String, value: JSON)] = []
    if generation > 1 { members.append(("generation", .integer(Int(clamping: generation)))) }
    if isHealthy { members.append(("is_healthy", .boolean(true))) }
    if isBlocked { members.append(("is_blocked", .boolean(true))) }
    if let ending {
      members.append(("reason", .string(ending.reason)))
      if let status = ending.exitStatus { members.append(("exit_status", .integer(Int(status)))) }
    }
    if let holder {
      let values: [(name: String, value: JSON)] = [
        ("pid", .integer(Int(holder.processID))), ("command", .string(holder.command)),
        ("since_milliseconds", .integer(Int(clamping: holder.since))),
        ("is_watched", .boolean(holder.isWatched)),
      ]
      members.append(("holder", .object(values)))
    }
    return members
  }
}

extension Requirement {
  /// What the column "required status" says; success is `completed`, as in the original.
  var requiredStatus: String {
    let status = condition == .success ? UnitStatus.completed.wireName : condition.rawValue
    return status + (isOptional ? " (optional)" : "")
  }
}
