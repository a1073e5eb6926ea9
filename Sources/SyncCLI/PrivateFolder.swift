internal import SyncSystem

/// A temporary folder of one agent, with a lock in it as long as the agent lives: so the next one can tell
/// what a killed one has left behind, and removes it.
struct PrivateFolder {
  let path: String
  private let lock: Int32

  private static let prefix = "coder-agent-"
  private static let lockName = "/lock"

  init(in parent: String) throws(SystemError) {
    Self.removeStale(in: parent)
    while true {
      let path = try File.createTemporaryFolder(parent + "/" + Self.prefix)
      if let descriptor = try Self.lock(path) {
        self.path = path
        lock = descriptor
        return
      }
    }
  }

  /// Nil if another agent has taken the folder for stale before it was locked.
  private static func lock(_ path: String) throws(SystemError) -> Int32? {
    var descriptor: Int32?
    do throws(SystemError) {
      let lock = try File.openLockFile(path + lockName)
      descriptor = lock
      if try File.tryLock(lock), try File.statusOfLinkIfPresent(path) != nil { return lock }
      Descriptor.close(lock)
      return nil
    } catch {
      if let descriptor { Descriptor.close(descriptor) }
      // Without a lock in it, nobody would ever remove it.
      try? File.removeFolder(path)
      throw error
    }
  }

  func remove() throws(SystemError) {
    defer { Descriptor.close(lock) }
    try File.removeFolder(path)
  }

  private static func removeStale(in parent: String) {
    for name in (try? File.names(in: parent)) ?? [] where isTemporary(name) {
      let path = parent + "/" + name
      guard let status = try? File.statusOfLink(path), status.kind == .directory,
        status.owner == ThisProcess.userID,
        let descriptor = try? File.openForReading(path + lockName)
      else { continue }
      if (try? File.tryLock(descriptor)) == true { try? File.removeFolder(path) }
      Descriptor.close(descriptor)
    }
  }

  /// Whether the name is one of these, and not that of the folder of endpoint files.
  private static func isTemporary(_ name: String) -> Bool {
    name.hasPrefix(prefix) && name.utf8.count == prefix.utf8.count + 6
      && !name.dropFirst(prefix.count).allSatisfy(\.isNumber)
  }
}
