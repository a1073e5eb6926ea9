public import SyncPlugin
internal import TransportUnix
internal import WaitingPoll

extension PluginCatalog {
  /// The plugins of this package. Each is a folder beside this one; the first of a kind is the default.
  public static let standard = PluginCatalog([
    .transport(UnixTransport.self),
    .waitingStrategy(PollStrategy.self),
  ])
}
