import Foundation
import FuzzTargets
import Testing

/// The inputs that fuzzing has found worth keeping, as tests that need no fuzzer. A promise that is broken
/// ends the process with a message, as a precondition does.
@Suite struct CorpusTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../Fuzzing/Corpus").standardized

  private func inputs(of target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
    let folder = Self.folder.appendingPathComponent(target.rawValue)
    return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { name in
      (name, Array(try Data(contentsOf: folder.appendingPathComponent(name))))
    }
  }

  @Test(arguments: FuzzTarget.allCases)
  func inputsOfTheCorpusBreakNoPromise(_ target: FuzzTarget) throws {
    let inputs = try inputs(of: target)
    #expect(!inputs.isEmpty)
    for input in inputs {
      #expect(input.bytes.count <= target.longestInput, "\(input.name)")
      // A peer may die after any byte; what is read as a whole is not sent in pieces.
      for end in (target.readsConnections ? 0 : input.bytes.count)...input.bytes.count {
        target.run(input.bytes.span.extracting(..<end).bytes)
      }
    }
  }

  @Test func thereIsAFolderForEachTarget() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
    #expect(Set(names) == Set(FuzzTarget.allCases.map(\.rawValue)))
  }
}
