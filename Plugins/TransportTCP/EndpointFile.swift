internal import SyncPlugin
internal import SyncSystem

/// What an agent writes down for the clients of its user: where it is, and the secrets by which both
/// know each other.
package struct EndpointFile: Equatable {
  let address: InternetAddress
  let secrets: ConnectionSecrets

  /// The name of the file for an address, or of the one for whoever knows none.
  static func name(of address: InternetAddress?) -> String {
    prefix + (address.map(\.description) ?? "latest")
  }

  static let prefix = "tcp-"

  init(address: InternetAddress, secrets: ConnectionSecrets) {
    self.address = address
    self.secrets = secrets
  }

  /// Reads the contents of a file; nil if it is something else, or its address is not of this machine.
  package init?(_ text: String) {
    var fields: [Substring: Substring] = [:]
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: " ", maxSplits: 1)
      if parts.count == 2 { fields[parts[0]] = parts[1] }
    }
    guard let address = fields["address"], let client = fields["client"],
      let agent = fields["agent"],
      let client = Secret(hexadecimal: client), let agent = Secret(hexadecimal: agent),
      let address = try? InternetAddress(loopback: String(address)), address.port != 0
    else { return nil }
    self.init(address: address, secrets: ConnectionSecrets(client: client, agent: agent))
  }

  package var contents: String {
    """
    address \(address)
    client \(secrets.client.hexadecimal)
    agent \(secrets.agent.hexadecimal)

    """
  }
}
