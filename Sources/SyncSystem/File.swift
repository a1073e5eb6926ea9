internal import Glibc

/// What the file system says about a file.
package struct FileStatus: Equatable, Sendable {
  package enum Kind: String, Sendable {
    case regularFile = "a regular file"
    case directory = "a directory"
    case symbolicLink = "a symbolic link"
    case socket = "a socket"
    case fifo = "a FIFO"
    case characterDevice = "a character device"
    case blockDevice = "a block device"
    case unknown = "a file of an unknown kind"
  }

  package let kind: Kind
  /// The permission bits, the sticky bit among them.
  package let mode: UInt32
  package let owner: UInt32
  /// How many names it has.
  package let links: UInt
  package let device: UInt
  package let inode: UInt

  package var isSticky: Bool { mode & UInt32(S_ISVTX) != 0 }
  package var isWritableByOthers: Bool { mode & 0o022 != 0 }

  /// Whether both are the same file, by any name.
  package func isSameFile(as other: FileStatus) -> Bool {
    device == other.device && inode == other.inode
  }

  fileprivate init(_ status: stat) {
    kind =
      switch status.st_mode & S_IFMT {
      case S_IFREG: .regularFile
      case S_IFDIR: .directory
      case S_IFLNK: .symbolicLink
      case S_IFSOCK: .socket
      case S_IFIFO: .fifo
      case S_IFCHR: .characterDevice
      case S_IFBLK: .blockDevice
      default: .unknown
      }
    mode = UInt32(status.st_mode) & 0o7777
    owner = status.st_uid
    links = UInt(status.st_nlink)
    device = UInt(status.st_dev)
    inode = UInt(status.st_ino)
  }
}

