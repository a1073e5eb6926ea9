/// An interchangeable part that is chosen at launch.
public enum Plugin: Sendable {
  /// A way for bytes, chosen by the scheme of an endpoint.
  case transport(any Transport.Type)
  /// A way to wait, chosen by its name.
  case waitingStrategy(any WaitingStrategy.Type)

  /// The name by which it is chosen.
  public var name: String {
    switch self {
    case .transport(let type): type.scheme
    case .waitingStrategy(let type): type.name
    }
  }

  /// How it is written, with what can be said behind the name.
  public var syntax: String {
    switch self {
    case .transport(let type): type.syntax
    case .waitingStrategy(let type): type.syntax
    }
  }

  fileprivate var kind: Kind {
    switch self {
    case .transport: .transport
    case .waitingStrategy: .waitingStrategy
    }
  }

  fileprivate enum Kind: String {
    case transport
    case waitingStrategy = "waiting strategy"
  }
}

/// The plugins that a program was built with, in the order in which they are listed; the first of
/// each kind is the default.
public struct PluginCatalog: Sendable {
  /// All of them.
  public let plugins: [Plugin]

  /// Collects plugins.
  /// - Precondition: there is at least one of each kind, and no two of a kind share a name: that is
  ///   a mistake of whoever builds the program, not of its user.
  public init(_ plugins: [Plugin]) {
    self.plugins = plugins
    for (index, plugin) in plugins.enumerated() {
      precondition(
        !plugins[..<index].contains { $0.kind == plugin.kind && $0.name == plugin.name },
        "two plugins are called \(plugin.kind.rawValue) \(plugin.name)")
    }
  }

  /// The type of the transport with this scheme.
  /// - Throws: `invalidArgument`, with all that exist.
  public func transportType(scheme: String) throws(PluginError) -> any Transport.Type {
    for case .transport(let type) in plugins where type.scheme == scheme { return type }
    throw unknown(.transport, scheme)
  }

  /// Makes the transport for `endpoint`.
  /// - Throws: `invalidArgument`.
  public func transport(
    for endpoint: Endpoint, environment: Environment
  ) throws(PluginError) -> any Transport {
    try transportType(scheme: endpoint.scheme)
      .init(address: endpoint.address, environment: environment)
  }

  /// The endpoint that is used when none is named.
  /// - Precondition: there is a transport.
  public var defaultEndpoint: Endpoint {
    Endpoint(scheme: first(.transport).name, address: nil)
  }

  /// Makes the strategy that `text` names, as in `poll:250ms`.
  /// - Throws: `invalidArgument`, with all that exist.
  public func waitingStrategy(_ text: String) throws(PluginError) -> any WaitingStrategy {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    for case .waitingStrategy(let type) in plugins where type.name == parts[0] {
      return try type.init(argument: parts.count > 1 ? String(parts[1]) : nil)
    }
    throw unknown(.waitingStrategy, String(parts[0]))
  }

  /// The strategy that is used when none is named.
  /// - Precondition: there is one.
  public var defaultWaitingStrategy: any WaitingStrategy {
    get throws(PluginError) { try waitingStrategy(first(.waitingStrategy).name) }
  }

  private func first(_ kind: Plugin.Kind) -> Plugin {
    guard let plugin = plugins.first(where: { $0.kind == kind }) else {
      preconditionFailure("a catalog needs at least one \(kind.rawValue)")
    }
    return plugin
  }

  private func unknown(_ kind: Plugin.Kind, _ name: String) -> PluginError {
    let known = plugins.filter { $0.kind == kind }.map { $0.syntax }
    return PluginError(
      .invalidArgument, "unknown \(kind.rawValue) \"\(name)\"",
      hint: "known are: \(known.joined(separator: ", "))"
        + (name.contains(",") ? "; repeat the flag for several" : ""))
  }
}
