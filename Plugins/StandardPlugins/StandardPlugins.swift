public import SyncPlugin
internal import TransportCommand
internal import TransportPipe
internal import TransportTCP
internal import TransportUnix
internal import WaitingPoll
internal import WaitingPush

extension PluginCatalog {
  /// The plugins of this package. Each is a folder beside this one; the first of a kind is the default.
  public static let standard = PluginCatalog([
    .transport(UnixTransport.self),
    .transport(TCPTransport.self),
    .transport(PipeTransport.self),
    .transport(CommandTransport.self),
    .waitingStrategy(PollStrategy.self),
    .waitingStrategy(PushStrategy.self),
  ])
}