/// Calls on files by name.
package enum File {
  /// Follows symbolic links.
  package static func status(_ path: String) throws(SystemError) -> FileStatus {
    var status = stat()
    try check(.stat) { stat(path, &status) }
    return FileStatus(status)
  }

  /// Does not follow a symbolic link at the end of `path`.
  package static func statusOfLink(_ path: String) throws(SystemError) -> FileStatus {
    var status = stat()
    try check(.lstat) { lstat(path, &status) }
    return FileStatus(status)
  }

  /// As ``statusOfLink(_:)``, but nil for nothing at all.
  package static func statusOfLinkIfPresent(_ path: String) throws(SystemError) -> FileStatus? {
    do {
      return try statusOfLink(path)
    } catch {
      if error.errno == ENOENT { return nil }
      throw error
    }
  }

  package static func status(of descriptor: Int32) throws(SystemError) -> FileStatus {
    var status = stat()
    try check(.fstat) { fstat(descriptor, &status) }
    return FileStatus(status)
  }

  package static func setMode(_ path: String, _ mode: UInt32) throws(SystemError) {
    try check(.chmod) { chmod(path, mode) }
  }

  package static func setMode(of descriptor: Int32, _ mode: UInt32) throws(SystemError) {
    try check(.fchmod) { fchmod(descriptor, mode) }
  }

  package static func remove(_ path: String) throws(SystemError) {
    try check(.unlink) { unlink(path) }
  }

  /// Creates `path` and the folders above it that are missing, each with mode 0700.
  package static func createPrivateFolders(_ path: String) throws(SystemError) {
    do {
      try check(.mkdir) { mkdir(path, 0o700) }
    } catch {
      guard error.errno == ENOENT, let parent = parent(of: path), parent != path else {
        if error.errno == EEXIST { return }
        throw error
      }
      try createPrivateFolders(parent)
      do { try check(.mkdir) { mkdir(path, 0o700) } } catch {
        if error.errno != EEXIST { throw error }
      }
    }
  }

  /// Creates a folder with a name of its own, which begins with `prefix`, and mode 0700.
  package static func createTemporaryFolder(_ prefix: String) throws(SystemError) -> String {
    // mkdtemp(3) puts what makes the name unique in the place of the six letters.
    var template = Array((prefix + "XXXXXX").utf8CString)
    try check(.mkdtemp) { mkdtemp(&template) == nil ? -1 : 0 }
    return template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  }

  /// The same path from the root on.
  package static func absolutePath(_ path: String) throws(SystemError) -> String {
    if path.hasPrefix("/") { return path }
    guard let folder = getcwd(nil, 0) else { throw SystemError(.getcwd, errno) }
    defer { free(folder) }
    return String(cString: folder) + "/" + path
  }

  /// Removes a folder with the files in it; folders in it stay, and it with them.
  package static func removeFolder(_ path: String) throws(SystemError) {
    for name in try names(in: path) { try remove(path + "/" + name) }
    try check(.rmdir) { rmdir(path) }
  }

  /// The names of the files in a folder, in no order.
  package static func names(in path: String) throws(SystemError) -> [String] {
    guard let folder = opendir(path) else { throw SystemError(.opendir, errno) }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) {
        String(cString: $0.baseAddress!.assumingMemoryBound(to: CChar.self))
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// The folder that `path` lies in; "." for a bare name, nil for the root.
  package static func parent(of path: String) -> String? {
    let trimmed = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    if trimmed == "/" { return nil }
    guard let slash = trimmed.lastIndex(of: "/") else { return "." }
    return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
  }

  /// Opens a file for a lock, creating it with mode 0600; symbolic links are not followed.
  package static func openLockFile(_ path: String) throws(SystemError) -> Int32 {
    try check(.open) { open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o600) }
  }

  /// Creates a file with mode 0600, whatever the umask; fails if there is one of that name.
  package static func createPrivate(_ path: String) throws(SystemError) -> Int32 {
    let descriptor = try check(.open) {
      open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    }
    do {
      try setMode(of: descriptor, 0o600)
      return descriptor
    } catch {
      Descriptor.close(descriptor)
      try? remove(path)
      throw error
    }
  }

  /// Opens a file to read it; symbolic links are not followed, and a FIFO does not wait.
  package static func openForReading(_ path: String) throws(SystemError) -> Int32 {
    try check(.open) { open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) }
  }

  package static func openFolder(_ path: String) throws(SystemError) -> Int32 {
    try check(.open) { open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
  }

  /// Gives a file another name, which may have been another file's.
  package static func rename(_ path: String, to newPath: String) throws(SystemError) {
    try check(.rename) { Glibc.rename(path, newPath) }
  }

  /// Takes the lock, waiting for who has it.
  package static func lock(_ descriptor: Int32) throws(SystemError) {
    try check(.flock) { flock(descriptor, LOCK_EX) }
  }

  /// Takes the lock if nobody has it.
  package static func tryLock(_ descriptor: Int32) throws(SystemError) -> Bool {
    do {
      try check(.flock) { flock(descriptor, LOCK_EX | LOCK_NB) }
      return true
    } catch {
      if error.errno == EWOULDBLOCK { return false }
      throw error
    }
  }

  package static func truncate(_ descriptor: Int32) throws(SystemError) {
    try check(.ftruncate) { ftruncate(descriptor, 0) }
  }

  /// The beginning of a small file, from an open descriptor.
  package static func contents(of descriptor: Int32) throws(SystemError) -> String {
    var buffer = [UInt8](repeating: 0, count: 4096)
    var size = 0
    // The kernel may return early, and a file that is half read looks like another one.
    while size < buffer.count {
      let count = try check(.read) {
        buffer[size...].withUnsafeMutableBytes { [size] in
          pread(descriptor, $0.baseAddress, $0.count, size)
        }
      }
      if count == 0 { break }
      size += count
    }
    return String(decoding: buffer[..<size], as: UTF8.self)
  }

  /// The beginning of a small file.
  package static func contents(_ path: String) throws(SystemError) -> String {
    let descriptor = try openForReading(path)
    defer { Descriptor.close(descriptor) }
    return try contents(of: descriptor)
  }
}
