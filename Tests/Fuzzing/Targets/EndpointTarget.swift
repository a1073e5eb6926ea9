internal import StandardPlugins
internal import SyncPlugin
internal import SyncWire
internal import TransportTCP
internal import WaitingPoll

/// What is accepted as an endpoint, a way to wait, an endpoint file or a secret is accepted again as it is
/// printed, and is the same then; no address is accepted that another machine could reach.
///
/// The first byte chooses; of an endpoint, the variable with the path of the socket stands behind a NUL.
enum EndpointTarget {
  static func run(_ bytes: RawSpan) {
    guard bytes.byteCount > 0 else { return }
    let rest = bytes.extracting(1..<bytes.byteCount)
    guard let text = rest.withUnsafeBytes({ String(validating: $0, as: UTF8.self) }) else { return }
    switch bytes[0] & 3 {
    case 0: checkTransport(text)
    case 1: checkStrategy(text)
    case 2: checkFile(text)
    default: checkSecret(text)
    }
  }

  private static func checkTransport(_ text: String) {
    let parts = text.unicodeScalars.split(
      separator: "\0", maxSplits: 1, omittingEmptySubsequences: false
    ).map { String($0) }
    let catalog = PluginCatalog.standard
    let path = parts.count > 1 ? parts[1] : ""
    let asked = Endpoint(parsing: parts[0])
    guard
      let transport = try? catalog.transport(
        for: asked, environment: ["CODER_AGENT_SOCKET_PATH": path])
    else { return }
    let endpoint = transport.endpoint
    let printed = endpoint.description
    let parsed = Endpoint(parsing: printed)
    demand(parsed == endpoint, "\"\(printed)\" is another endpoint than \(endpoint)")
    guard let again = try? catalog.transport(for: parsed, environment: [:]) else {
      fatalError("\"\(printed)\" is printed, and refused")
    }
    demand(again.endpoint == endpoint, "\"\(printed)\" is printed, and read as \(again.endpoint)")
    if endpoint.scheme == "tcp" {
      demand(isLoopback(endpoint.address ?? ""), "\"\(printed)\" can be reached from elsewhere")
    }
  }

  private static func isLoopback(_ address: String) -> Bool {
    address.hasPrefix("127.") || address.hasPrefix("[::1]:")
  }

  private static func checkStrategy(_ text: String) {
    let catalog = PluginCatalog.standard
    guard let strategy = try? catalog.waitingStrategy(text) as? PollStrategy else { return }
    let printed = "poll:\(strategy.interval.goNotation)"
    let again = try? catalog.waitingStrategy(printed) as? PollStrategy
    demand(again?.interval == strategy.interval, "\"\(printed)\" is another interval than \(text)")
    demand(strategy.interval >= .milliseconds(1), "\"\(text)\" polls too often")
  }

  private static func checkFile(_ text: String) {
    guard let file = EndpointFile(text) else { return }
    let contents = file.contents
    demand(EndpointFile(contents) == file, "an endpoint file is read as another one: \(contents)")
    demand(
      contents.hasPrefix("address 127.") || contents.hasPrefix("address [::1]:"),
      "an endpoint file leads elsewhere: \(contents)")
  }

  private static func checkSecret(_ text: String) {
    guard let secret = Secret(hexadecimal: text) else { return }
    demand(secret.hexadecimal == text, "\"\(text)\" is written as \(secret.hexadecimal)")
  }
}
