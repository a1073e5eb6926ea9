internal import SyncUnits
internal import SyncWire

/// What decodes, encodes, and decodes again to an equal value, of every message and of the values that
/// are made of them. The first byte says as what the others are read.
enum ProtobufTarget {
  static func run(_ bytes: RawSpan) {
    guard bytes.byteCount > 0 else { return }
    let data = bytes.extracting(1..<bytes.byteCount)
    readers[Int(bytes[0]) % readers.count](data)
  }

  private static let readers: [@Sendable (RawSpan) -> Void] = [
    { check(EmptyMessage.self, $0) },
    { check(UnitRequest.self, $0) },
    { check(WantRequest.self, $0) },
    { check(ReadyResponse.self, $0) },
    { data in
      guard let message = check(StatusResponse.self, data) else { return }
      let report = message.report
      let again = StatusResponse(
        report, on: message.dependencies.first.map { UnitID($0.unit) } ?? "")
      demand(again.dependencies.count == message.dependencies.count, "dependencies are lost")
    },
    { data in
      guard let message = check(ListResponse.self, data) else { return }
      demand(message.summaries.count == message.units.count, "units are lost")
    },
    { check(HelloRequest.self, $0) },
    { check(HelloResponse.self, $0) },
    { check(LimitsInfo.self, $0) },
    { data in
      guard let message = check(UnitSync.WantRequest.self, data),
        let condition = try? Requirement.Condition(number: message.condition)
      else { return }
      demand(condition.number == message.condition, "a condition is taken for another one")
    },
    { data in
      guard let message = check(UnitSync.WaitRequest.self, data), let goal = try? message.waitGoal()
      else { return }
      let again = try? UnitSync.WaitRequest(goal).waitGoal()
      demand(again == goal, "a goal is taken for another one: \(again as Any) for \(goal)")
    },
    { check(UnitSync.StartRequest.self, $0) },
    { check(UnitSync.StartResponse.self, $0) },
    { data in
      guard let message = check(UnitSync.FinishRequest.self, data),
        let outcome = try? message.unitOutcome()
      else { return }
      let request = UnitSync.FinishRequest(UnitID(message.unit), outcome, generation: nil)
      let again = try? request.unitOutcome()
      demand(again == outcome, "an outcome is taken for another one: \(again as Any)")
    },
    { check(UnitSync.MarkHealthyRequest.self, $0) },
    { check(UnitSync.ResetRequest.self, $0) },
    { data in
      guard let message = check(UnitSync.StatusResponse.self, data),
        let report = try? message.report()
      else { return }
      let again = try? UnitSync.StatusResponse(report, on: UnitID(message.unit?.unit ?? ""))
        .report()
      demand(again == report, "a report is taken for another one: \(again as Any) for \(report)")
    },
    { check(UnitSync.ListRequest.self, $0) },
    { data in
      guard let message = check(UnitSync.ListResponse.self, data) else { return }
      let summaries = message.units.map(\.summary)
      let again = UnitSync.ListResponse(summaries, after: "").units.map(\.summary)
      demand(again == summaries, "a list is taken for another one: \(again) for \(summaries)")
    },
    { data in
      guard let message = check(UnitSync.WhyResponse.self, data),
        let explanation = try? message.explanation()
      else { return }
      let again = try? UnitSync.WhyResponse(explanation).explanation()
      demand(again == explanation, "an explanation is taken for another one: \(again as Any)")
    },
    { data in
      guard let metadata = check(CallMetadata.self, data) else { return }
      for entry in metadata.entries {
        demand(metadata[entry.key] != nil, "a key of metadata is not found")
      }
    },
    { data in
      let payload = ErrorPayload(decoding: data)
      let again = ErrorPayload(decoding: payload.encoded.span.bytes)
      demand(again == payload, "an error is taken for another one: \(again) for \(payload)")
    },
  ]

  @discardableResult
  private static func check<M: ProtobufMessage>(_: M.Type, _ data: RawSpan) -> M? {
    guard let message = try? M(decoding: data) else { return nil }
    let encoded = message.encoded
    guard let again = try? M(decoding: encoded.span.bytes) else {
      fatalError("a message that was written is refused: \(message)")
    }
    demand(again == message, "a message is taken for another one: \(again) for \(message)")
    // Strings that are equal may differ in their bytes.
    demand(again.encoded == encoded, "a message is written in other bytes: \(message)")
    return message
  }
}
