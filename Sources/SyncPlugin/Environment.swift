/// Variables of an environment, looked up one by one: a process has many and needs few.
public struct Environment: Sendable {
  private let lookUp: @Sendable (String) -> String?

  /// Creates an environment whose variables `lookUp` finds.
  public init(_ lookUp: @escaping @Sendable (String) -> String?) { self.lookUp = lookUp }

  /// The value of a variable; nil if it is unset. One that is set to nothing counts as unset, as in
  /// all settings of this package.
  public subscript(name: String) -> String? {
    guard let value = lookUp(name), !value.isEmpty else { return nil }
    return value
  }
}

extension Environment: ExpressibleByDictionaryLiteral {
  /// Creates an environment of just these variables.
  public init(dictionaryLiteral variables: (String, String)...) {
    let variables = Dictionary(variables) { _, last in last }
    self.init { variables[$0] }
  }
}
