import Foundation
import Testing

/// What the documents say that a test shows is shown by a test of that name.
@Suite struct DocumentTests {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  private static let sources: String = {
    let folder = root.appendingPathComponent("Tests")
    let files = FileManager.default.enumerator(atPath: folder.path)!.compactMap { $0 as? String }
    return files.filter { $0.hasSuffix(".swift") }.map {
      (try? String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8)) ?? ""
    }.joined()
  }()

  @Test(arguments: ["SECURITY.md", "RELIABILITY.md"])
  func namesTestsThatExist(_ document: String) throws {
    let text = try String(
      contentsOf: Self.root.appendingPathComponent(document), encoding: .utf8)
    let quoted = text.components(separatedBy: "`").enumerated().filter { $0.offset % 2 == 1 }
      .map(\.element)
    let tests = quoted.filter { word in
      word.wholeMatch(of: /[a-z]+([A-Z][a-z0-9]*){2,}|[A-Z][A-Za-z]+Tests/) != nil
    }
    #expect(tests.count > 20)
    for name in Set(tests) {
      let isThere =
        Self.sources.contains("func \(name)(") || Self.sources.contains("struct \(name) ")
      #expect(isThere, "\(document) names \(name)")
    }
    let scripts = quoted.compactMap { $0.split(separator: " ").first }
      .filter { $0.hasPrefix("Tests/") }
    for script in Set(scripts) {
      let path = Self.root.appendingPathComponent(String(script)).path
      #expect(FileManager.default.fileExists(atPath: path), "\(document) names \(script)")
    }
  }
}
