/// Where an agent can be reached, as it is written in `--transport`: the scheme of a transport and,
/// behind a colon, the address in that transport's own notation.
public struct Endpoint: Hashable, Sendable {
  /// Which transport, for example `unix`.
  public let scheme: String
  /// What follows the colon; nil for the transport's default.
  public let address: String?

  /// Creates an endpoint from its parts.
  public init(scheme: String, address: String?) {
    self.scheme = scheme
    self.address = address
  }

  /// Reads `scheme` or `scheme:address`; nothing is checked.
  public init(parsing text: String) {
    // Not by characters: a combining mark at the beginning of the address makes one with the colon.
    let parts = text.utf8.split(
      separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
    self.init(
      scheme: String(Substring(parts[0])),
      address: parts.count > 1 && !parts[1].isEmpty ? String(Substring(parts[1])) : nil)
  }
}

extension Endpoint: CustomStringConvertible {
  /// The notation of `--transport`.
  public var description: String { address.map { "\(scheme):\($0)" } ?? scheme }
}
