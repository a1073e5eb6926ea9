import Foundation
public import SyncPlugin

/// The open descriptors of a process, to see whether they are back to where they were.
public struct OpenDescriptors: Equatable, Sendable {
  private let processID: Int32

  /// What each descriptor is, as the kernel names it, sorted.
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
    }.sorted()
  }

  /// Those of this process now.
  public static var ofThisProcess: OpenDescriptors { OpenDescriptors(of: getpid()) }

  /// Checks that the process has as many now, or soon: what is closing may need a few turns of a loop.
  /// - Throws: ``ContractViolation`` with those that are new.
  public func requireSame(on loop: any EventLoop) async throws {
    for _ in 0..<200 {
      if OpenDescriptors(of: processID).count <= count { return }
      try await loop.clock.sleep(for: .milliseconds(10))
    }
    let now = OpenDescriptors(of: processID).descriptions
    let new = now.filter { !descriptions.contains($0) }
    throw ContractViolation(
      "descriptors are back to where they were; \(count) became \(now.count): \(new)")
  }
}
