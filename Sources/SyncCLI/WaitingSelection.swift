internal import SyncPlugin

extension Invocation {
  /// The strategy that an option asks for and, if that is another one, the default to fall back on.
  func waitingStrategies(
    _ option: Command.Option
  ) throws(CommandFailure) -> [any WaitingStrategy] {
    do throws(PluginError) {
      let standard = try catalog.defaultWaitingStrategy
      guard let text = value(option) else { return [standard] }
      let strategy = try catalog.waitingStrategy(text)
      return type(of: strategy) == type(of: standard) ? [strategy] : [strategy, standard]
    } catch {
      throw CommandFailure("\(source(of: option)): ", error)
    }
  }
}
