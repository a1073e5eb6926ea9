import StandardPlugins
import SyncPlugin
import Testing

@Suite struct PluginCatalogTests {
  @Test func findsPluginsByName() throws {
    let catalog = PluginCatalog.standard
    #expect(catalog.defaultEndpoint == Endpoint(scheme: "unix", address: nil))
    #expect(try catalog.transportType(scheme: "unix").sides == [.agent, .client])
    let transport = try catalog.transport(for: Endpoint(parsing: "unix:/a"), environment: [:])
    #expect(transport.endpoint.description == "unix:/a")
    for text in ["poll", "poll:250ms"] {
      #expect(type(of: try catalog.waitingStrategy(text)).name == "poll")
    }
    #expect(type(of: try catalog.defaultWaitingStrategy).name == "poll")
  }

  @Test func listsWhatExistsWhenAskedForSomethingElse() {
    let catalog = PluginCatalog.standard
    let transport = #expect(throws: PluginError.self) { try catalog.transportType(scheme: "poll") }
    #expect(transport?.message == #"unknown transport "poll""#)
    #expect(transport?.hint == "known are: unix[:PATH], tcp[:ADDRESS:PORT], pipe, exec:COMMAND")
    let strategy = #expect(throws: PluginError.self) { try catalog.waitingStrategy("unix:1") }
    #expect(strategy?.message == #"unknown waiting strategy "unix""#)
    #expect(strategy?.hint == "known are: poll[:INTERVAL], push")
  }

  @Test func refusesTwoOfOneName() async {
    await #expect(processExitsWith: .failure) {
      _ = PluginCatalog(PluginCatalog.standard.plugins + PluginCatalog.standard.plugins)
    }
  }

  /// A mistake of whoever builds a program, which ends it at once.
  @Test func twoOfOneNameAreRefused() async {
    await #expect(processExitsWith: .failure) {
      let plugins = PluginCatalog.standard.plugins
      _ = PluginCatalog(plugins + [plugins[0]])
    }
    await #expect(processExitsWith: .success) {
      let plugins = PluginCatalog.standard.plugins
      _ = PluginCatalog(Array(plugins.reversed()))
    }
  }
}
