/// Standard input and output, taken for a protocol: nothing else in this process reads or writes them
/// any more, and they do not block.
package struct StandardStreams: Sendable {
  /// Owned by whoever took them.
  package let input: Int32
  package let output: Int32
  private let inputModes: Descriptor.Modes
  private let outputModes: Descriptor.Modes

  /// Takes them; after a failure they may be gone.
  package init() throws(SystemError) {
    input = try Descriptor.takeStandard(Descriptor.standardInput)
    do throws(SystemError) {
      output = try Descriptor.takeStandard(Descriptor.standardOutput)
      do throws(SystemError) {
        inputModes = try Descriptor.setNonblocking(input)
        outputModes = try Descriptor.setNonblocking(output)
      } catch {
        Descriptor.close(output)
        throw error
      }
    } catch {
      Descriptor.close(input)
      throw error
    }
  }

  /// Makes the open files what they were before: other processes may share them, as a shell does its
  /// terminal. Called right before they are closed.
  package func restore() {
    Descriptor.restore(outputModes, of: output)
    Descriptor.restore(inputModes, of: input)
  }
}
