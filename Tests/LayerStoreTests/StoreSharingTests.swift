// Many connections and several processes at once: nobody waits long, nobody sees half of anything.

import Foundation
import OutageModel
import Testing

@testable import LayerStore

@Suite struct StoreSharingTests {
  let directory = TemporaryDirectory()

  @Test func `readers always see a whole layer while others publish and import`() async throws {
    let limits = StoreLimits(batchRows: 64, walPages: 64)
    let path = directory.path
    let first = try LayerStore(directory: path, keepLayers: 3, limits: limits)
    try first.publish(Fixture.outages(1))
    try first.load(Fixture.servicePoints(100, prefix: "L1-"))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        // Layer n holds n outages; from a store of its own, as another process would.
        let store = try LayerStore(directory: path, keepLayers: 3, limits: limits)
        for count in 2...60 { try store.publish(Fixture.outages(count)) }
      }
      group.addTask {
        let store = try LayerStore(directory: path, keepLayers: 3, limits: limits)
        for load in 2...8 { try store.load(Fixture.servicePoints(load * 100, prefix: "L\(load)-")) }
      }
      group.addTask {
        for _ in 0..<60 {
          let version = try #require(try first.currentVersion(of: .outages))
          #expect(version.recordCount == version.number)
          do {
            #expect(try first.outages(ofVersion: version.number).count == version.number)
          } catch StoreError.noSuchVersion {
            // Dropped since: three publishes have come in between.
          }
          var prefixes: Set<Substring> = []
          var count = 0
          try first.forEachServicePoint { point in
            prefixes.insert(point.servicePointId.prefix { $0 != "-" })
            count += 1
          }
          #expect(prefixes == ["L\(count / 100)"])
        }
      }
      try await group.waitForAll()
    }
    #expect(try first.currentVersion(of: .outages)?.number == 60)
    #expect(try first.servicePoints() == Fixture.servicePoints(800, prefix: "L8-"))
    try first.checkIntegrity()
  }

  @Test func `two processes publish beside an import of a third, and no number is given twice`() async throws
  {
    let path = directory.path
    let store = try LayerStore(directory: path, keepLayers: 100)
    async let import1 = #expect(processExitsWith: .success) { [path = path as String] in
      let store = try LayerStore(directory: path, keepLayers: 100)
      try store.load(Fixture.servicePoints(20_000))
    }
    async let publish1 = #expect(processExitsWith: .success) { [path = path as String] in
      let store = try LayerStore(directory: path, keepLayers: 100)
      for _ in 0..<20 { try store.publish(Fixture.outages(10)) }
    }
    for _ in 0..<20 { try store.publish(Fixture.outages(10)) }
    _ = await (import1, publish1)
    #expect(try store.versions(of: .outages).map(\.number) == (1...40).reversed())
    #expect(try store.servicePoints() == Fixture.servicePoints(20_000))
  }

  @Test func `a store that another connection keeps locked is busy, by name`() throws {
    let limits = StoreLimits(busyTimeoutSeconds: 0.05)
    let store = try LayerStore(directory: directory.path, limits: limits)
    let other = try LayerStore(directory: directory.path, limits: limits)
    try store.batch("hold the lock") { _ in
      let error = try #require(throws: StoreError.self) { try other.publish([]) }
      guard case .busy(let fault) = error else { throw error }
      #expect(fault.doing == "publish outages")
    }
    try other.publish([])
  }

  @Test func `the write-ahead log does not grow with the import`() throws {
    let limits = StoreLimits(batchRows: 1000, walPages: 200, walSizeBytesMax: 1 << 20)
    let store = try LayerStore(directory: directory.path, limits: limits)
    try store.load(Fixture.servicePoints(30_000))
    try store.publish([])
    let log = try FileManager.default.attributesOfItem(atPath: store.file + "-wal")[.size] as? Int
    #expect(try #require(log) <= 2 << 20)
  }
}
