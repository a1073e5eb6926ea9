import Foundation
import SyncTestKit
import Testing

/// Builds one of the libraries beside this file, to be preloaded into programs.
func buildShim(_ name: String, in folder: TemporaryFolder) async throws -> String {
  let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent(name).path
  let library = folder.file("\(name).so")
  let result = try await CoderProcess.run(
    ["-shared", "-fPIC", "-o", library, source, "-ldl"], program: "cc")
  #expect(result.status == 0, "\(result.error)")
  return library
}

/// What makes calls of the kernel fail: see `fault-shim.c`.
final class FaultShim: Sendable {
  let folder: TemporaryFolder
  private let library: String

  init() async throws {
    folder = try TemporaryFolder()
    library = try await buildShim("fault-shim.c", in: folder)
  }

  /// For the environment of a program that is to see these faults.
  func variables(_ faults: [String: String]) -> [String: String] {
    faults.merging(["LD_PRELOAD": library]) { $1 }
  }
}
