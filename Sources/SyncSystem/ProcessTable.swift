internal import CLinux
internal import Glibc

/// What the kernel tells about other processes. All of it may be out of date as soon as it is known: a
/// descriptor that was opened before keeps a number from being given to another process unnoticed.
package enum ProcessTable {
  /// A descriptor that is readable as soon as the process has ended, and stands for no other.
  package static func open(_ id: Int32) throws(SystemError) -> Int32 {
    try check(.pidfdOpen) { open_process(id) }
  }

  /// Whether the process that a descriptor of ``open(_:)`` stands for has ended.
  package static func hasEnded(_ descriptor: Int32) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, 0) == 1
  }

  /// How a process that is not a child has ended; nil if it has not, or nobody can tell any more: its parent
  /// has collected it, before Linux 6.15.
  package static func ending(of id: Int32, _ descriptor: Int32) -> ProcessEnding? {
    var status: Int32 = 0
    if wait_status_of_process(descriptor, &status) == 0 { return ProcessEnding(waitStatus: status) }
    // Nobody else gets the number as long as it waits to be collected.
    guard let fields = fields(of: id), fields.first == "Z", let last = fields.last else {
      return nil
    }
    return Int32(last).map { ProcessEnding(waitStatus: $0) }
  }

  /// The parent of a process; nil if there is no such process.
  package static func parent(of id: Int32) -> Int32? {
    guard let fields = fields(of: id), fields.count > 1 else { return nil }
    return Int32(fields[1])
  }

  /// What the kernel tells of a process in one line, from its state on.
  private static func fields(of id: Int32) -> [Substring]? {
    // The name in parentheses may contain anything; the fields begin behind the last one.
    guard let text = try? File.contents("/proc/\(id)/stat"),
      let end = text.utf8.lastIndex(of: UInt8(ascii: ")"))
    else { return nil }
    return text[end...].dropFirst().split { $0 == " " || $0 == "\n" }
  }

  /// Whether a process has started another one, or what started that, and so on.
  package static func isAncestor(_ process: Int32, of descendant: Int32) -> Bool {
    var current = descendant
    // More than any chain is long, and an end where numbers change hands.
    for _ in 0..<1_024 {
      guard let parent = parent(of: current), parent > 0 else { return false }
      if parent == process { return true }
      current = parent
    }
    return false
  }

  /// The effective user of a process; nil if there is no such process.
  package static func userID(of id: Int32) -> UInt32? {
    guard let text = try? File.contents("/proc/\(id)/status"),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("Uid:") })
    else { return nil }
    let fields = line.split { $0 == "\t" || $0 == " " }
    return fields.count > 2 ? UInt32(fields[2]) : nil
  }

  /// The command line of a process, its arguments separated by spaces; empty if it cannot be read.
  package static func command(of id: Int32) -> String {
    guard let text = try? File.contents("/proc/\(id)/cmdline") else { return "" }
    return text.split(separator: "\0").joined(separator: " ")
  }
}
