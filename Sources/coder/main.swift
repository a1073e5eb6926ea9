import StandardPlugins
import SyncCLI
import SyncPlugin

Program.main(catalog: .standard)
