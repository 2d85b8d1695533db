// What is remembered of a layer changes the time that the next one takes, and nothing else.

import Foundation
import OutageModel
import TestSupport
import Testing

@testable import LayerImport

@Suite final class LayerMemoryTests {
  private let folder = FileManager.default.temporaryDirectory.appending(
    path: "outaged-memory-\(UUID().uuidString)")
  private var memory = LayerMemory()

  init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// Reads the features, as one file, with the memory of the files before; the outcome has to be that of a reading without one.
  /// - Returns: how many records were known.
  @discardableResult
  private func read(
    _ features: [String], head: String = "", name: String = "a.geojson", _ comment: Comment? = nil,
    _ change: (inout ImportOptions) -> Void = { _ in }
  ) throws -> Int {
    let text =
      "{\"type\":\"FeatureCollection\",\(head)\"features\":[\n" + features.joined(separator: ",\n") + "]}"
    let file = folder.appending(path: name).path
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    var options = ImportOptions()
    options.defaultTimeZoneName = "America/Los_Angeles"
    options.maxRejectedFraction = 1
    change(&options)
    let reading = try LayerImporter.readLayer(file, options: options, memory: &memory)
    var nothing = LayerMemory()
    let alone = try LayerImporter.readLayer(file, options: options, memory: &nothing)
    let (outages, report) = try LayerImporter.readOutages(file, options: options, progress: { _ in })
    #expect(reading.outages == alone.outages && reading.outages == outages, comment)
    #expect(reading.report.json() == alone.report.json() && reading.report.json() == report.json(), comment)
    #expect(reading.columns == alone.columns, comment)
    #expect(nothing.knownRecordCount == 0)
    return memory.knownRecordCount
  }

  private func feature(
    _ id: String, _ properties: String = "", lon: Double = -121.5, ring: String? = nil
  ) -> String {
    let ring = ring ?? "[[\(lon),38],[\(lon + 0.01),38],[\(lon + 0.01),38.01],[\(lon),38.01],[\(lon),38]]"
    return
      "{\"type\":\"Feature\",\"properties\":{\"outageId\":\"\(id)\"\(properties)},"
      + "\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[\(ring)]}}"
  }

  private var five: [String] { (1...5).map { feature("OMS-\($0)", ",\"cause\":\"a \\\"}\\\" in a text\"") } }

  @Test func `records with the same bytes are known, wherever they stand`() throws {
    #expect(try read(five) == 0)
    #expect(try read(five) == 5)
    #expect(try read(five.reversed()) == 5)
    var next = five
    next.swapAt(0, 3)
    next[1] = feature("OMS-2", ",\"cause\":\"Storm\"")
    #expect(try read(next + [feature("OMS-6")]) == 4)
    #expect(try read(next) == 5)
    #expect(try read([]) == 0)
    #expect(try read(next) == 0)
  }

  @Test func `a feature that has moved in its white space only is parsed, and its area is known`() throws {
    try read(five)
    var next = five
    next[2] = next[2].replacing("\"properties\":{", with: "\"properties\" : {\n")
    #expect(try read(next) == 4)
    #expect(memory.knownAreaCount == 5)
    // Between the features it is no part of them.
    next[3] = "\n\n  " + next[3] + "  "
    #expect(try read(next) == 5)
  }

