// A layer that shares most of its outages with the one before: only changes are written, and every kept version reads as it was.

import Foundation
import GRDB
import OutageModel
import TestSupport
import Testing

@testable import LayerStore

@Suite struct LayerChangesTests {
  let directory = TemporaryDirectory()

  /// By comparing each outage with those of the old layer, one by one.
  static func changes(since number: Int, _ old: [Outage], _ new: [Outage]) -> OutageChanges {
    OutageChanges(
      since: number, ended: old.filter { !new.contains($0) }.map(\.outageId),
      written: new.indices.filter { !old.contains(new[$0]) })
  }

  func count(_ store: LayerStore, _ table: String) throws -> Int? {
    try store.read("count") { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM \(table)") }
  }

  @Test func `a layer writes only the outages that are new or changed`() throws {
    let store = try LayerStore(directory: directory.path)
    var outages = Fixture.outages(50)
    try store.publish(outages)
    let before = outages
    outages[7].customersAffected = 1_000_000
    outages.remove(at: 20)
    outages.append(Fixture.outages(1, prefix: "NEW-", seed: 2)[0])
    outages.shuffle()
    try store.publishOutages(
      outages, changes: Self.changes(since: 1, before, outages), source: "b", sha256: Fixture.sha256,
      at: Fixture.moment)
    #expect(try count(store, "outage") == 52)
    #expect(try count(store, "current_outage") == 50)
    #expect(try count(store, "layer_outage") == 100)
    #expect(try store.outages(ofVersion: 1) == before)
    #expect(
      try store.outages(ofVersion: 2)
        == outages.sorted { $0.outageId.utf8.lexicographicallyPrecedes($1.outageId.utf8) })
  }

  @Test func `changes since another layer than the current one are written whole`() throws {
    let store = try LayerStore(directory: directory.path)
    let (first, second, third) = (
      Fixture.outages(5), Fixture.outages(6, seed: 2), Fixture.outages(5, seed: 1)
    )
    try store.publish(first)
    // Another process's.
    try LayerStore(directory: directory.path).publish(second)
    try store.publishOutages(
      third, changes: Self.changes(since: 1, first, third), source: "c", sha256: Fixture.sha256,
      at: Fixture.moment)
    #expect(try store.outages(ofVersion: 2) == second)
    #expect(try store.outages(ofVersion: 3) == third)
  }

  @Test func `changes that do not lead to the layer are refused, and the layer before stays`() throws {
    let store = try LayerStore(directory: directory.path)
    let outages = Fixture.outages(5)
    try store.publish(outages)
    let wrong = OutageChanges(since: 1, ended: [outages[0].outageId], written: [])
    #expect(throws: StoreError.self) {
      try store.publishOutages(
        outages, changes: wrong, source: "b", sha256: Fixture.sha256, at: Fixture.moment)
    }
    #expect(try store.currentOutages() == outages)
    #expect(try store.versions(of: .outages).map(\.number) == [1])
  }

  /// Changes, roll-backs, layers that fall off the end and re-openings in any order.
  @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
  func `every kept version reads as it was published`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var store = try LayerStore(directory: directory.path, keepLayers: 4)
    var published: [Int: [Outage]] = [:]
    var current: [Outage] = []
    for step in 1...25 {
      let kept = published.keys.sorted().suffix(4)
      switch Int.random(in: 0..<6, using: &random) {
      case 0 where !kept.isEmpty:
        let number = kept.randomElement(using: &random)!
        current = published[number]!
        #expect(try store.rollBack(to: number, at: Fixture.moment).number == step)
      default:
        var next = current
        for _ in 0..<Int.random(in: 0...6, using: &random) {
          if !next.isEmpty, Bool.random(using: &random) {
            next.remove(at: Int.random(in: 0..<next.count, using: &random))
          } else if !next.isEmpty, Bool.random(using: &random) {
            next[Int.random(in: 0..<next.count, using: &random)].customersAffected = step
          } else {
            // Some come again after they were gone.
            let outage = Fixture.outages(1, prefix: "S\(Int.random(in: 0..<8, using: &random))-", seed: 3)[0]
            if !next.contains(where: { $0.outageId == outage.outageId }) { next.append(outage) }
          }
        }
        let changes =
          Bool.random(using: &random) || step == 1 ? nil : Self.changes(since: step - 1, current, next)
        try store.publishOutages(
          next, changes: changes, source: "\(step)", sha256: Fixture.sha256, at: Fixture.moment)
        current = next.sorted { $0.outageId.utf8.lexicographicallyPrecedes($1.outageId.utf8) }
      }
      published[step] = current
      if Int.random(in: 0..<4, using: &random) == 0 { try store.clearDroppedLayers() }
      if Int.random(in: 0..<8, using: &random) == 0 {
        store = try LayerStore(directory: directory.path, keepLayers: 4)
      }
      let versions = try store.versions(of: .outages)
      #expect(versions.map(\.number) == Array((max(1, step - 3)...step).reversed()), "seed \(seed)")
      for version in versions {
        #expect(
          try store.outages(ofVersion: version.number) == published[version.number],
          "seed \(seed), step \(step), version \(version.number)")
      }
      #expect(try count(store, "current_outage") == current.count, "seed \(seed), step \(step)")
    }
    try store.clearDroppedLayers()
    let inUse = Set(published.filter { $0.key > 21 }.values.joined())
    #expect(try count(store, "outage")! >= inUse.count, "seed \(seed)")
    let unused = try store.read("count") { db in
      try Int.fetchOne(db, sql: "SELECT count(*) FROM outage WHERE fid NOT IN (SELECT fid FROM layer_outage)")
    }
    #expect(unused == 0, "seed \(seed)")
    try store.checkIntegrity()
  }

  @Test func `a store of the first schema is brought to the second, with all its layers`() throws {
    let layers = (1...3).map { Fixture.outages(4 + $0, seed: UInt64($0)) }
    do {
      let store = try LayerStore(directory: directory.path)
      // Written whole, the rows are those of the first schema.
      for layer in layers { try store.publish(layer) }
      try store.batch("go back") { db in
        try db.execute(
          sql: """
            DROP VIEW layer_outage;
            DROP VIEW current_outage;
            CREATE VIEW current_outage AS SELECT fid, outage_id, geom FROM outage WHERE fid >> 32 = 3;
            DROP TABLE outage_span;
            DELETE FROM grdb_migrations WHERE identifier LIKE '2 %';
            """)
      }
    }
    let store = try LayerStore(directory: directory.path)
    for (index, layer) in layers.enumerated() {
      #expect(try store.outages(ofVersion: index + 1) == layer)
    }
    #expect(try count(store, "current_outage") == 7)
    try store.rollBack(to: 1, at: Fixture.moment)
    #expect(try store.currentOutages() == layers[0])
  }
}
