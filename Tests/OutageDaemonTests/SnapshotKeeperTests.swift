// Which Territories are written to the snapshot file, and when.

import Foundation
import LayerStore
import Logging
import OutageModel
import Territory
import Testing

@testable import OutageDaemon

@Suite struct SnapshotKeeperTests {
  private let directory =
    FileManager.default.temporaryDirectory.path + "/outaged-keeper-\(UUID().uuidString)"
  private var path: String { TerritorySnapshot.path(in: directory) }

  init() throws {
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  }

  private func versions(_ number: Int) -> TerritoryVersions {
    TerritoryVersions(
      addresses: nil,
      outages: LayerVersion(
        kind: .outages, number: number, publishedAt: Timestamp(secondsSinceEpoch: 1_790_000_000),
        source: "a.geojson", sha256: "0123", recordCount: 0, vertexCount: 0))
  }

  private func territory(_ number: Int) -> Territory {
    Territory(
      servicePoints: ServicePointTableBuilder().build(addressVersion: 0),
      outages: OutageTable(layer: versions(number).outages, outages: []))
  }

  private func writtenNumber() -> Int? {
    (try? TerritorySnapshot.read(path))?.versions.outages?.number
  }

  /// A keeper that has written its first Territory.
  private func withKeeper(_ body: (SnapshotKeeper) throws -> Void) throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let keeper = SnapshotKeeper(
      path: path, store: try LayerStore(directory: directory), log: Logger(label: "test"))
    defer { keeper.stop() }
    keeper.keep(territory(1), versions(1), nil)
    try waitUntil(seconds: 60) { writtenNumber() == 1 }
    try body(keeper)
  }

  @Test func `the first is written at once, later ones when no other comes, the newest at the end`() throws {
    try withKeeper { keeper in
      keeper.keep(territory(2), versions(2), nil)
      // A tenth of the time for which another one is waited for.
      let until = ContinuousClock.now + .seconds(SnapshotKeeper.restSeconds / 10)
      while ContinuousClock.now < until {
        #expect(writtenNumber() == 1)
        usleep(50_000)
      }
      keeper.keep(territory(3), versions(3), nil)
      keeper.flush()
      #expect(writtenNumber() == 3)
    }
  }

  @Test func `one that no other follows is written after a while`() throws {
    try withKeeper { keeper in
      let start = ContinuousClock.now
      keeper.keep(territory(2), versions(2), nil)
      try waitUntil(seconds: 60) { writtenNumber() == 2 }
      #expect(ContinuousClock.now - start > .seconds(SnapshotKeeper.restSeconds - 1))
    }
  }

  private func waitUntil(seconds: Double, _ condition: () -> Bool) throws {
    let end = ContinuousClock.now + .seconds(seconds)
    while !condition() {
      try #require(ContinuousClock.now < end, "waited \(seconds) s")
      usleep(20_000)
    }
  }
}
