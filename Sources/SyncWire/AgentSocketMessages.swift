package import SyncUnits

// The messages of agentsocket.proto; those of the same shape share a type.

/// The requests of Ping and SyncList, and the answers of Ping, SyncWant, SyncStart and SyncComplete.
package struct EmptyMessage: ProtobufMessage {
  package init() {}
  package mutating func take(_ field: ProtobufField, of bytes: RawSpan) {}
  package func encode(into writer: inout ProtobufWriter) {}
}

/// The requests of SyncStart, SyncComplete, SyncReady and SyncStatus.
package struct UnitRequest: ProtobufMessage {
  package var unit = ""

  package init() {}
  package init(unit: String) { self.unit = unit }

  package mutating func take(_ field: ProtobufField, of bytes: RawSpan) throws(ProtobufError) {
    if field.number == 1 { try field.read(into: &unit, of: bytes) }
  }

  package func encode(into writer: inout ProtobufWriter) {
    writer.append(1, unit)
  }
}

/// The request of SyncWant.
package struct WantRequest: ProtobufMessage {
  package var unit = ""
  package var dependsOn = ""

  package init() {}
  package init(unit: String, dependsOn: String) {
    self.unit = unit
    self.dependsOn = dependsOn
  }

  package mutating func take(_ field: ProtobufField, of bytes: RawSpan) throws(ProtobufError) {
    switch field.number {
    case 1: try field.read(into: &unit, of: bytes)
    case 2: try field.read(into: &dependsOn, of: bytes)
    default: break
    }
  }

  package func encode(into writer: inout ProtobufWriter) {
    writer.append(1, unit)
    writer.append(2, dependsOn)
  }
}

/// The answer of SyncReady.
package struct ReadyResponse: ProtobufMessage {
  package var ready = false

  package init() {}
  package init(ready: Bool) { self.ready = ready }

  package mutating func take(_ field: ProtobufField, of bytes: RawSpan) {
    if field.number == 1 { field.read(into: &ready) }
  }

  package func encode(into writer: inout ProtobufWriter) {
    writer.append(1, ready)
  }
}

/// The answer of SyncStatus.
package struct StatusResponse: ProtobufMessage {
  package var status = ""
  package var isReady = false
  package var dependencies: [DependencyInfo] = []

  package init() {}

  package mutating func take(_ field: ProtobufField, of bytes: RawSpan) throws(ProtobufError) {
    switch field.number {
    case 1: try field.read(into: &status, of: bytes)
    case 2: field.read(into: &isReady)
    case 3: try field.append(to: &dependencies, of: bytes)
    default: break
    }
  }

  package func encode(into writer: inout ProtobufWriter) {
    writer.append(1, status)
    writer.append(2, isReady)
    writer.append(3, dependencies)
  }
}

/// One dependency in the answer of SyncStatus.
package struct DependencyInfo: ProtobufMessage {
  package var unit = ""
  package var dependsOn = ""
  package var requiredStatus = ""
  package var currentStatus = ""
  package var isSatisfied = false

  package init() {}

  package mutating func take(_ field: ProtobufField, of bytes: RawSpan) throws(ProtobufError) {
    switch field.number {
    case 1: try field.read(into: &unit, of: bytes)
    case 2: try field.read(into: &dependsOn, of: bytes)
    case 3: try field.read(into: &requiredStatus, of: bytes)
    case 4: try field.read(into: &currentStatus, of: bytes)
    case 5: field.read(into: &isSatisfied)
    default: break
    }
  }

  package func encode(into writer: inout ProtobufWriter) {
    writer.append(1, unit)
    writer.append(2, dependsOn)
    writer.append(3, requiredStatus)
    writer.append(4, currentStatus)
    writer.append(5, isSatisfied)
  }
}

/// The answer of SyncList.
package struct ListResponse: ProtobufMessage {
  package var units: [UnitInfo] = []

  package init() {}

  package mutating func take(_ field: ProtobufField, of bytes: RawSpan) throws(ProtobufError) {
    if field.number == 1 { try field.append(to: &units, of: bytes) }
  }

  package func encode(into writer: inout ProtobufWriter) {
    writer.append(1, units)
  }
}

/// One unit in the answer of SyncList.
package struct UnitInfo: ProtobufMessage {
  package var unit = ""
  package var status = ""
  package var isReady = false

  package init() {}

  package mutating func take(_ field: ProtobufField, of bytes: RawSpan) throws(ProtobufError) {
    switch field.number {
    case 1: try field.read(into: &unit, of: bytes)
    case 2: try field.read(into: &status, of: bytes)
    case 3: field.read(into: &isReady)
    default: break
    }
  }

  package func encode(into writer: inout ProtobufWriter) {
    writer.append(1, unit)
    writer.append(2, status)
    writer.append(3, isReady)
  }
}

extension StatusResponse {
  /// What a manager reports on `unit`, in the original's words.
  package init(_ report: UnitReport, on unit: UnitID) {
    status = report.status.original.wireName
    isReady = report.isReady
    dependencies = report.dependencies.map { dependency in
      var info = DependencyInfo()
      info.unit = unit.name
      info.dependsOn = dependency.unit.name
      info.requiredStatus = UnitStatus.completed.wireName
      info.currentStatus = dependency.currentStatus.original.wireName
      info.isSatisfied = dependency.isSatisfied
      return info
    }
  }

  package var report: UnitReport {
    UnitReport(
      status: UnitStatus(wireName: status), isReady: isReady,
      dependencies: dependencies.map {
        Dependency(
          unit: UnitID($0.dependsOn), requiredStatus: UnitStatus(wireName: $0.requiredStatus),
          currentStatus: UnitStatus(wireName: $0.currentStatus), isSatisfied: $0.isSatisfied)
      })
  }
}

extension ListResponse {
  package init(_ summaries: [UnitSummary]) {
    units = summaries.map { summary in
      var info = UnitInfo()
      info.unit = summary.unit.name
      info.status = summary.status.original.wireName
      info.isReady = summary.isReady
      return info
    }
  }

  package var summaries: [UnitSummary] {
    units.map {
      UnitSummary(
        unit: UnitID($0.unit), status: UnitStatus(wireName: $0.status), isReady: $0.isReady)
    }
  }
}
