internal import SyncPlugin
internal import SyncSystem

/// A bound and listening socket, and the lock that makes its path this process's own.
struct SocketOwnership {
  let socket: Int32
  private let path: String
  private let lock: LockFile
  private let boundFile: FileStatus

  /// Takes `path`, if nobody alive has it.
  init(path: String) throws(PluginError) {
    guard path.utf8.count <= UnixSocket.maximumPathBytes else {
      throw PluginError(
        .invalidArgument,
        "socket path \(path) is too long: \(path.utf8.count) bytes, "
          + "at most \(UnixSocket.maximumPathBytes) are allowed")
    }
    do {
      try self.init(taking: path)
    } catch let error as PluginError {
      throw error
    } catch {
      let isDenied = [Errno.accessDenied, Errno.notPermitted].contains(
        (error as? SystemError)?.errno)
      throw PluginError(
        isDenied ? .permissionDenied : .endpointBlocked,
        "socket path \(path) cannot be used: \(error)")
    }
  }

  private init(taking path: String) throws {
    self.path = path
    try Self.prepareFolder(of: path)
    lock = try LockFile(socketPath: path)
    do {
      try Self.makeWay(at: path)
      (socket, boundFile) = try Self.bind(path)
    } catch {
      lock.release()
      throw error
    }
  }

  /// Removes the socket if it is still the one that was bound, and the lock last.
  func release() {
    if let now = try? File.statusOfLink(path), now.isSameFile(as: boundFile) {
      try? File.remove(path)
    }
    Descriptor.close(socket)
    lock.release()
  }

  /// Whoever may rename things in the folder could put another socket in the place of ours.
  private static func prepareFolder(of path: String) throws {
    guard let folder = File.parent(of: path) else { throw blocked(path, "it is the root folder") }
    try File.createPrivateFolders(folder)
    // Whoever owns a link can make it lead elsewhere at any time.
    let link = try File.statusOfLink(folder)
    guard link.owner == ThisProcess.userID || link.owner == 0 else {
      throw blocked(path, "the folder \(folder) belongs to uid \(link.owner)")
    }
    let status = try File.status(folder)
    guard status.kind == .directory else {
      throw blocked(path, "\(folder) is \(status.kind.rawValue), not a folder")
    }
    guard status.owner == ThisProcess.userID || status.owner == 0 else {
      throw blocked(path, "the folder \(folder) belongs to uid \(status.owner)")
    }
    guard !status.isWritableByOthers || status.isSticky else {
      throw blocked(path, "others may replace files in the folder \(folder): it is not sticky")
    }
  }

  /// Removes a stale socket; with the lock held.
  private static func makeWay(at path: String) throws {
    guard let status = try File.statusOfLinkIfPresent(path) else { return }
    guard status.kind == .socket else { throw blocked(path, "it is \(status.kind.rawValue)") }
    if let holder = try liveAgent(at: path) { throw notAvailable(path, holder: holder) }
    try File.remove(path)
  }

  private static func bind(_ path: String) throws -> (Int32, FileStatus) {
    let socket = try UnixSocket.open()
    do {
      // Before, so that it is never wider; after, because the umask may have taken bits away.
      try File.setMode(of: socket, 0o600)
      try UnixSocket.bind(socket, to: path)
    } catch {
      Descriptor.close(socket)
      throw error
    }
    do {
      let status = try File.statusOfLink(path)
      try File.setMode(path, 0o600)
      try Socket.listen(socket)
      return (socket, status)
    } catch {
      try? File.remove(path)
      Descriptor.close(socket)
      throw error
    }
  }
}

/// The file beside the socket whose lock decides between two that start at the same time.
private struct LockFile {
  private let path: String
  private let descriptor: Int32

  init(socketPath: String) throws {
    let path = socketPath + ".lock"
    self.path = path
    while true {
      let descriptor = try Self.open(path)
      do {
        if try Self.lock(descriptor, path, socketPath) {
          self.descriptor = descriptor
          return
        }
        Descriptor.close(descriptor)
      } catch {
        Descriptor.close(descriptor)
        throw error
      }
    }
  }

  private static func open(_ path: String) throws -> Int32 {
    do {
      return try File.openLockFile(path)
    } catch {
      if error.errno == Errno.isSymbolicLink { throw blocked(path, "it is a symbolic link") }
      throw error
    }
  }

  /// Locks the file; false if it is not the file at `path` any more, because its holder has removed
  /// it in the meantime.
  private static func lock(
    _ descriptor: Int32, _ path: String, _ socketPath: String
  ) throws -> Bool {
    let status = try File.status(of: descriptor)
    guard status.kind == .regularFile else { throw blocked(path, "it is \(status.kind.rawValue)") }
    guard status.owner == ThisProcess.userID else {
      throw blocked(path, "it belongs to uid \(status.owner)")
    }
    // Somebody else may have given one of our files this name, for us to empty it.
    guard status.links <= 1 else { throw blocked(path, "it has other names too") }
    guard try File.tryLock(descriptor) else {
      let starter = Int32(try File.contents(of: descriptor)).map {
        Peer(processID: $0, userID: status.owner)
      }
      throw notAvailable(socketPath, holder: (try? liveAgent(at: socketPath)) ?? starter)
    }
    guard let now = try File.statusOfLinkIfPresent(path), now.isSameFile(as: status) else {
      return false
    }
    try File.setMode(of: descriptor, 0o600)
    // A help for whoever is refused, which a full disk may take away.
    try File.truncate(descriptor)
    try? Descriptor.writeAll(descriptor, "\(ThisProcess.id)")
    return true
  }

  func release() {
    if let ours = try? File.status(of: descriptor), let now = try? File.statusOfLink(path),
      now.isSameFile(as: ours)
    {
      try? File.remove(path)
    }
    Descriptor.close(descriptor)
  }
}

/// Who listens at `path`; nil if nobody does.
private func liveAgent(at path: String) throws(SystemError) -> Peer? {
  let probe = try UnixSocket.open()
  defer { Descriptor.close(probe) }
  do {
    try UnixSocket.connect(probe, to: path)
    return Peer(try UnixSocket.peer(of: probe))
  } catch {
    switch error.errno {
    case Errno.connectionRefused, Errno.notFound: return nil
    // Its queue is full: somebody is there, and the kernel does not say who.
    case Errno.wouldBlock: return Peer(processID: 0, userID: ThisProcess.userID)
    default: throw error
    }
  }
}

private func notAvailable(_ path: String, holder: Peer?) -> PluginError {
  PluginError(
    .endpointInUse, "socket path \(path) is not available",
    hint: holder.map { "an agent is running there already: \($0)" }
      ?? "another agent is starting there")
}

private func blocked(_ path: String, _ reason: String) -> PluginError {
  PluginError(.endpointBlocked, "socket path \(path) cannot be used: \(reason)")
}
