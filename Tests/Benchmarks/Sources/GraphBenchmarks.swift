import Glibc
import SyncUnits

/// The graph in this process: how its cost grows.
struct GraphBenchmarks {
  let report: Report
  let isQuick: Bool

  /// A graph to declare: edges from a unit to what it depends on, in the order of their declaration.
  private struct Series {
    let name: String
    let sizes: [Int]
    let target: [Int: Double]
    let edges: (Int) -> [(Int, Int)]
  }

  func run() throws {
    report.section(
      """
      The graph in process (UnitStore): declaring it, growth over the sizes; the floor is to declare
      it again, which looks up the same names and edges and changes nothing
      """)
    let most = isQuick ? 100_000 : 1_000_000
    let chains = [1_000, 10_000, 100_000, 1_000_000].filter { $0 <= most }
    let series = [
      Series(name: "chain in order", sizes: chains, target: [10_000: 20]) { count in
        (1..<count).map { ($0, $0 - 1) }
      },
      Series(name: "chain in reverse", sizes: chains, target: [10_000: 20]) { count in
        (1..<count).reversed().map { ($0, $0 - 1) }
      },
      Series(
        name: "random, 5 edges a unit",
        sizes: [1_000, 10_000, 100_000, 200_000].filter { $0 * 5 <= most },
        target: [10_000: 20]
      ) { count in
        var random = UInt64(88_172_645_463_325_252)
        func next(_ bound: Int) -> Int {
          random ^= random << 13
          random ^= random >> 7
          random ^= random << 17
          return Int(random % UInt64(bound))
        }
        // A hidden order keeps the graph without cycles; what is declared comes in any order.
        var order = Array(0..<count)
        for index in order.indices.reversed().dropLast() { order.swapAt(index, next(index + 1)) }
        return (0..<5 * count).map { _ in
          let (a, b) = (next(count - 1) + 1, 0)
          return (order[a], order[next(a) + b])
        }
      },
      Series(name: "fan-in", sizes: [10_000, 100_000].filter { $0 <= most }, target: [:]) { count in
        (1..<count).map { (0, $0) }
      },
      Series(name: "fan-out", sizes: [10_000, 100_000].filter { $0 <= most }, target: [:]) {
        count in
        (1..<count).map { ($0, 0) }
      },
    ]
    for series in series { try measure(series) }
    try fanInLife()
  }

  private func measure(_ series: Series) throws {
    var points: [(edges: Double, time: Double, floor: Double, visited: Double)] = []
    for size in series.sizes {
      let edges = series.edges(size)
      let names = (0..<size).map(Self.name)
      var times: [Double] = []
      var floors: [Double] = []
      var visited = 0
      for _ in 0..<5 {
        var store = UnitStore()
        func declare() throws -> Double {
          let begin = microseconds()
          for (unit, dependency) in edges {
            try store.want(names[unit], dependsOn: [names[dependency]])
          }
          return (microseconds() - begin) / 1_000
        }
        times.append(try declare())
        visited = store.graph.visitedEdgeCount
        floors.append(try declare())
        if times.reduce(0, +) > 10_000 { break }
      }
      let (spread, floor) = (Spread(times), Spread(floors))
      points.append((Double(edges.count), spread.minimum, floor.minimum, Double(visited)))
      report.add(
        Row(
          what: "\(series.name), \(size) units, \(edges.count) edges", unit: "ms", floor: floor,
          ours: spread, target: series.target[size].map { .atMost($0) } ?? .none,
          note: "\(visited) edges visited"))
    }
    func growth(
      _ value: KeyPath<(edges: Double, time: Double, floor: Double, visited: Double), Double>
    )
      -> String
    {
      "n^" + format(exponent(points.map { ($0.edges, $0[keyPath: value]) }))
    }
    let visits = points[0].visited > 0 ? ", visited edges as \(growth(\.visited))" : ""
    report.note(
      "\(series.name): grows as \(growth(\.time)), the floor as \(growth(\.floor))\(visits)")
  }

  /// One unit that wants ten thousand others: declared, all started and completed one by one.
  private func fanInLife() throws {
    let names = (0...10_000).map(Self.name)
    var times: [Double] = []
    for _ in 0..<5 {
      var store = UnitStore()
      let begin = microseconds()
      for name in names.dropFirst() { try store.want(names[0], dependsOn: [name]) }
      for name in names.dropFirst() {
        _ = try store.start(name)
        try store.finish(name, as: .completed)
      }
      times.append((microseconds() - begin) / 1_000)
      guard try store.isReady(names[0]) else {
        throw Failure(description: "fan-in did not become ready")
      }
    }
    report.add(
      Row(
        what: "fan-in of 10,000, declared, started and completed", unit: "ms", ours: Spread(times),
        target: .atMost(20)))
  }

  /// A name as the decoder makes it: interpolation would leave even a short one on the heap.
  private static func name(_ number: Int) -> UnitID {
    UnitID(String(decoding: Array("unit-\(number)".utf8), as: UTF8.self))
  }

  /// The slope of the least squares line through the logarithms.
  private func exponent(_ points: [(Double, Double)]) -> Double {
    let logs = points.map { (log($0.0), log(max($0.1, 1e-6))) }
    let (x, y) = (logs.map(\.0).reduce(0, +), logs.map(\.1).reduce(0, +))
    let n = Double(logs.count)
    let xy = logs.map { $0.0 * $0.1 }.reduce(0, +)
    let xx = logs.map { $0.0 * $0.0 }.reduce(0, +)
    return (n * xy - x * y) / (n * xx - x * x)
  }
}
