// Runs trials in large numbers; Tests/trials.sh builds it. The same trials are tests, in small numbers.
import Glibc
import Simulation
import SyncSystem

let usage = """
  usage: trials histories [COUNT [FIRST-SEED]]     random histories against the model; 10000
         trials interleavings [DEPTH]              all that 3 clients can do with 3 units
         trials simulations [COUNT [FIRST-SEED]]   start-ups with faults of all kinds; 1000
         trials races [COUNT]                      a dependency completes before, while and after somebody waits; 100000
         trials soak [SECONDS [SEED]]              a real agent under load, kills and garbage; 60
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
  case "interleavings": try await interleavings(numbers.first ?? .max)
  case "races":
    let count = numbers.first ?? 100_000
    let waits = try await Races.run(rounds: count)
    print(
      "\(count) races between a wait and what it is for: \(waits) had to wait, and all were told")
  case "soak":
    try await Soak(seed: UInt64(numbers.dropFirst().first ?? 1)).run(seconds: numbers.first ?? 60)
  case "simulations": try await simulations(numbers.first ?? 1_000, numbers.dropFirst().first ?? 1)
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
  var steps = 0
  while all.depth < depth {
    let level = try await all.advance()
    if level.steps == 0 { break }
    print("depth \(level.depth): \(level.newStates) new states, \(level.steps) steps tried")
    steps += level.steps
  }
  print("\(all.stateCount) states, \(steps) steps in them, each as the model says")
}

func simulations(_ count: Int, _ first: Int) async throws {
  let outcomes = try await Trials.map(first..<first + count) { try Simulation.run(seed: $0) }
  var sum = Simulation.Outcome()
  for outcome in outcomes { sum.add(outcome) }
  func list(_ counts: [String: Int]) -> String {
    counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
  }
  print(
    "\(count) simulations from seed \(first), \(sum.simulatedTime.components.seconds) simulated seconds"
  )
  print("faults: \(list(sum.faultCounts))")
  print("scripts were told, and went on: \(list(sum.errorCounts))")
}
