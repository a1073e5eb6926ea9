// Hands the target that FUZZ_TARGET names to libFuzzer, whose arguments it takes; without a target it
// lists all, each with the length of its longest input. Built and run by Tests/fuzz.sh.
internal import FuzzTargets
internal import Glibc

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ argumentCount: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ run: @convention(c) (UnsafePointer<UInt8>, Int) -> Int32
) -> Int32

/// Global, because libFuzzer takes a function that captures nothing.
nonisolated(unsafe) private var target = FuzzTarget.frames

// Instrumented for libFuzzer, a module cannot have top-level code.
@main private struct Fuzz {
  static func main() {
    // A variable, because libFuzzer starts itself anew to merge and to minimize.
    guard let name = getenv("FUZZ_TARGET") else {
      for target in FuzzTarget.allCases { print(target.rawValue, target.longestInput) }
      return
    }
    guard let named = FuzzTarget(rawValue: String(cString: name)) else {
      fatalError("there is no target \(String(cString: name))")
    }
    target = named
    var count = CommandLine.argc
    var arguments = CommandLine.unsafeArgv
    exit(
      runDriver(&count, &arguments) { bytes, count in
        target.run(UnsafeRawBufferPointer(start: bytes, count: count).bytes)
        return 0
      })
  }
}
