/// Why a plugin could not be made or could not do its work.
public struct PluginError: Error, Hashable, Sendable {
  /// The kind of an error; the command line derives its exit status from it. More kinds may come:
  /// a `switch` over them needs a `default`.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    public let description: String
    private init(_ description: String) { self.description = description }

    /// The text after the plugin's name is not what it takes, or no such plugin exists.
    public static let invalidArgument = Code("invalid argument")
    /// Nobody listens there, or the connection ended.
    public static let unreachable = Code("unreachable")
    /// The kernel or the other side does not let this user in, or this side does not trust the other.
    public static let permissionDenied = Code("permission denied")
    /// A live agent has the endpoint already.
    public static let endpointInUse = Code("endpoint in use")
    /// Something else is in the place of the endpoint, and was left alone.
    public static let endpointBlocked = Code("endpoint blocked")
    /// The plugin has no such side: an agent-only transport was asked to connect, or the reverse.
    public static let unsupported = Code("unsupported")
    /// A system call failed for another reason.
    public static let system = Code("system")
  }

  /// What kind of error it is.
  public let code: Code
  /// What happened, in one line.
  public let message: String
  /// What the user can do about it, in one line.
  public let hint: String?

  /// Creates an error.
  public init(_ code: Code, _ message: String, hint: String? = nil) {
    self.code = code
    self.message = message
    self.hint = hint
  }
}

extension PluginError: CustomStringConvertible {
  public var description: String { message }
}
