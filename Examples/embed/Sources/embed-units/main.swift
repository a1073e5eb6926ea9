// The graph alone, in a program of its own: no agent, no socket, and no library but Swift's own.
import SyncUnits

let manager = LocalUnitManager()

/// Each part of a program starts when what it needs is there. The first failure cancels all the others.
try await withThrowingDiscardingTaskGroup { group in
  group.addTask {
    try await manager.withUnit("app", after: ["db", "cache"]) { print("app") }
  }
  group.addTask {
    try await manager.withUnit("db", after: ["disk"]) { print("db") }
  }
  group.addTask {
    try await manager.withUnit("cache", after: ["db"]) { print("cache") }
  }
  group.addTask {
    try await manager.withUnit("disk") { print("disk") }
  }
}
print(manager.list().map { "\($0.unit) \($0.status)" }.joined(separator: ", "))
