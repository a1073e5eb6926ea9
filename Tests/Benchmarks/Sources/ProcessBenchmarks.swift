import Glibc
import SyncSystem

/// Whole processes: from the start of a command to its exit.
struct ProcessBenchmarks {
  let machine: Machine
  let agent: RunningAgent
  let report: Report
  let isQuick: Bool

  private var environment: [String: String?] { ["CODER_AGENT_SOCKET_PATH": agent.socketPath] }
  private var runs: Int { 5 }
  private var rounds: Int { isQuick ? 20 : 100 }

  func commands() throws {
    report.section("One command, whole process; the floor is a static C program that pings")
    var number = 0
    let sync = machine.cli + ["exp", "sync"]
    let commands: [(String, (Int) -> [String], (Int) -> [String]?)] = [
      ("an empty Swift program, to compare", { _ in [machine.tool("empty")] }, { _ in nil }),
      ("ping", { _ in sync + ["ping"] }, { _ in nil }),
      ("want", { sync + ["want", "w\($0)", "x"] }, { _ in nil }),
      ("start, no dependencies", { sync + ["start", "s\($0)"] }, { _ in nil }),
      ("complete", { sync + ["complete", "c\($0)"] }, { sync + ["start", "c\($0)"] }),
    ]
    for (name, command, before) in commands {
      var floors: [Double] = []
      var ours: [Double] = []
      for _ in 0..<runs {
        var pairs: [(floor: Double, ours: Double)] = []
        for _ in 0..<rounds {
          number += 1
          if let before = before(number) {
            _ = try machine.time(before, environment)
          }
          let floor = try machine.time([machine.tool("ping-floor"), agent.socketPath])
          let time = try machine.time(
            command(number), environment)
          pairs.append((floor, time))
        }
        floors.append(Spread(pairs.map(\.floor)).median)
        ours.append(Spread(pairs.map(\.ours)).median)
      }
      report.add(
        Row(
          what: name, floor: Spread(floors), ours: Spread(ours),
          target: name == "ping" ? .ratio(1.25) : .none))
    }
  }

  func startUp() throws {
    report.section("Start-up; the floor is the C echo server")
    var floors: [Double] = []
    var ours: [Double] = []
    for run in 0..<(isQuick ? 5 : 20) {
      let path = machine.folder + "/start-\(run).sock"
      let floor = try machine.startServer([machine.tool("echo-floor"), path])
      machine.stop(floor.child)
      unlink(path)
      let agent = try machine.startServer(
        machine.cli + ["agent", "--socket-path", path, "--ready-fd", "1", "--log-level", "error"])
      machine.stop(agent.child)
      floors.append(floor.microseconds)
      ours.append(agent.microseconds)
    }
    report.add(
      Row(what: "agent, from its start until it listens", floor: Spread(floors), ours: Spread(ours))
    )
  }

  func wakeUps() throws {
    report.section(
      "complete of the last dependency → exit of a blocked start; floor: a pipe wakes a process")
    for (strategy, count, target) in [("push", 100, Target.atMost(2)), ("poll", 20, .none)] {
      let values = try machine.output([
        machine.tool("wake"), "\(isQuick ? min(count, 5) : count)", agent.socketPath,
        machine.cli.joined(separator: " "), strategy,
      ])
      let ours = Spread(stride(from: 0, to: values.count, by: 2).map { values[$0] })
      report.add(
        Row(
          what: "start --wait \(strategy)", unit: "ms",
          floor: Spread(stride(from: 1, to: values.count, by: 2).map { values[$0] }), ours: ours,
          target: target, note: "p99 \(format(ours.percentile99)) ms"))
    }
  }

  /// By how much a limit is missed; whole processes, so that their start is in it.
  func limits() throws {
    report.section("start --timeout 300ms of a unit that waits: what it takes beyond that")
    let sync = machine.cli + ["exp", "sync"]
    _ = try machine.time(sync + ["want", "limited", "never"], environment)
    for strategy in ["push", "poll"] {
      let times = try (0..<(isQuick ? 5 : 50)).map { _ in
        try machine.time(
          sync + ["start", "limited", "--timeout", "300ms", "--wait", strategy], environment,
          status: 124) / 1_000 - 300
      }
      report.add(
        Row(
          what: "start --wait \(strategy) --timeout 300ms", unit: "ms", ours: Spread(times),
          target: .atMost(20)))
    }
  }

  /// Fifty scripts that all start at once and run one after another.
  func chain() throws {
    report.section(
      "A chain of 50 scripts started at once; the floor is 50 times three C pings and true")
    let coder = machine.cli.joined(separator: " ")
    var floors: [Double] = []
    var ours: [Double] = []
    for run in 0..<(isQuick ? 1 : 5) {
      let ping = "\(machine.tool("ping-floor")) \(agent.socketPath)"
      floors.append(
        try machine.time([
          "sh", "-c", "for i in $(seq 50); do \(ping); \(ping); /bin/true; \(ping); done",
        ])
          / 1_000)
      let script = """
        script() {
          [ $1 = 1 ] || \(coder) exp sync want chain\(run)-$1 chain\(run)-$(($1 - 1)) || exit
          \(coder) exp sync start chain\(run)-$1 --wait push && /bin/true &&
          \(coder) exp sync complete chain\(run)-$1
        }
        for i in $(seq 50); do script $i & done; wait
        """
      ours.append(try machine.time(["sh", "-c", script], environment) / 1_000)
    }
    report.add(
      Row(
        what: "chain of 50, first start to last complete", unit: "ms", floor: Spread(floors),
        ours: Spread(ours), target: .atMost(500)))
  }

  func size() throws {
    report.section("Size")
    let bytes = try? machine.output(["stat", "-c", "%s", machine.cli[0]])
    if let bytes {
      report.add(
        Row(
          what: "the executable", unit: "MB", ours: Spread(bytes.map { $0 / 1e6 }),
          target: .atMost(10)))
    }
  }
}
