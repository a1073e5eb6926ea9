/// The secrets with which the two sides of a connection prove themselves, for transports on which the
/// kernel does not say who is at the other end.
///
/// A transport attaches them to its connections. The server then closes a connection whose first call
/// does not carry the client's secret, and a client believes nothing before it has seen the agent's.
public struct ConnectionSecrets: Hashable, Sendable {
  /// What a client shows.
  public let client: Secret
  /// What an agent shows.
  public let agent: Secret

  /// Puts two secrets together.
  public init(client: Secret, agent: Secret) {
    self.client = client
    self.agent = agent
  }
}

/// Bytes that only the two sides know. They are compared in a time that does not depend on where they
/// differ, and never appear in a description.
public struct Secret: Sendable {
  private let bytes: [UInt8]

  /// The fewest bytes of a secret: 128 bits.
  public static let minimumBytes = 16

  /// Takes bytes from a generator that nobody can predict.
  /// - Precondition: there are at least ``minimumBytes`` of them.
  public init(_ bytes: [UInt8]) {
    precondition(bytes.count >= Self.minimumBytes, "a secret has at least 128 bits")
    self.bytes = bytes
  }

  /// Reads two digits a byte; nil for anything else and for less than ``minimumBytes``.
  public init?(hexadecimal text: some StringProtocol) {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let high = rest.popFirst() {
      guard let low = rest.popFirst(), let high = Self.digit(high), let low = Self.digit(low) else {
        return nil
      }
      bytes.append(high << 4 | low)
    }
    guard bytes.count >= Self.minimumBytes else { return nil }
    self.bytes = bytes
  }

  private static func digit(_ character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
    default: nil
    }
  }

  /// The secret itself, for the one file and the one call that carry it: two small digits a byte.
  public var hexadecimal: String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
    return String(decoding: text, as: UTF8.self)
  }
}

extension Secret: Hashable {
  public static func == (left: Secret, right: Secret) -> Bool {
    guard left.bytes.count == right.bytes.count else { return false }
    var difference: UInt8 = 0
    for (left, right) in zip(left.bytes, right.bytes) { difference |= left ^ right }
    return difference == 0
  }

  public func hash(into hasher: inout Hasher) { hasher.combine(bytes) }
}

extension Secret: CustomStringConvertible, CustomReflectable {
  public var description: String { "(secret)" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}
