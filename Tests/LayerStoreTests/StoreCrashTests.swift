// A kill in the middle of any write, and a disk that is full from any write on: the old or the new version is there, whole.

import Foundation
import Glibc
import GRDB
import OutageModel
import SystemCallFaults
import TestSupport
import Testing

@testable import LayerStore

@Suite(.serialized) struct StoreCrashTests {
  static let seed: UInt64 = 20_261_124

  /// Small batches and a short log, so that every kind of write comes often.
  static let limits = StoreLimits(
    batchRows: 100, busyTimeoutSeconds: 10, walPages: 40, walSizeBytesMax: 100_000)

  static let oldPoints = Fixture.servicePoints(730, prefix: "OLD-", seed: 1)
  static let newPoints = Fixture.servicePoints(930, prefix: "NEW-", seed: 2)
  static let oldOutages = Fixture.outages(30, prefix: "OLD-", seed: 3)
  static let newOutages = Fixture.outages(40, prefix: "NEW-", seed: 4)

  static func open(_ directory: String) throws -> LayerStore {
    try LayerStore(directory: directory, keepLayers: 2, limits: limits)
  }

  /// A directory with the old versions; made once in a process, then copied.
  static func prepared() throws -> TemporaryDirectory {
    let directory = TemporaryDirectory()
    for name in try FileManager.default.contentsOfDirectory(atPath: template.path) {
      try FileManager.default.copyItem(
        atPath: template.path + "/" + name, toPath: directory.path + "/" + name)
    }
    return directory
  }

  private static let template: TemporaryDirectory = {
    let directory = TemporaryDirectory()
    try! prepare(directory.path)
    return directory
  }()

  static func prepare(_ directory: String) throws {
    let store = try open(directory)
    try store.load(oldPoints)
    for _ in 0..<3 { try store.publish(oldOutages) }
  }

  /// What is killed: an import, and a publish that drops an old layer.
  static func work(_ directory: String) throws {
    let store = try open(directory)
    try store.load(newPoints)
    try store.publish(newOutages)
  }

  /// The store is whole and holds the old or the new versions; gives what it holds.
  static func verify(_ directory: String) throws -> (addresses: Int, outages: Int) {
    let store = try open(directory)
    try store.checkIntegrity()
    let addresses = try #require(try store.currentVersion(of: .addresses)?.number)
    let outages = try #require(try store.currentVersion(of: .outages)?.number)
    try #require(addresses == 1 || addresses == 2)
    try #require(outages == 3 || outages == 4)
    try #require(outages == 3 || addresses == 2, "a later publish outlived an earlier one")
    try #require(try store.servicePoints() == (addresses == 1 ? oldPoints : newPoints))
    try #require(try store.currentOutages() == (outages == 3 ? oldOutages : newOutages))
    try store.read("look at the index") { db in
      try #require(try SpatialIndex.isEnabled(db))
      try #require(try String.fetchOne(db, sql: "SELECT rtreecheck('idx_service_point_geom')") == "ok")
      try #require(
        try Int.fetchOne(db, sql: "SELECT count(*) FROM service_point")
          == (addresses == 1 ? oldPoints : newPoints).count)
    }
    return (addresses, outages)
  }

  /// How many writes `work` makes.
  static func countCalls() async throws -> Int {
    let directory = try prepared()
    let result = try await #require(
      processExitsWith: .success, observing: [\.standardOutputContent]
    ) { [path = directory.path as String] in
      SystemCallFault.arm(.kill, atCall: .max)
      try StoreCrashTests.work(path)
      print("calls=\(SystemCallFault.callCount);")
    }
    let output = String(decoding: result.standardOutputContent, as: UTF8.self)
    return try #require(
      output.split(separator: "calls=").last?.split(separator: ";").first.flatMap { Int($0) })
  }

  @Test func `a kill in the middle of any write leaves the old or the new version`() async throws {
    let calls = try await Self.countCalls()
    #expect(calls > 200)
    var random = SeededGenerator(seed: Self.seed)
    var seen: Set<[Int]> = []
    for round in 0..<50 {
      // One kill in each fiftieth of the work, so that none of its parts is left out.
      let call = 1 + calls * round / 50 + Int.random(in: 0..<max(1, calls / 50), using: &random)
      let directory = try Self.prepared()
      await #expect(processExitsWith: .signal(SIGKILL), "seed \(Self.seed), call \(call) of \(calls)") {
        [path = directory.path as String, call = call as Int] in
        SystemCallFault.arm(.kill, atCall: call)
        try StoreCrashTests.work(path)
      }
      do {
        let found = try Self.verify(directory.path)
        seen.insert([found.addresses, found.outages])
        // And it works on.
        let store = try Self.open(directory.path)
        try store.load(Self.newPoints)
        try store.publish(Self.newOutages)
        #expect(try store.servicePoints() == Self.newPoints)
      } catch {
        Issue.record("seed \(Self.seed), call \(call) of \(calls): \(error)")
      }
    }
    #expect(
      seen.contains([1, 3]) && seen.contains([2, 3]), "the kills were not spread over the work: \(seen)")
  }

  @Test func `a kill while the store is created leaves one that opens`() async throws {
    for call in Array(1...30) + [40, 60, 90] {
      let directory = TemporaryDirectory()
      await #expect(processExitsWith: .signal(SIGKILL), "call \(call)") {
        [path = directory.path as String, call = call as Int] in
        SystemCallFault.arm(.kill, atCall: call)
        try StoreCrashTests.prepare(path)
      }
      let store = try Self.open(directory.path)
      try store.checkIntegrity()
      try store.load(Self.newPoints)
      #expect(try store.servicePoints() == Self.newPoints)
    }
  }

  @Test func `a full disk at any write is named, and what was there stays`() async throws {
    let calls = try await Self.countCalls()
    await #expect(processExitsWith: .success) { [calls = calls as Int] in
      for round in 0..<40 {
        let call = 1 + calls * round / 40
        let directory = try StoreCrashTests.prepared()
        SystemCallFault.arm(.diskFull, atCall: call)
        do {
          try StoreCrashTests.work(directory.path)
          // Only what comes after the last publish may fail unnoticed.
          try #require(SystemCallFault.callCount >= call)
          SystemCallFault.disarm()
          try #require(try StoreCrashTests.verify(directory.path) == (2, 4), "call \(call)")
        } catch let error as StoreError {
          SystemCallFault.disarm()
          guard case .diskFull = error else { throw error }
          _ = try StoreCrashTests.verify(directory.path)
          try StoreCrashTests.open(directory.path).publish(StoreCrashTests.newOutages)
        }
      }
    }
  }
}
