import Foundation
import SyncTestKit
import SyncUnits
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

  private static func with<Message>(
    _ message: Message, _ change: (inout Message) -> Void
  ) -> Message {
    var message = message
    change(&message)
    return message
  }

  static let report = UnitReport(
    status: .failed, isReady: true,
    dependencies: [
      Dependency(
        unit: "b", requiredStatus: .completed, currentStatus: .started, isSatisfied: true,
        requirement: Requirement(.healthy, isOptional: true))
    ], details: UnitDetails(generation: 3, ending: Ending("why", exitStatus: 9)))

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
      "WaitRequest", of: .unitSync, UnitSync.WaitRequest(.ready("a b")), text: #"units: "a b""#),
    MessageCase(
      "WaitRequest", of: .unitSync, UnitSync.WaitRequest(.units(["a", "b"], .healthy, count: 1)),
      text: #"units: "a" units: "b" goal: UNITS condition: HEALTHY count: 1"#),
    MessageCase(
      "WaitRequest", of: .unitSync, UnitSync.WaitRequest(.allUnits), text: "goal: ALL_UNITS"),
    MessageCase(
      "WantRequest", of: .unitSync,
      with(UnitSync.WantRequest()) {
        $0.unit = "a"
        $0.dependsOn = ["b", "c"]
        $0.condition = Requirement.Condition.started.number
        $0.isOptional = true
      }, text: #"unit: "a" depends_on: "b" depends_on: "c" condition: STARTED optional: true"#),
    MessageCase(
      "StartRequest", of: .unitSync,
      with(UnitSync.StartRequest()) {
        $0.unit = "a"
        $0.keepsPending = true
        $0.locks = ["apt", "dpkg"]
        $0.lease = true
        $0.hold = true
        $0.process = 4_711
      },
      text:
        #"unit: "a" keep_pending: true locks: "apt" locks: "dpkg" lease: true hold: true process: 4711"#
    ),
    MessageCase(
      "StartResponse", of: .unitSync, with(UnitSync.StartResponse()) { $0.generation = 2 },
      text: "generation: 2"),
    MessageCase(
      "FinishRequest", of: .unitSync,
      UnitSync.FinishRequest("a", .failed(Ending("why", exitStatus: 3)), generation: 7),
      text: #"unit: "a" outcome: FAILED reason: "why" exit_status: 3 generation: 7"#),
    MessageCase(
      "FinishRequest", of: .unitSync,
      UnitSync.FinishRequest("a", .skipped(Ending("no need")), generation: nil),
      text: #"unit: "a" outcome: SKIPPED reason: "no need""#),
    MessageCase(
      "MarkHealthyRequest", of: .unitSync,
      with(UnitSync.MarkHealthyRequest()) {
        $0.unit = "a"
        $0.generation = 1
      }, text: #"unit: "a" generation: 1"#),
    MessageCase(
      "ResetRequest", of: .unitSync,
      with(UnitSync.ResetRequest()) {
        $0.unit = "a"
        $0.cascade = true
      }, text: #"unit: "a" cascade: true"#),
    MessageCase(
      "StatusResponse", of: .unitSync, UnitSync.StatusResponse(report, on: "a"),
      text: #"""
        unit { unit: "a" status: "failed" is_ready: true generation: 3 reason: "why" exit_status: 9 }
        dependencies { unit: "b" status: "started" is_satisfied: true condition: HEALTHY optional: true }
        """#),
    MessageCase(
      "ListResponse", of: .unitSync,
      UnitSync.ListResponse(
        [
          UnitSummary(
            unit: "a", status: .started, isReady: false,
            details: UnitDetails(
              generation: 1, isHealthy: true,
              holder: Holder(processID: 7, command: "sh x", since: 9, isWatched: true)))
        ], after: ""),
      text: #"""
        units { unit: "a" status: "started" generation: 1 is_healthy: true
          holder { process: 7 command: "sh x" since: 9 is_watched: true } }
        """#),
    MessageCase(
      "WhyResponse", of: .unitSync,
      UnitSync.WhyResponse(
        Explanation(
          nodes: [
            Explanation.Node(
              depth: 1, unit: "b", status: .pending, requirement: Requirement(.started),
              isLost: true, isRepeated: true, details: UnitDetails(generation: 1, isBlocked: true),
              omitted: 4)
          ], isStalled: true)),
      text: #"""
        nodes { unit { unit: "b" status: "pending" generation: 1 is_blocked: true }
          depth: 1 condition: STARTED is_lost: true is_repeated: true omitted: 4 }
        is_stalled: true
        """#),
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
