// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "embed",
  dependencies: [.package(name: "swift-unit-sync", path: "../..")],
  targets: [
    .executableTarget(
      name: "embed",
      dependencies: [
        .product(name: "Libevent", package: "swift-unit-sync"),
        .product(name: "StandardPlugins", package: "swift-unit-sync"),
        .product(name: "SyncAgent", package: "swift-unit-sync"),
        .product(name: "SyncPlugin", package: "swift-unit-sync"),
        .product(name: "SyncUnits", package: "swift-unit-sync"),
      ]),
    .executableTarget(
      name: "embed-units",
      dependencies: [.product(name: "SyncUnits", package: "swift-unit-sync")]),
  ]
)
