import Foundation
import SyncTestKit
import SyncWire
import Testing

/// Runs `protoc` on the schema that is in the repository.
private func protoc(_ mode: String, _ message: String, _ input: Data) async throws -> Data {
  let schema = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../Sources/SyncWire").standardized
  // Through a file, because bytes are no text.
  let folder = try TemporaryFolder()
  let result = try await CoderProcess.run(
    [
      "-c",
      "protoc --\(mode)=coder.agentsocket.v1.\(message) -I '\(schema.path)' agentsocket.proto >\(folder.file("out"))",
    ], program: "sh", input: Array(input))
  #expect(result.status == 0, "\(result.error)")
  return try Data(contentsOf: URL(fileURLWithPath: folder.file("out")))
}

struct MessageCase: Sendable, CustomTestStringConvertible {
  let name: String
  let text: String
  let check: @Sendable ([UInt8]) throws -> [UInt8]

  init<M: ProtobufMessage>(_ name: String, _ value: M, text: String) {
    self.name = name
    self.text = text
    check = { bytes in
      let decoded = try M(decoding: bytes.span.bytes)
      #expect(decoded == value)
      return value.encoded
    }
  }

  var testDescription: String { "\(name) \(text.prefix(40))" }
}

@Suite struct ProtobufTests {
  static let status = {
    var dependency = DependencyInfo()
    dependency.unit = "a"
    dependency.dependsOn = "b\0\n\u{e9}\u{1f600}"
    dependency.requiredStatus = "completed"
    dependency.currentStatus = "started"
    var satisfied = dependency
    satisfied.isSatisfied = true
    var status = StatusResponse()
    status.status = "pending"
    status.isReady = true
    status.dependencies = [dependency, satisfied, DependencyInfo()]
    return status
  }()
  static let list = {
    var unit = UnitInfo()
    unit.unit = String(repeating: "x", count: 300)
    unit.status = "started"
    unit.isReady = true
    var list = ListResponse()
    list.units = [unit, UnitInfo()]
    return list
  }()

  static let cases: [MessageCase] = [
    MessageCase("PingRequest", EmptyMessage(), text: ""),
    MessageCase("SyncStartRequest", UnitRequest(unit: "a b"), text: #"unit: "a b""#),
    MessageCase("SyncWantRequest", WantRequest(unit: "a", dependsOn: ""), text: #"unit: "a""#),
    MessageCase(
      "SyncWantRequest", WantRequest(unit: "a", dependsOn: "b"),
      text: #"unit: "a" depends_on: "b""#),
    MessageCase("SyncReadyResponse", ReadyResponse(ready: true), text: "ready: true"),
    MessageCase("SyncReadyResponse", ReadyResponse(ready: false), text: ""),
    MessageCase(
      "SyncStatusResponse", status,
      text: #"""
        status: "pending" is_ready: true
        dependencies { unit: "a" depends_on: "b\000\n\303\251\360\237\230\200" required_status: "completed" current_status: "started" }
        dependencies { unit: "a" depends_on: "b\000\n\303\251\360\237\230\200" required_status: "completed" current_status: "started" is_satisfied: true }
        dependencies { }
        """#),
    MessageCase(
      "SyncListResponse", list,
      text:
        "units { unit: \"\(String(repeating: "x", count: 300))\" status: \"started\" is_ready: true } units { }"
    ),
  ]

  @Test(arguments: cases)
  func agreesWithProtocBothWays(_ message: MessageCase) async throws {
    let theirs = try await protoc("encode", message.name, Data(message.text.utf8))
    let ours = try message.check(Array(theirs))
    #expect(ours == Array(theirs))
    let decoded = try await protoc("decode", message.name, Data(ours))
    let again = try await protoc("encode", message.name, decoded)
    #expect(again == theirs)
  }

  @Test func passesOverWhatItDoesNotKnow() throws {
    let bytes: [UInt8] =
      [0x52, 2, 9, 9]  // field 10, bytes
      + [0x58, 0x96, 1]  // field 11, varint
      + [0x61, 1, 2, 3, 4, 5, 6, 7, 8]  // field 12, 64 bits
      + [0x6d, 1, 2, 3, 4]  // field 13, 32 bits
      + [0x73, 0x08, 1, 0x7b, 0x7c, 0x74]  // field 14, a group with a group in it
      + [0x08, 7]  // field 1, but a varint
      + [0x12, 1, 0x62]  // field 2
    #expect(try WantRequest(decoding: bytes.span.bytes) == WantRequest(unit: "", dependsOn: "b"))
  }

  static let malformed: [([UInt8], ProtobufError)] = [
    ([0x0a, 0xff], .malformed), ([0x0a, 2, 0x61], .malformed), ([0x0a], .malformed),
    ([0x00], .malformed), ([0x0e], .malformed), ([0x0c], .malformed), ([0x73], .malformed),
    ([0x09, 1], .malformed), ([0x0d, 1], .malformed), ([0x80], .malformed),
    ([UInt8](repeating: 0xff, count: 11), .malformed),
    ([UInt8](repeating: 0x73, count: 100_000), .malformed),
    ([0x0a, 1, 0xff], .invalidUTF8), ([0x0a, 2, 0xc3, 0x28], .invalidUTF8),
  ]

  @Test(arguments: malformed)
  func refusesWhatIsNoMessage(_ bytes: [UInt8], _ error: ProtobufError) {
    #expect(throws: error) { try UnitRequest(decoding: bytes.span.bytes) }
  }
}
