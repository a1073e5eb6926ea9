import CustomPlugins
import StandardPlugins
import SyncCLI
import SyncPlugin

// The standard plugins come first, and with them the defaults.
Program.main(
  catalog: PluginCatalog(
    PluginCatalog.standard.plugins + [
      .transport(AbstractTransport.self),
      .waitingStrategy(BackOffStrategy.self),
    ]))
