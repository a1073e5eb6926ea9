internal import CLinux
internal import Glibc

/// A child that is there, with its number, and runs its program only when it is let. Whoever holds it calls
/// ``open()`` or ``abandon()``, once; if this process ends before, the child does without having run
/// anything.
package struct GatedProcess: Sendable {
  /// The child; its descriptor is readable also when it has ended without having run anything.
  package let process: ChildProcess
  private let gate: Int32
  private let report: Int32

  /// Makes a child that will become `arguments[0]`, which is looked up in PATH if it has no slash, with the
  /// variables of this process's environment as `variables` changes them, and killed when the calling thread
  /// ends.
  ///
  /// Of `passed`, the descriptor becomes the one of that number, which is above 2.
  package init(
    _ arguments: [String], variables: [String: String?] = [:],
    passed: (descriptor: Int32, number: Int32)? = nil, leadsGroup: Bool
  ) throws(SystemError) {
    var child = gated_process()
    let failure = withSpawnRequest(arguments, variables) { request in
      request.passed = passed?.descriptor ?? -1
      request.passed_number = passed?.number ?? -1
      request.leads_group = leadsGroup ? 1 : 0
      request.death_signal = SIGKILL
      return spawn_gated_process(&request, &child)
    }
    guard failure == 0 else { throw SystemError(.clone, failure) }
    gate = child.gate
    report = child.report
    do {
      process = try ChildProcess(started: child.process)
    } catch {
      Descriptor.close(child.gate)
      Descriptor.close(child.report)
      throw error
    }
  }

  /// Lets the child run its program. When it throws, there is no child any more.
  package func open() throws(SystemError) {
    var child = gated_process(process: process.id, gate: gate, report: report)
    let failure = open_gate(&child)
    guard failure == 0 else { throw SystemError(.exec, failure) }
  }

  /// Ends the child without having run anything, and reaps it.
  package func abandon() {
    Descriptor.close(gate)
    Descriptor.close(report)
    kill(process.id, SIGKILL)
    waitpid(process.id, nil, 0)
  }
}
