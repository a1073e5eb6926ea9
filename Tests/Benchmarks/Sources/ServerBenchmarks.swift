import Glibc
import SyncSystem

/// What calls and connections cost a server, as the scheduler and the kernel count it.
struct ServerBenchmarks {
  let machine: Machine
  let agent: RunningAgent
  let report: Report
  let isQuick: Bool

  func calls() throws {
    report.section("Server's processor time for each ping; the floor is an epoll echo server in C")
    let path = machine.folder + "/echo.sock"
    let echo = try machine.startServer([machine.tool("echo-floor"), path]).child
    defer { machine.stop(echo) }
    for connections in [1, 8, 64, 1_024] {
      for outstanding in [1, 16] {
        var floors: [Double] = []
        var ours: [Double] = []
        var rates: [Double] = []
        for _ in 0..<5 {
          let calls = isQuick ? 20_000 : 100_000
          func load(_ path: String, _ id: Int32) throws -> [Double] {
            try machine.output([
              machine.tool("load"), path, "\(id)", "\(connections)", "\(outstanding)", "\(calls)",
            ])
          }
          floors.append(try load(path, echo.id)[1])
          let measured = try load(agent.socketPath, agent.processID)
          ours.append(measured[1])
          rates.append(measured[0])
        }
        let target: Target =
          switch (connections, outstanding) {
          case (1, 1): .ratio(1.25)
          case (64, 1): .ratio(1.6)
          default: .none
          }
        report.add(
          Row(
            what: "\(connections) connections, \(outstanding) outstanding", floor: Spread(floors),
            ours: Spread(ours), target: target,
            note: "\(format(Spread(rates).median / 1_000)) k calls/s"))
      }
    }
  }

  func crowds() throws {
    report.section("What connections cost an agent that was just started")
    for mode in ["idle", "poll", "wait"] {
      for count in isQuick ? [1_000] : [1_000, 10_000] {
        try withFreshAgent { agent in
          let values = try machine.output([
            machine.tool("crowd"), agent.socketPath, "\(agent.processID)", "\(count)", mode, "3",
          ])
          report.add(
            Row(
              what: "memory of a connection, \(count) \(mode)", unit: "bytes",
              ours: Spread([values[0]]),
              target: count == 10_000 && mode == "wait" ? .atMost(4_096) : .none))
          report.add(
            Row(
              what: "wake-ups in 3 s, \(count) \(mode)", unit: "", ours: Spread([values[1]]),
              target: mode == "poll" ? .none : .atMost(0),
              note: "\(format(values[2])) ms of processor time"))
        }
      }
    }
    try withFreshAgent { agent in
      report.add(
        Row(
          what: "memory of an idle agent", unit: "MB",
          ours: Spread([Machine.residentBytes(of: agent.processID) / 1e6]), target: .atMost(6),
          note:
            "\(format(Machine.residentBytes(of: agent.processID, "RssAnon") / 1e6)) MB without the pages of its file"
        ))
    }
  }

  private func withFreshAgent(_ body: (RunningAgent) throws -> Void) throws {
    let path = machine.folder + "/fresh.sock"
    let child = try machine.startServer(
      machine.cli + ["agent", "--socket-path", path, "--ready-fd", "1", "--log-level", "error"]
    ).child
    defer { machine.stop(child) }
    try body(RunningAgent(socketPath: path, processID: child.id))
  }
}
