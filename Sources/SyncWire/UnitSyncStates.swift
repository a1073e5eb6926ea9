// The messages of unitsync.proto that tell how things stand.

extension UnitSync {
  /// The answer of Status.
  package struct StatusResponse: ProtobufMessage {
    package var unit: UnitState?
    package var dependencies: [DependencyState] = []

    package init() {}

    package mutating func take(_ field: ProtobufField, of bytes: RawSpan) throws(ProtobufError) {
      switch field.number {
      case 1: try field.read(into: &unit, of: bytes)
      case 2: try field.append(to: &dependencies, of: bytes)
      default: break
      }
    }

    package func encode(into writer: inout ProtobufWriter) {
      writer.append(1, unit)
      writer.append(2, dependencies)
    }
  }

  /// What is known about a unit, in the answers of Status, List and Why.
  package struct UnitState: ProtobufMessage {
    package var unit = ""
    package var status = ""
    package var isReady: Bool = false
    package var generation: UInt64 = 0
    package var isHealthy: Bool = false
    package var isBlocked: Bool = false
    package var reason = ""
    package var exitStatus: UInt64 = 0
    package var holder: HolderInfo?

    package init() {}

    package mutating func take(_ field: ProtobufField, of bytes: RawSpan) throws(ProtobufError) {
      switch field.number {
      case 1: try field.read(into: &unit, of: bytes)
      case 2: try field.read(into: &status, of: bytes)
      case 3: field.read(into: &isReady)
      case 4: field.read(into: &generation)
      case 5: field.read(into: &isHealthy)
      case 6: field.read(into: &isBlocked)
      case 7: try field.read(into: &reason, of: bytes)
      case 8: field.read(into: &exitStatus)
      case 9: try field.read(into: &holder, of: bytes)
      default: break
      }
    }

    package func encode(into writer: inout ProtobufWriter) {
      writer.append(1, unit)
      writer.append(2, status)
      writer.append(3, isReady)
      writer.append(4, generation)
      writer.append(5, isHealthy)
      writer.append(6, isBlocked)
      writer.append(7, reason)
      writer.append(8, exitStatus)
      writer.append(9, holder)
    }
  }

  /// Who does the work of a unit.
  package struct HolderInfo: ProtobufMessage {
    package var process: UInt64 = 0
    package var command = ""
    package var since: UInt64 = 0
    package var isWatched: Bool = false

    package init() {}

    package mutating func take(_ field: ProtobufField, of bytes: RawSpan) throws(ProtobufError) {
      switch field.number {
      case 1: field.read(into: &process)
      case 2: try field.read(into: &command, of: bytes)
      case 3: field.read(into: &since)
      case 4: field.read(into: &isWatched)
      default: break
      }
    }

    package func encode(into writer: inout ProtobufWriter) {
      writer.append(1, process)
      writer.append(2, command)
      writer.append(3, since)
      writer.append(4, isWatched)
    }
  }

  /// One dependency in the answer of Status.
  package struct DependencyState: ProtobufMessage {
    package var unit = ""
    package var status = ""
    package var isSatisfied: Bool = false
    package var condition: UInt64 = 0
    package var isOptional: Bool = false

    package init() {}

    package mutating func take(_ field: ProtobufField, of bytes: RawSpan) throws(ProtobufError) {
      switch field.number {
      case 1: try field.read(into: &unit, of: bytes)
      case 2: try field.read(into: &status, of: bytes)
      case 3: field.read(into: &isSatisfied)
      case 4: field.read(into: &condition)
      case 5: field.read(into: &isOptional)
      default: break
      }
    }

    package func encode(into writer: inout ProtobufWriter) {
      writer.append(1, unit)
      writer.append(2, status)
      writer.append(3, isSatisfied)
      writer.append(4, condition)
      writer.append(5, isOptional)
    }
  }

  /// The request of List.
  package struct ListRequest: ProtobufMessage {
    package var after = ""

    package init() {}

    package mutating func take(_ field: ProtobufField, of bytes: RawSpan) throws(ProtobufError) {
      switch field.number {
      case 1: try field.read(into: &after, of: bytes)
      default: break
      }
    }

    package func encode(into writer: inout ProtobufWriter) {
      writer.append(1, after)
    }
  }

  /// The answer of List.
  package struct ListResponse: ProtobufMessage {
    package var units: [UnitState] = []
    package var hasMore: Bool = false

    package init() {}

    package mutating func take(_ field: ProtobufField, of bytes: RawSpan) throws(ProtobufError) {
      switch field.number {
      case 1: try field.append(to: &units, of: bytes)
      case 2: field.read(into: &hasMore)
      default: break
      }
    }

    package func encode(into writer: inout ProtobufWriter) {
      writer.append(1, units)
      writer.append(2, hasMore)
    }
  }

  /// The answer of Why.
  package struct WhyResponse: ProtobufMessage {
    package var nodes: [WhyNode] = []
    package var isStalled: Bool = false

    package init() {}

    package mutating func take(_ field: ProtobufField, of bytes: RawSpan) throws(ProtobufError) {
      switch field.number {
      case 1: try field.append(to: &nodes, of: bytes)
      case 2: field.read(into: &isStalled)
      default: break
      }
    }

    package func encode(into writer: inout ProtobufWriter) {
      writer.append(1, nodes)
      writer.append(2, isStalled)
    }
  }

  /// One unit in the answer of Why.
  package struct WhyNode: ProtobufMessage {
    package var unit: UnitState?
    package var depth: UInt64 = 0
    package var condition: UInt64 = 0
    package var isOptional: Bool = false
    package var isLost: Bool = false
    package var isRepeated: Bool = false
    package var omitted: UInt64 = 0

    package init() {}

    package mutating func take(_ field: ProtobufField, of bytes: RawSpan) throws(ProtobufError) {
      switch field.number {
      case 1: try field.read(into: &unit, of: bytes)
      case 2: field.read(into: &depth)
      case 3: field.read(into: &condition)
      case 4: field.read(into: &isOptional)
      case 5: field.read(into: &isLost)
      case 6: field.read(into: &isRepeated)
      case 7: field.read(into: &omitted)
      default: break
      }
    }

    package func encode(into writer: inout ProtobufWriter) {
      writer.append(1, unit)
      writer.append(2, depth)
      writer.append(3, condition)
      writer.append(4, isOptional)
      writer.append(5, isLost)
      writer.append(6, isRepeated)
      writer.append(7, omitted)
    }
  }
}
