/// The transports and waiting strategies that a program was built with, in the order in which they
/// are listed; the first of each kind is the default.
public struct PluginCatalog: Sendable {
  /// All transports.
  public let transports: [any Transport.Type]
  /// All waiting strategies.
  public let waitingStrategies: [any WaitingStrategy.Type]

  /// Collects plugins.
  /// - Precondition: there is at least one of each kind, and no two of a kind share a name: that is
  ///   a mistake of whoever builds the program, not of its user.
  public init(
    transports: [any Transport.Type], waitingStrategies: [any WaitingStrategy.Type]
  ) {
    Self.check("transport", transports.map { $0.scheme })
    Self.check("waiting strategy", waitingStrategies.map { $0.name })
    self.transports = transports
    self.waitingStrategies = waitingStrategies
  }

  private static func check(_ kind: String, _ names: [String]) {
    precondition(!names.isEmpty, "a catalog needs at least one \(kind)")
    for (index, name) in names.enumerated() {
      precondition(!names[..<index].contains(name), "two plugins are called \(kind) \(name)")
    }
  }

  /// The type of the transport with this scheme.
  /// - Throws: `invalidArgument`, with all that exist.
  public func transportType(scheme: String) throws(PluginError) -> any Transport.Type {
    guard let type = transports.first(where: { $0.scheme == scheme }) else {
      throw unknown("transport", scheme, known: transports.map { $0.syntax })
    }
    return type
  }

  /// Makes the transport for `endpoint`.
  /// - Throws: `invalidArgument`.
  public func transport(
    for endpoint: Endpoint, environment: Environment
  ) throws(PluginError) -> any Transport {
    try transportType(scheme: endpoint.scheme)
      .init(address: endpoint.address, environment: environment)
  }

  /// Makes the strategy that `text` names, as in `poll:250ms`.
  /// - Throws: `invalidArgument`, with all that exist.
  public func waitingStrategy(_ text: String) throws(PluginError) -> any WaitingStrategy {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard let type = waitingStrategies.first(where: { $0.name == parts[0] }) else {
      throw unknown(
        "waiting strategy", String(parts[0]), known: waitingStrategies.map { $0.syntax })
    }
    return try type.init(argument: parts.count > 1 ? String(parts[1]) : nil)
  }

  /// The strategy that is used when none is named.
  public var defaultWaitingStrategy: any WaitingStrategy {
    get throws(PluginError) { try waitingStrategies[0].init(argument: nil) }
  }

  private func unknown(_ kind: String, _ name: String, known: [String]) -> PluginError {
    PluginError(
      .invalidArgument, "unknown \(kind) \"\(name)\"",
      hint: "known are: \(known.joined(separator: ", "))")
  }
}
