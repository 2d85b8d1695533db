// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

// A package of its own, so that what the benchmarks and generators need stays out of the product.
let package = Package(
  name: "OutagedBench",
  dependencies: [
    .package(name: "Outaged", path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
  ],
  targets: [
    .executableTarget(
      name: "outage-fixtures",
      dependencies: [
        .product(name: "OutageModel", package: "Outaged"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "reactor-echo",
      dependencies: [
        .product(name: "ByteBuffers", package: "Outaged"),
        .product(name: "Reactor", package: "Outaged"),
        .product(name: "WireProtocol", package: "Outaged"),
      ],
      swiftSettings: strict),
    // For the reactor's C module only.
    .executableTarget(
      name: "bare-epoll", dependencies: [.product(name: "Reactor", package: "Outaged")], swiftSettings: strict
    ),
    .executableTarget(
      name: "bench-match",
      dependencies: [
        .product(name: "PointLocation", package: "Outaged"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
  ]
)