  @Test func `nothing is known once the options, the profile's content or the coordinate system are others`()
    throws
  {
    let features = (1...4).map {
      feature("OMS-\($0)", ",\"startedAt\":\"2026-11-24 18:0\($0)\",\"STATE\":\"x\"")
    }
    let profile = folder.appending(path: "profile.json").path
    func write(_ text: String) throws { try text.write(toFile: profile, atomically: true, encoding: .utf8) }
    try write("{\"map\":{\"crewStatus\":\"STATE\"}}")
    func zone(_ name: String) -> (inout ImportOptions) -> Void { { $0.timeZoneName = name } }
    try read(features, nil, zone("America/Los_Angeles"))
    #expect(try read(features, nil, zone("America/New_York")) == 0)
    #expect(try read(features, nil, zone("America/New_York")) == 4)
    #expect(try read(features) { $0.profileFile = profile } == 0)
    #expect(try read(features) { $0.profileFile = profile } == 4)
    try write("{\"map\":{\"crewStatus\":\"STATE\"},\"timezone\":\"UTC\"}")
    #expect(try read(features) { $0.profileFile = profile } == 0)
    #expect(try read(features) { $0.mapping["cause"] = "STATE" } == 0)
    #expect(
      try read(features) { $0.territoryBounds = TerritoryBounds(west: 0, south: 0, east: 1, north: 1) } == 0)
    let crs = "\"crs\":{\"type\":\"name\",\"properties\":{\"name\":\"urn:ogc:def:crs:EPSG::4269\"}},"
    try read(features)
    #expect(try read(features, head: crs) == 0)
    #expect(try read(features, head: crs) == 4)
  }

  @Test func `broken features among known ones are told each time, with their own numbers`() throws {
    var features = five
    try read(features)
    features.insert(feature("OMS-9", ",\"startedAt\":\"soon\""), at: 2)
    features.insert("{\"type\":\"Feature\",\"properties\":{},\"geometry\":null}", at: 0)
    #expect(try read(features) == 5)
    #expect(try read(features) == 5)
    let file = folder.appending(path: "a.geojson").path
    let report = try LayerImporter.readLayer(file, options: ImportOptions(), memory: &memory).report
    #expect(report.rejected.flatMap(\.first).map(\.record) == [1, 4])
    #expect(report.rejected.flatMap(\.first).compactMap(\.field).contains("startedAt"))
  }

  @Test func `repairs and warnings of known features are told again, with their new numbers`() throws {
    let bow = "[[-121,38],[-120.9,38.1],[-120.9,38],[-121,38.1],[-121,38]]"
    let features = [
      feature("OMS-1"), feature("OMS-2", ring: bow), feature("OMS-3", ",\"crewStatus\":\"napping\""),
      feature("OMS-4", ring: bow),
    ]
    try read(features)
    #expect(try read([feature("OMS-0")] + features) == 4)
    let file = folder.appending(path: "a.geojson").path
    let report = try LayerImporter.readLayer(file, options: ImportOptions(), memory: &memory).report
    #expect(report.repairedCount == 2)
    let records = report.repaired.flatMap(\.first).compactMap(\.record)
    #expect(records.contains(3) && records.contains(5))
  }

  @Test func `of a doubled id the same record is taken as without a memory`() throws {
    func features(_ order: [Int]) -> [String] {
      order.map {
        feature("OMS-1", ",\"customersAffected\":\($0),\"updatedAt\":\"2026-11-24T18:0\($0):00Z\"")
      }
        + [feature("OMS-2")]
    }
    try read(features([1, 2, 3]))
    #expect(try read(features([1, 2, 3])) == 4)
    #expect(try read(features([3, 1, 2])) == 4)
    #expect(try read(features([2, 2, 1])) == 4)
    #expect(try read(features([2, 1]) + features([4])) == 4)
  }

  @Test func `columns of one rank are taken by their order in the file, known record or not`() throws {
    // Both spellings are the cause; which one counts is decided by which column comes first in the file.
    let both = feature("OMS-1", ",\"CAUSE\":\"upper\",\"cause\":\"lower\"")
    let upper = feature("OMS-2", ",\"CAUSE\":\"upper\"")
    let lower = feature("OMS-3", ",\"cause\":\"lower\"")
    try read([upper, both])
    #expect(try read([upper, both]) == 2)
    try read([lower, both], "another order of columns")
    try read([upper, both, lower], "and back")
  }

  @Test func `a reading that fails leaves the memory as it was`() throws {
    try read(five)
    let file = folder.appending(path: "half.geojson").path
    let text =
      "{\"type\":\"FeatureCollection\",\"features\":[\n" + five[..<3].joined(separator: ",") + ",{\"type\""
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    let error = #expect(throws: ImportError.self) {
      _ = try LayerImporter.readLayer(file, options: ImportOptions(), memory: &memory)
    }
    guard case .refused(let fault) = error else { throw try #require(error) }
    #expect(fault.reason == .truncated && fault.record == 4)
    #expect(try read(five) == 5)
  }

  @Test func `what is wrong with a feature's text is found at the same place`() throws {
    try read(five)
    for broken in ["{\"type\":\"Feature\",,}", "{\"type\":\"Fea", "{\"a\":tru}}", "{\"a\":[1,2}"] {
      let text =
        "{\"type\":\"FeatureCollection\",\"features\":[\n" + five[0] + "," + broken + "," + five[1] + "]}"
      let file = folder.appending(path: "broken.geojson").path
      try text.write(toFile: file, atomically: true, encoding: .utf8)
      let options = ImportOptions()
      let error = #expect(throws: ImportError.self) {
        _ = try LayerImporter.readLayer(file, options: options, memory: &memory)
      }
      let alone = #expect(throws: ImportError.self) {
        _ = try LayerImporter.readOutages(file, options: options, progress: { _ in })
      }
      #expect(error?.description == alone?.description, "\(broken)")
    }
  }

  @Test func `features of one line each are known as well`() throws {
    let file = folder.appending(path: "a.geojsonl").path
    try five.joined(separator: "\n").write(toFile: file, atomically: true, encoding: .utf8)
    for known in [0, 5] {
      let reading = try LayerImporter.readLayer(file, options: ImportOptions(), memory: &memory)
      #expect(reading.outages.count == 5 && memory.knownRecordCount == known)
    }
  }

  /// Layers that go on from one another, with anything changed, over several refills of the window.
  @Test(arguments: [1, 2, 3] as [UInt64])
  func `layer after layer says what it says alone`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var features = (0..<60).map { feature("OMS-\($0)", lon: -121 - Double($0) / 100) }
    for step in 0..<12 {
      for _ in 0..<Int.random(in: 0...5, using: &random) {
        let index = Int.random(in: 0..<features.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: features.remove(at: index)
        case 1: features[index] = feature("OMS-\(index)", ",\"message\":\"step \(step)\"")
        case 2: features.swapAt(index, Int.random(in: 0..<features.count, using: &random))
        case 3: features.append(features[index])
        case 4: features[index] = feature("OMS-\(index)", ",\"column\(step)\":\(step)", lon: .nan)
        default: features[index] += " "
        }
      }
      try read(features, "seed \(seed), step \(step)")
    }
  }
}
