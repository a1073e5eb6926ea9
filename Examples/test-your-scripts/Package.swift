// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "test-your-scripts",
  dependencies: [.package(name: "swift-unit-sync", path: "../..")],
  targets: [
    .testTarget(
      name: "StartupTests",
      dependencies: [.product(name: "SyncTestKit", package: "swift-unit-sync")])
  ]
)
