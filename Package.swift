// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("ExistentialAny"),
  .treatAllWarnings(as: .error),
]

/// Every target names its folder: `Plugins/` is not a place where SwiftPM looks by itself.
func room(
  _ path: String, uses dependencies: [Target.Dependency] = [], exclude: [String] = []
) -> Target {
  .target(
    name: String(path.split(separator: "/").last!), dependencies: dependencies, path: path,
    exclude: exclude, swiftSettings: strict)
}

func tests(_ name: String, of dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .testTarget(
    name: name, dependencies: dependencies, path: "Tests/\(name)", exclude: exclude,
    swiftSettings: strict)
}

/// Only where it is asked for: a package with unsafe flags cannot be depended on.
let fuzzer: [Target] =
  Context.environment["FUZZING"] == nil
  ? []
  : [
    .executableTarget(
      name: "fuzz", dependencies: ["FuzzTargets"], path: "Tests/Fuzzing/Driver",
      swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])],
      // gold crashes on what libFuzzer needs.
      linkerSettings: [.unsafeFlags(["-use-ld=lld"])])
  ]

let package = Package(
  name: "swift-unit-sync",
  products: [
    .executable(name: "coder", targets: ["coder"]),
    .library(name: "SyncUnits", targets: ["SyncUnits"]),
    .library(name: "SyncPlugin", targets: ["SyncPlugin"]),
    .library(name: "SyncRPC", targets: ["SyncRPC"]),
    .library(name: "SyncAgent", targets: ["SyncAgent"]),
    .library(name: "SyncCLI", targets: ["SyncCLI"]),
    .library(name: "Libevent", targets: ["Libevent"]),
    .library(name: "StandardPlugins", targets: ["StandardPlugins"]),
    .library(name: "TransportMemory", targets: ["TransportMemory"]),
    .library(name: "SyncTestKit", targets: ["SyncTestKit"]),
  ],
  targets: [
    .systemLibrary(
      name: "CLibevent", path: "Sources/CLibevent", providers: [.apt(["libevent-dev"])]),
    .systemLibrary(
      name: "CJansson", path: "Sources/CJansson", providers: [.apt(["libjansson-dev"])]),
    .target(name: "CLinux", path: "Sources/CLinux"),

    room("Sources/SyncUnits", exclude: ["CONDITIONS.md"]),
    room("Sources/SyncPlugin", uses: ["SyncUnits"]),
    room(
      "Sources/SyncWire", uses: ["SyncUnits"], exclude: ["agentsocket.proto", "unitsync.proto"]),
    room("Sources/SyncRPC", uses: ["SyncUnits", "SyncPlugin", "SyncWire"]),
    room("Sources/SyncSystem", uses: ["CLinux"]),
    room("Sources/SyncText", uses: ["CJansson", "SyncUnits"]),
    room("Sources/Libevent", uses: ["CLibevent", "SyncUnits", "SyncPlugin", "SyncSystem"]),
    room(
      "Sources/SyncAgent",
      uses: ["SyncUnits", "SyncPlugin", "SyncRPC", "Libevent", "SyncSystem", "SyncText"]),
    room(
      "Sources/SyncCLI",
      uses: [
        "SyncUnits", "SyncPlugin", "SyncRPC", "Libevent", "SyncSystem", "SyncText", "SyncAgent",
      ]),
    .executableTarget(
      name: "coder", dependencies: ["SyncCLI", "SyncPlugin", "StandardPlugins"],
      path: "Sources/coder",
      exclude: ["release.sh"],
      swiftSettings: strict),

    room("Plugins/TransportUnix", uses: ["SyncPlugin", "SyncSystem"], exclude: ["README.md"]),
    room("Plugins/TransportTCP", uses: ["SyncPlugin", "SyncSystem"], exclude: ["README.md"]),
    room("Plugins/TransportPipe", uses: ["SyncPlugin", "SyncSystem"], exclude: ["README.md"]),
    room("Plugins/TransportCommand", uses: ["SyncPlugin", "SyncSystem"], exclude: ["README.md"]),
    room(
      "Plugins/TransportMemory", uses: ["SyncPlugin", "SyncSystem", "SyncUnits"],
      exclude: ["README.md"]),
    room("Plugins/WaitingPoll", uses: ["SyncPlugin", "SyncUnits"], exclude: ["README.md"]),
    room("Plugins/WaitingPush", uses: ["SyncPlugin", "SyncUnits"], exclude: ["README.md"]),
    room(
      "Plugins/StandardPlugins",
      uses: [
        "SyncPlugin", "TransportUnix", "TransportTCP", "TransportPipe", "TransportCommand",
        "WaitingPoll", "WaitingPush",
      ]),

    room(
      "Tests/SyncTestKit",
      uses: [
        "SyncUnits", "SyncPlugin", "SyncRPC", "Libevent", "TransportMemory", "TransportCommand",
      ], exclude: ["README.md"]),
    .executableTarget(
      name: "benchmarks",
      dependencies: [
        "SyncUnits", "SyncPlugin", "SyncRPC", "Libevent", "SyncSystem", "SyncText", "TransportUnix",
      ], path: "Tests/Benchmarks/Sources", swiftSettings: strict),
    room(
      "Tests/Simulation",
      uses: [
        "SyncUnits", "SyncPlugin", "SyncRPC", "SyncWire", "TransportMemory", "WaitingPoll",
        "WaitingPush", "SyncTestKit", "WireFixtures",
      ]),
    .executableTarget(
      name: "trials",
      dependencies: [
        "Simulation", "Libevent", "SyncPlugin", "SyncRPC", "SyncSystem", "SyncTestKit", "SyncUnits",
        "TransportUnix",
      ], path: "Tests/Trials",
      swiftSettings: strict),
    tests(
      "SimulationTests", of: ["Simulation", "SyncTestKit", "SyncUnits"], exclude: ["histories.txt"]),
    room(
      "Tests/WireFixtures", uses: ["SyncPlugin", "SyncRPC", "SyncUnits", "SyncWire"],
      exclude: ["recorded.txt"]),
    .target(
      name: "FuzzTargets",
      dependencies: [
        "SyncUnits", "SyncPlugin", "SyncWire", "SyncRPC", "SyncCLI", "StandardPlugins",
        "TransportTCP", "WaitingPoll",
      ], path: "Tests/Fuzzing/Targets", swiftSettings: strict),
    tests("CorpusTests", of: ["FuzzTargets"]),
    tests("SyncUnitsTests", of: ["SyncUnits", "SyncTestKit"]),
    tests("SyncWireTests", of: ["SyncWire", "SyncUnits", "SyncTestKit"]),
    tests(
      "SyncRPCTests",
      of: [
        "SyncRPC", "SyncWire", "SyncUnits", "SyncPlugin", "SyncSystem", "SyncTestKit",
        "Libevent", "TransportMemory", "WaitingPoll", "WaitingPush", "WireFixtures",
      ]),
    tests(
      "SyncAgentTests",
      of: [
        "SyncAgent", "SyncRPC", "SyncUnits", "SyncPlugin", "SyncSystem", "SyncTestKit", "Libevent",
        "TransportMemory",
      ]),
    tests("SyncPluginTests", of: ["SyncPlugin", "StandardPlugins"]),
    tests("SyncTextTests", of: ["SyncText", "SyncUnits"]),
    tests("LibeventTests", of: ["Libevent", "SyncPlugin", "SyncSystem"]),
    tests(
      "PluginTests",
      of: [
        "TransportUnix", "TransportMemory", "WaitingPoll", "StandardPlugins", "Libevent", "SyncRPC",
        "SyncPlugin", "SyncSystem",
        "SyncUnits",
        "SyncTestKit",
      ]),
    tests(
      "SyncCLITests", of: ["SyncCLI", "StandardPlugins", "SyncPlugin", "SyncUnits", "SyncTestKit"],
      exclude: ["help.golden"]),
    tests(
      "EndToEndTests",
      of: [
        "coder", "SyncTestKit", "SyncRPC", "SyncSystem", "SyncWire", "WireFixtures", "Libevent",
        "StandardPlugins", "SyncAgent", "SyncCLI", "SyncPlugin", "SyncUnits", "TransportCommand",
        "TransportMemory",
      ], exclude: ["budgets.txt", "counting-shim.c", "fault-shim.c"]),
  ] + fuzzer,
  swiftLanguageModes: [.v6]
)
