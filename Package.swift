// swift-tools-version: 6.2
import Foundation
import PackageDescription

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// Point location looks at twice as many edges at once, and ahead to the next point, where the processor has AVX2 and what came with it: it is built for that
/// where this machine has it. `OUTAGED_PROCESSOR=any` builds for all of its kind, and gives the same answers.
let forThisProcessor: [SwiftSetting] = {
  guard Context.environment["OUTAGED_PROCESSOR"] != "any" else { return [] }
  let description = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
  let flags = description.split(separator: "\n").first { $0.hasPrefix("flags") } ?? ""
  let has = Set(flags.split(separator: " "))
  guard has.isSuperset(of: ["avx2", "bmi1", "bmi2", "fma", "f16c", "movbe", "abm"]) else { return [] }
  // Of two roundings one must not become none: what is exact was proved for both.
  return [.unsafeFlags(["-target-cpu", "haswell", "-Xcc", "-march=haswell", "-Xcc", "-ffp-contract=off"])]
}()

/// A module of the project, with the settings that all share.
func module(
  _ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = [],
  also settings: [SwiftSetting] = []
) -> Target {
  .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict + settings)
}

/// The tests of one module.
func tests(
  _ name: String, _ dependencies: [Target.Dependency] = [], also settings: [SwiftSetting] = []
) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies, swiftSettings: strict + settings
  )
}

