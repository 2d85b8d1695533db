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
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ],
  targets: [
    // One module for the generator's C libraries: the product's own system modules are not its products.
    .systemLibrary(
      name: "CGeoLibraries", pkgConfig: "spatialite",
      providers: [.apt(["libspatialite-dev", "libgeos-dev", "zlib1g-dev"])]),
    .target(
      name: "StormGeneration",
      dependencies: ["CGeoLibraries", .product(name: "OutageModel", package: "Outaged")],
      swiftSettings: strict),
    .testTarget(
      name: "StormGenerationTests",
      dependencies: ["StormGeneration", .product(name: "OutageModel", package: "Outaged")],
      swiftSettings: strict),
    .executableTarget(
      name: "outage-fixtures",
      dependencies: [
        "StormGeneration", "MatchWorkload", "CGeoLibraries",
        .product(name: "OutageModel", package: "Outaged"),
        .product(name: "PointLocation", package: "Outaged"),
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
    .executableTarget(
      name: "fuzz-resp",
      dependencies: [
        .product(name: "ByteBuffers", package: "Outaged"),
        .product(name: "WireProtocol", package: "Outaged"),
      ],
      swiftSettings: strict),
    .target(name: "CAllocationCount"),
    .executableTarget(
      name: "allocation-check",
      dependencies: [
        "CAllocationCount",
        .product(name: "ByteBuffers", package: "Outaged"),
        .product(name: "OutageDaemon", package: "Outaged"),
        .product(name: "Reactor", package: "Outaged"),
        .product(name: "WireProtocol", package: "Outaged"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    // For the reactor's C module only.
    .executableTarget(
      name: "bare-epoll", dependencies: [.product(name: "Reactor", package: "Outaged")], swiftSettings: strict
    ),
    .target(
      name: "MatchWorkload", dependencies: [.product(name: "PointLocation", package: "Outaged")],
      swiftSettings: strict),
    .target(name: "CLoadSystem"),
    .target(
      name: "LoadGeneration",
      dependencies: [
        "StormGeneration", "CGeoLibraries", "CLoadSystem",
        .product(name: "ByteBuffers", package: "Outaged"),
        .product(name: "LayerImport", package: "Outaged"),
        .product(name: "OutageModel", package: "Outaged"),
        .product(name: "Reactor", package: "Outaged"),
        .product(name: "Territory", package: "Outaged"),
        .product(name: "WireProtocol", package: "Outaged"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "LoadGenerationTests",
      dependencies: [
        "LoadGeneration", "StormGeneration", "CGeoLibraries",
        .product(name: "OutageModel", package: "Outaged"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "outage-load",
      dependencies: [
        "LoadGeneration", .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
        .product(name: "WireProtocol", package: "Outaged"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "report-load",
      dependencies: [
        "CLoadSystem", .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "ByteBuffers", package: "Outaged"),
        .product(name: "Reactor", package: "Outaged"),
        .product(name: "WireProtocol", package: "Outaged"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "detect-storm",
      dependencies: [
        "StormGeneration",
        .product(name: "OutageModel", package: "Outaged"),
        .product(name: "PointHull", package: "Outaged"),
        .product(name: "SuspectedOutages", package: "Outaged"),
        .product(name: "Territory", package: "Outaged"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    // The libraries that point location is measured against: GEOS, S2, Boost.Geometry.
    .target(name: "CRivals", linkerSettings: [.linkedLibrary("geos_c"), .linkedLibrary("s2")]),
    // Shares its shapes and its reference with the tests; LayerImport for its GEOS module only.
    .executableTarget(
      name: "fuzz-match",
      dependencies: [
        .product(name: "LayerImport", package: "Outaged"),
        .product(name: "PointLocation", package: "Outaged"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "bench-match",
      dependencies: [
        "CRivals", "MatchWorkload",
        .product(name: "LayerImport", package: "Outaged"),
        .product(name: "OutageModel", package: "Outaged"),
        .product(name: "PointLocation", package: "Outaged"),
        .product(name: "SystemThreads", package: "Outaged"),
        .product(name: "Territory", package: "Outaged"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
  ],
  cxxLanguageStandard: .cxx17
)
