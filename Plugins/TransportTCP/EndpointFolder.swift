internal import SyncPlugin
internal import SyncSystem

/// The private folder in which agents of one user leave their endpoint files, and clients find them.
struct EndpointFolder: Equatable {
  let path: String
  /// Whether somebody named it, and so knows whose it is.
  let isExplicit: Bool

  /// Where files may be, the place for new ones first.
  static func candidates(_ environment: Environment) -> [EndpointFolder] {
    if let path = environment["CODER_AGENT_RUNTIME_DIR"] {
      return [EndpointFolder(path: path, isExplicit: true)]
    }
    let own = EndpointFolder(path: "/tmp/coder-agent-\(ThisProcess.userID)", isExplicit: false)
    // Where there is a session, the variable is set; where its folder is missing or somebody else's,
    // as behind su, it means another session.
    guard let runtime = environment["XDG_RUNTIME_DIR"], let status = try? File.status(runtime),
      status.kind == .directory, status.owner == ThisProcess.userID
    else { return [own] }
    return [EndpointFolder(path: runtime + "/coder-agent", isExplicit: false), own]
  }

  /// Writes the file of an agent, and makes it the latest.
  func publish(_ file: EndpointFile) throws(PluginError) -> PublishedEndpoint {
    do {
      try File.createPrivateFolders(path)
      let folder = try open(forWriting: true)
      defer { Descriptor.close(folder) }
      try File.lock(folder)
      removeStale()
      let own = try OwnedFile(self, EndpointFile.name(of: file.address), file.contents)
      do {
        let latest = try OwnedFile(self, EndpointFile.name(of: nil), file.contents)
        return PublishedEndpoint(folder: self, file: file, files: [own, latest])
      } catch {
        own.remove()
        throw error
      }
    } catch let error as PluginError {
      throw error
    } catch {
      throw PluginError(.endpointBlocked, "endpoint folder \(path) cannot be used: \(error)")
    }
  }

  /// The file of this name; nil if there is none.
  func read(_ name: String) throws(PluginError) -> EndpointFile? {
    do {
      // Without the check anybody could have put a file there, in a folder of that name.
      Descriptor.close(try open(forWriting: false))
      let descriptor = try File.openForReading(path + "/" + name)
      defer { Descriptor.close(descriptor) }
      let status = try File.status(of: descriptor)
      guard status.kind == .regularFile, isTrusted(status, forWriting: false) else {
        throw untrusted(path + "/" + name, status)
      }
      guard let file = EndpointFile(try File.contents(of: descriptor)) else {
        throw PluginError(.unreachable, "\(path)/\(name) is not an endpoint file")
      }
      return file
    } catch let error as PluginError {
      throw error
    } catch {
      guard (error as? SystemError)?.errno != Errno.notFound else { return nil }
      throw PluginError(
        (error as? SystemError)?.errno == Errno.accessDenied ? .permissionDenied : .unreachable,
        "endpoint file \(path)/\(name) cannot be read: \(error)")
    }
  }

  /// Opens the folder, if nobody else can have put anything into it.
  private func open(forWriting: Bool) throws -> Int32 {
    let descriptor = try File.openFolder(path)
    do {
      let status = try File.status(of: descriptor)
      guard isTrusted(status, forWriting: forWriting) else { throw untrusted(path, status) }
      return descriptor
    } catch {
      Descriptor.close(descriptor)
      throw error
    }
  }

  /// Root may look for the agent of another user, in a folder that was named.
  private func isTrusted(_ status: FileStatus, forWriting: Bool) -> Bool {
    let user = ThisProcess.userID
    return status.isPrivate
      && (status.owner == user || user == 0 && isExplicit && !forWriting)
  }

  private func untrusted(_ path: String, _ status: FileStatus) -> PluginError {
    let reason =
      if !status.isPrivate {
        "others than its owner have access to it"
      } else if isTrusted(status, forWriting: false) {
        "it is \(status.kind.rawValue)"
      } else {
        "it belongs to uid \(status.owner)"
      }
    return PluginError(.permissionDenied, "\(path) cannot be trusted: \(reason)")
  }

  /// Removes what agents left behind that could not end cleanly. Called with the folder locked.
  private func removeStale() {
    for name in (try? File.names(in: path)) ?? [] where name.hasPrefix(EndpointFile.prefix) {
      guard let descriptor = try? File.openForReading(path + "/" + name) else { continue }
      defer { Descriptor.close(descriptor) }
      if (try? File.tryLock(descriptor)) == true { try? File.remove(path + "/" + name) }
    }
  }
}

/// The files of an agent that listens.
struct PublishedEndpoint {
  let folder: EndpointFolder
  let file: EndpointFile
  fileprivate let files: [OwnedFile]

  /// Removes those that are still this agent's.
  func remove() {
    let lock = try? File.openFolder(folder.path)
    defer { if let lock { Descriptor.close(lock) } }
    if let lock { try? File.lock(lock) }
    for file in files { file.remove() }
  }
}

/// A file that its process holds locked as long as it is true. Made and removed with the folder locked.
private struct OwnedFile {
  private let path: String
  private let descriptor: Int32
  private let status: FileStatus

  /// The file appears under its name when it is complete.
  init(_ folder: EndpointFolder, _ name: String, _ contents: String) throws(SystemError) {
    let path = folder.path + "/" + name
    let newPath = path + ".new"
    let descriptor = try File.createPrivate(newPath)
    do throws(SystemError) {
      try File.lock(descriptor)
      try Descriptor.writeAll(descriptor, contents)
      status = try File.status(of: descriptor)
      try File.rename(newPath, to: path)
    } catch {
      try? File.remove(newPath)
      Descriptor.close(descriptor)
      throw error
    }
    self.path = path
    self.descriptor = descriptor
  }

  func remove() {
    if let now = try? File.statusOfLink(path), now.isSameFile(as: status) { try? File.remove(path) }
    Descriptor.close(descriptor)
  }
}

extension FileStatus {
  fileprivate var isPrivate: Bool { mode & 0o077 == 0 }
}
