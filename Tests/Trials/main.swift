// Runs trials in large numbers; Tests/trials.sh builds it. The same trials are tests, in small numbers.
import Glibc
import Simulation
import SyncSystem

let usage = """
  usage: trials histories [COUNT [FIRST-SEED]]     random histories against the model; 10000
         trials interleavings [DEPTH]              all that 3 clients can do with 3 units; 8
  """

func fail(_ text: String, status: Int32) -> Never {
  try? Descriptor.writeAll(Descriptor.standardError, text + "\n")
  exit(status)
}

let words = Array(CommandLine.arguments.dropFirst())
let numbers = words.dropFirst().map { Int($0) ?? 0 }
if numbers.contains(0) { fail(usage, status: 64) }

do {
  switch words.first {
  case "histories": try await histories(numbers.first ?? 10_000, numbers.dropFirst().first ?? 1)
  case "interleavings": try await interleavings(numbers.first ?? 8)
  case "help", "--help", "-h": print(usage)
  default: fail(usage, status: 64)
  }
} catch {
  fail("\(error)", status: 1)
}

func histories(_ count: Int, _ first: Int) async throws {
  let steps = try await Trials.map(first..<first + count) { try Trials.checkHistory(seed: $0) }
    .reduce(0, +)
  print("\(count) histories from seed \(first): \(steps) steps, each as the model says")
}

func interleavings(_ depth: Int) async throws {
  var all = Interleavings()
  for _ in 0..<depth {
    let level = try await all.advance()
    print("depth \(level.depth): \(level.newStates) new states, \(level.steps) steps tried")
  }
  print("\(all.stateCount) states to depth \(depth), each step in each of them as the model says")
}
