/// The messages of unitsync.proto that carry calls; Hello's stand apart. Enumerations are their numbers.
package enum UnitSync {
  /// The request of Want.
  package struct WantRequest: ProtobufMessage {
    package var unit = ""
    package var dependsOn: [String] = []
    package var condition: UInt64 = 0
    package var isOptional: Bool = false
    package var lease: Bool = false

    package init() {}

    package mutating func take(_ field: ProtobufField, of bytes: RawSpan) throws(ProtobufError) {
      switch field.number {
      case 1: try field.read(into: &unit, of: bytes)
      case 2: try field.append(to: &dependsOn, of: bytes)
      case 3: field.read(into: &condition)
      case 4: field.read(into: &isOptional)
      case 5: field.read(into: &lease)
      default: break
      }
    }

    package func encode(into writer: inout ProtobufWriter) {
      writer.append(1, unit)
      writer.append(2, dependsOn)
      writer.append(3, condition)
      writer.append(4, isOptional)
      writer.append(5, lease)
    }
  }

  /// The request of Wait.
  package struct WaitRequest: ProtobufMessage {
    package var units: [String] = []
    package var goal: UInt64 = 0
    package var condition: UInt64 = 0
    package var count: UInt64 = 0

    package init() {}

    package mutating func take(_ field: ProtobufField, of bytes: RawSpan) throws(ProtobufError) {
      switch field.number {
      case 1: try field.append(to: &units, of: bytes)
      case 2: field.read(into: &goal)
      case 3: field.read(into: &condition)
      case 4: field.read(into: &count)
      default: break
      }
    }

    package func encode(into writer: inout ProtobufWriter) {
      writer.append(1, units)
      writer.append(2, goal)
      writer.append(3, condition)
      writer.append(4, count)
    }
  }

  /// The request of Start.
  package struct StartRequest: ProtobufMessage {
    package var unit = ""
    package var keepsPending: Bool = false
    package var locks: [String] = []
    package var lease: Bool = false
    package var hold: Bool = false
    package var process: UInt64 = 0

    package init() {}

    package mutating func take(_ field: ProtobufField, of bytes: RawSpan) throws(ProtobufError) {
      switch field.number {
      case 1: try field.read(into: &unit, of: bytes)
      case 2: field.read(into: &keepsPending)
      case 3: try field.append(to: &locks, of: bytes)
      case 4: field.read(into: &lease)
      case 5: field.read(into: &hold)
      case 6: field.read(into: &process)
      default: break
      }
    }

    package func encode(into writer: inout ProtobufWriter) {
      writer.append(1, unit)
      writer.append(2, keepsPending)
      writer.append(3, locks)
      writer.append(4, lease)
      writer.append(5, hold)
      writer.append(6, process)
    }
  }

  /// The answer of Start.
  package struct StartResponse: ProtobufMessage {
    package var generation: UInt64 = 0

    package init() {}

    package mutating func take(_ field: ProtobufField, of bytes: RawSpan) {
      switch field.number {
      case 1: field.read(into: &generation)
      default: break
      }
    }

    package func encode(into writer: inout ProtobufWriter) {
      writer.append(1, generation)
    }
  }

  /// The request of Finish.
  package struct FinishRequest: ProtobufMessage {
    package var unit = ""
    package var outcome: UInt64 = 0
    package var reason = ""
    package var exitStatus: UInt64 = 0
    package var generation: UInt64 = 0

    package init() {}

    package mutating func take(_ field: ProtobufField, of bytes: RawSpan) throws(ProtobufError) {
      switch field.number {
      case 1: try field.read(into: &unit, of: bytes)
      case 2: field.read(into: &outcome)
      case 3: try field.read(into: &reason, of: bytes)
      case 4: field.read(into: &exitStatus)
      case 5: field.read(into: &generation)
      default: break
      }
    }

    package func encode(into writer: inout ProtobufWriter) {
      writer.append(1, unit)
      writer.append(2, outcome)
      writer.append(3, reason)
      writer.append(4, exitStatus)
      writer.append(5, generation)
    }
  }

  /// The request of MarkHealthy.
  package struct MarkHealthyRequest: ProtobufMessage {
    package var unit = ""
    package var generation: UInt64 = 0

    package init() {}

    package mutating func take(_ field: ProtobufField, of bytes: RawSpan) throws(ProtobufError) {
      switch field.number {
      case 1: try field.read(into: &unit, of: bytes)
      case 2: field.read(into: &generation)
      default: break
      }
    }

    package func encode(into writer: inout ProtobufWriter) {
      writer.append(1, unit)
      writer.append(2, generation)
    }
  }

  /// The request of Reset.
  package struct ResetRequest: ProtobufMessage {
    package var unit = ""
    package var cascade: Bool = false

    package init() {}

    package mutating func take(_ field: ProtobufField, of bytes: RawSpan) throws(ProtobufError) {
      switch field.number {
      case 1: try field.read(into: &unit, of: bytes)
      case 2: field.read(into: &cascade)
      default: break
      }
    }

    package func encode(into writer: inout ProtobufWriter) {
      writer.append(1, unit)
      writer.append(2, cascade)
    }
  }
}
