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
      let descriptor = try File.openLockFile(path + Self.lockName)
      // Another agent may have taken it for stale before it was locked.
      if try File.tryLock(descriptor), try File.statusOfLinkIfPresent(path) != nil {
        self.path = path
        lock = descriptor
        return
      }
      Descriptor.close(descriptor)
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
