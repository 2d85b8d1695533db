// What goes into the store comes out of it, versions count up, and old ones fall off the end.

import LayerStore
import OutageModel
import Testing

@Suite struct LayerStoreTests {
  let directory = TemporaryDirectory()

  @Test func `a new store has no versions and no addresses`() throws {
    let store = try LayerStore(directory: directory.path)
    for kind in LayerKind.allCases {
      #expect(try store.currentVersion(of: kind) == nil)
      #expect(try store.versions(of: kind) == [])
    }
    #expect(try store.servicePoints() == [])
  }

  @Test(arguments: [0, 1, 60, 2_000])
  func `outages come back value for value, also after reopening`(count: Int) throws {
    let outages = Fixture.outages(count)
    let version = try LayerStore(directory: directory.path).publish(outages)
    #expect(
      version
        == LayerVersion(
          kind: .outages, number: 1, publishedAt: Fixture.moment, source: "storm.geojson",
          sha256: Fixture.sha256, recordCount: count,
          vertexCount: outages.reduce(0) { $0 + $1.area.vertexCount }))
    let reopened = try LayerStore(directory: directory.path)
    #expect(try reopened.currentVersion(of: .outages) == version)
    #expect(try reopened.outages(ofVersion: 1) == outages)
  }

  @Test(arguments: [0, 1, 51, 52, 40_000])
  func `service points come back value for value, also after reopening`(count: Int) throws {
    let points = Fixture.servicePoints(count)
    let version = try LayerStore(directory: directory.path).load(points)
    #expect(version.recordCount == count)
    #expect(version.number == 1)
    let reopened = try LayerStore(directory: directory.path)
    #expect(try reopened.servicePoints() == points)
    #expect(try reopened.versions(of: .addresses) == [version])
    try reopened.checkIntegrity()
  }
}
