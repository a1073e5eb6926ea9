import Foundation
import SyncTestKit
import SyncWire
import Testing

/// A schema in the folder of SyncWire.
enum Schema: String, Sendable {
  case agentSocket = "agentsocket.proto"
  case unitSync = "unitsync.proto"

  var package: String { self == .agentSocket ? "coder.agentsocket.v1" : "unitsync.v1" }
}

/// Runs `protoc` on the schema that is in the repository.
private func protoc(
  _ mode: String, _ message: String, of schemaFile: Schema, _ input: Data
) async throws -> Data {
  let schema = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../Sources/SyncWire").standardized
  // Through a file, because bytes are no text.
  let folder = try TemporaryFolder()
  let result = try await CoderProcess.run(
    [
      "-c",
      "protoc --\(mode)=\(schemaFile.package).\(message) -I '\(schema.path)' \(schemaFile.rawValue) >\(folder.file("out"))",
    ], program: "sh", input: Array(input))
  #expect(result.status == 0, "\(result.error)")
  return try Data(contentsOf: URL(fileURLWithPath: folder.file("out")))
}

struct MessageCase: Sendable, CustomTestStringConvertible {
  let name: String
  let schema: Schema
  let text: String
  let check: @Sendable ([UInt8]) throws -> [UInt8]

  init<M: ProtobufMessage>(
    _ name: String, of schema: Schema = .agentSocket, _ value: M, text: String
  ) {
    self.name = name
    self.schema = schema
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

  static let hello = {
    var hello = HelloResponse()
    hello.version = 1
    hello.capabilities = ["Hello", "", "Wait"]
    hello.limits = .current
    hello.token = "0f"
    return hello
  }()

  static let cases: [MessageCase] = [
    MessageCase("HelloRequest", of: .unitSync, HelloRequest(version: 300), text: "version: 300"),
    MessageCase("HelloResponse", of: .unitSync, HelloResponse(), text: ""),
    MessageCase(
      "HelloResponse", of: .unitSync, hello,
      text: #"""
        version: 1 capabilities: "Hello" capabilities: "" capabilities: "Wait"
        limits { packet_bytes: 4194304 streams: 1024 name_bytes: 4096 frame_milliseconds: 10000 }
        token: "0f"
        """#),
    MessageCase(
      "WaitRequest", of: .unitSync, WaitRequest(units: ["a", "b c"]),
      text: #"units: "a" units: "b c""#),
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
    let theirs = try await protoc(
      "encode", message.name, of: message.schema, Data(message.text.utf8))
    let ours = try message.check(Array(theirs))
    #expect(ours == Array(theirs))
    let decoded = try await protoc("decode", message.name, of: message.schema, Data(ours))
    let again = try await protoc("encode", message.name, of: message.schema, decoded)
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