let package = Package(
  name: "Outaged",
  products: [
    .executable(name: "outaged", targets: ["outaged"]),
    .library(name: "OutageModel", targets: ["OutageModel"]),
    .library(name: "PointLocation", targets: ["PointLocation"]),
    .library(name: "Territory", targets: ["Territory"]),
    .library(name: "SuspectedOutages", targets: ["SuspectedOutages"]),
    .library(name: "PointHull", targets: ["PointHull"]),
    .library(name: "ByteBuffers", targets: ["ByteBuffers"]),
    .library(name: "SystemThreads", targets: ["SystemThreads"]),
    .library(name: "WireProtocol", targets: ["WireProtocol"]),
    .library(name: "Reactor", targets: ["Reactor"]),
    .library(name: "LayerImport", targets: ["LayerImport"]),
    .library(name: "LayerStore", targets: ["LayerStore"]),
    .library(name: "OutageDaemon", targets: ["OutageDaemon"]),
  ],
  dependencies: [
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    .systemLibrary(name: "CGEOS", pkgConfig: "geos", providers: [.apt(["libgeos-dev"])]),
    .systemLibrary(name: "CPROJ", pkgConfig: "proj", providers: [.apt(["libproj-dev"])]),
    .systemLibrary(
      name: "CSpatiaLite", pkgConfig: "spatialite", providers: [.apt(["libspatialite-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CLibXML2", pkgConfig: "libxml-2.0", providers: [.apt(["libxml2-dev"])]),
    .target(name: "CXMLReader", dependencies: ["CLibXML2"]),
    .target(name: "CCacheLine"),
    .target(name: "CCellParts"),
    .target(name: "CCrossings"),
    .target(name: "CDigits"),
    .target(name: "CEpoll"),
    .target(name: "CChecksum"),
    .target(name: "CFile"),
    .target(name: "CMemory"),
    .target(name: "CThread"),

    module("SystemThreads", ["CThread"]),
    module(
      "DiskPace",
      [
        "CFile", "SystemThreads",
        .product(name: "GRDB", package: "GRDB.swift"), .product(name: "GRDBSQLite", package: "GRDB.swift"),
      ]),
    module("PointLocation", ["CCacheLine", "CCellParts", "CCrossings"], also: forThisProcessor),
    module("OutageModel"),
    module("Territory", ["OutageModel", "PointLocation", "CCacheLine", "CDigits"]),
    module("SuspectedOutages", ["OutageModel", "PointLocation", "Territory"]),
    module("PointHull", ["OutageModel", "CGEOS"]),
    module(
      "CallerAnswer",
      ["OutageModel", "Territory", "PointLocation", "ByteBuffers", "CCacheLine", "SystemThreads"],
      resources: [.embedInCode("Templates")]),
    module("ByteBuffers"),
    module("WireProtocol", ["OutageModel", "ByteBuffers"]),
    module("Reactor", ["CEpoll", "ByteBuffers", "SystemThreads"]),
    module(
      "LayerImport",
      ["OutageModel", "SystemThreads", "CGEOS", "CPROJ", "CSpatiaLite", "CZlib", "CCrypto", "CXMLReader"],
      resources: [.embedInCode("Tables")]),
    module(
      "LayerStore",
      ["OutageModel", "DiskPace", "CSpatiaLite", .product(name: "GRDB", package: "GRDB.swift")]),
    module("Feeds", ["OutageModel", "LayerImport"]),
    module(
      "MetricsExport",
      [
        "SystemThreads",
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ]),
    module(
      "EventLog",
      [
        "OutageModel", "LayerStore", "ByteBuffers", "DiskPace", "SystemThreads",
        .product(name: "GRDB", package: "GRDB.swift"),
      ]),
    module(
      "OutageDaemon",
      [
        "Feeds",
        "OutageModel", "PointLocation", "Territory", "SuspectedOutages", "PointHull", "CallerAnswer",
        "ByteBuffers", "WireProtocol", "Reactor", "LayerImport", "LayerStore", "EventLog", "CChecksum",
        "CMemory", "DiskPace", "MetricsExport", "SystemThreads",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ]),
    .executableTarget(
      name: "outaged",
      dependencies: [
        "OutageDaemon", "OutageModel", "PointLocation", "LayerImport", "LayerStore", "WireProtocol",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),

    .target(
      name: "SystemCallFaults",
      dependencies: ["CSpatiaLite", .product(name: "GRDB", package: "GRDB.swift")],
      path: "Tests/SystemCallFaults", swiftSettings: strict),
    .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict),
    tests("SystemThreads", ["CThread"]),
    tests("DiskPace", [.product(name: "GRDB", package: "GRDB.swift")]),
    tests("OutageModel"),
    tests("PointLocation", ["CCellParts", "CCrossings", "CGEOS"], also: forThisProcessor),
    tests("Territory", ["OutageModel", "PointLocation", "CCacheLine", "CDigits", "CGEOS", "TestSupport"]),
    tests("SuspectedOutages", ["OutageModel", "PointLocation", "Territory", "TestSupport"]),
    tests("PointHull", ["OutageModel", "CGEOS"]),
    tests("CallerAnswer", ["OutageModel", "PointLocation", "Territory", "ByteBuffers", "TestSupport"]),
    tests("WireProtocol", ["OutageModel", "ByteBuffers", "TestSupport"]),
    tests("Reactor", ["CEpoll", "ByteBuffers", "TestSupport"]),
    tests("LayerImport", ["OutageModel", "SystemThreads", "CSpatiaLite", "TestSupport"]),
    tests("Feeds", ["OutageModel", "LayerImport"]),
    tests("MetricsExport", ["TestSupport"]),
    tests(
      "LayerStore",
      [
        "OutageModel", "CSpatiaLite", "SystemCallFaults", "TestSupport",
        .product(name: "GRDB", package: "GRDB.swift"),
      ]),
    tests(
      "EventLog",
      [
        "OutageModel", "LayerStore", "ByteBuffers", "CSpatiaLite", "SystemCallFaults", "TestSupport",
        .product(name: "GRDB", package: "GRDB.swift"),
      ]),
    tests(
      "OutageDaemon",
      [
        "SuspectedOutages",
        "OutageModel", "Territory", "CallerAnswer", "ByteBuffers", "WireProtocol", "Reactor", "LayerImport",
        "LayerStore", "CChecksum", "DiskPace", "EventLog", "Feeds", "MetricsExport", "TestSupport",
        .product(name: "GRDB", package: "GRDB.swift"),
      ]),
    .testTarget(
      name: "EndToEndTests",
      dependencies: [
        "outaged", "OutageDaemon", "OutageModel", "WireProtocol", "Reactor", "ByteBuffers", "LayerImport",
        "LayerStore", "CGEOS", "TestSupport",
      ], swiftSettings: strict),
  ]
)
