import Foundation

/// The open descriptors of a process, to see whether they are back to where they were.
public struct OpenDescriptors: Equatable, Sendable {
  private let processID: Int32

  /// Left out: the runtime opens one when somebody first sleeps, and keeps it.
  private static let timer = "anon_inode:[timerfd]"

  /// What each descriptor is, as the kernel names it, sorted; timers are left out.
  public let descriptions: [String]

  /// How many there are.
  public var count: Int { descriptions.count }

  /// Those of a process now; none if it has ended, or belongs to somebody else.
  public init(of processID: Int32) {
    self.processID = processID
    let folder = "/proc/\(processID)/fd"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    descriptions = names.compactMap {
      try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)")
    }.filter { $0 != Self.timer }.sorted()
  }

  /// Those of this process now.
  public static var ofThisProcess: OpenDescriptors { OpenDescriptors(of: getpid()) }

  /// Checks that the process has as many now, or soon: what is closing may need a few turns of a loop.
  /// - Throws: ``ContractViolation`` with those that are new.
  public func requireSame() async throws {
    for _ in 0..<200 {
      if OpenDescriptors(of: processID).count <= count { return }
      try await Task.sleep(for: .milliseconds(10))
    }
    var new = OpenDescriptors(of: processID).descriptions
    for description in descriptions {
      if let index = new.firstIndex(of: description) { new.remove(at: index) }
    }
    throw ContractViolation(
      "descriptors are back to where they were; beside \(count) there are now \(new)")
  }
}
