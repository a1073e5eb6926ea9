// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "custom-transport",
  dependencies: [
    // As a package of your own would have it: .package(url: …, from: "…")
    .package(name: "swift-unit-sync", path: "../..")
  ],
  targets: [
    .target(
      name: "CustomPlugins",
      dependencies: [
        .product(name: "SyncPlugin", package: "swift-unit-sync"),
        .product(name: "SyncUnits", package: "swift-unit-sync"),
      ]),
    .executableTarget(
      name: "my-coder",
      dependencies: [
        "CustomPlugins",
        .product(name: "StandardPlugins", package: "swift-unit-sync"),
        .product(name: "SyncCLI", package: "swift-unit-sync"),
        .product(name: "SyncPlugin", package: "swift-unit-sync"),
      ]),
    .testTarget(
      name: "CustomPluginsTests",
      dependencies: [
        "CustomPlugins", "my-coder",
        .product(name: "SyncPlugin", package: "swift-unit-sync"),
        .product(name: "SyncTestKit", package: "swift-unit-sync"),
      ]),
  ]
)
