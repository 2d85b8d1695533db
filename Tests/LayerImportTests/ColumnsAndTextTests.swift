// How files are taken apart: columns to fields, CSV, WKT and WKB, encodings, profiles, duplicates.

import Foundation
import OutageModel
import Testing

@testable import LayerImport

@Suite final class ColumnsAndTextTests {
  private let folder = FileManager.default.temporaryDirectory.appending(
    path: "outaged-import-\(UUID().uuidString)")

  init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

  deinit { try? FileManager.default.removeItem(at: folder) }

  private func file(_ name: String, _ text: String) throws -> String { try file(name, Data(text.utf8)) }

  private func file(_ name: String, _ data: Data) throws -> String {
    let url = folder.appending(path: name)
    try data.write(to: url)
    return url.path
  }

  /// All calls of the importer's body, in their order.
  private func points(
    _ path: String, _ change: (inout ImportOptions) -> Void = { _ in }
  ) throws -> (points: [ServicePoint], report: ImportReport) {
    var options = ImportOptions()
    change(&options)
    var points: [ServicePoint] = []
    let report = try LayerImporter.readAddresses(path, options: options, progress: { _ in }) {
      points.append($0)
    }
    return (points, report)
  }

  private func outages(
    _ path: String, _ change: (inout ImportOptions) -> Void = { _ in }
  ) throws -> (outages: [Outage], report: ImportReport) {
    var options = ImportOptions()
    change(&options)
    return try LayerImporter.readOutages(path, options: options, progress: { _ in })
  }

  private func fault(_ body: () throws -> Void) -> ImportFault? {
    do { try body() } catch ImportError.refused(let fault) { return fault } catch {}
    return nil
  }

  private let area = "\"POLYGON((10 40,11 40,11 41,10 40))\""

  // MARK: CSV

  @Test(arguments: [",", ";", "\t", "|"])
  func `fields stand apart by the sign that the header has most of`(sign: String) throws {
    let rows = [["SP_ID", "LON", "LAT"], ["A", "10.5", "40"], ["B", "11", "-40.25"]]
    let text = rows.map { $0.joined(separator: sign) }.joined(separator: "\n")
    let found = try points(file("a.csv", text)).points
    #expect(found.map(\.servicePointId) == ["A", "B"])
    #expect(found[1].position == LonLat(lonDegrees: 11, latDegrees: -40.25))
  }

  @Test
  func `quotes, line ends of all kinds, a byte-order mark and blank lines are read as RFC 4180 means them`()
    throws
  {
    let text =
      "\u{feff}SP_ID,ADDRESS,LON,LAT\r\nA,\"12 \"\"Oak\"\", St\",10,40\r\n\r\nB,\"two\nlines\",11,41\rC,,12,42"
    let (found, report) = try points(file("a.csv", text))
    #expect(report.read == 3)
    #expect(found.map(\.addressLine) == ["12 \"Oak\", St", "two\nlines", nil])
    #expect(found.map(\.servicePointId) == ["A", "B", "C"])
  }

  @Test func `text in another encoding is read by its name, and refused without it`() throws {
    let path = try file(
      "a.csv", "SP_ID,CITY,LON,LAT\nA,Ca".data(using: .ascii)! + Data([0xf1]) + Data("ada,10,40\n".utf8))
    #expect(try points(path) { $0.encoding = "CP1252" }.points[0].city == "Cañada")
    let fault = fault { _ = try points(path) }
    #expect(fault?.reason == .wrongEncoding)
    #expect(fault?.record == 1 && fault?.field == "CITY")
    #expect(fault?.description.contains("wrongEncoding") == true)
    #expect(self.fault { _ = try points(path) { $0.encoding = "KLINGON" } }?.reason == .badOption)
  }

  @Test func `gzip of several members is one file`() throws {
    // gzip -n of the two halves, one after the other.
    let first = try gzip("SP_ID,LON,LAT\nA,10,")
    let second = try gzip("40\nB,11,41\n")
    let (found, report) = try points(file("a.csv.gz", first + second))
    #expect(found.map(\.position.latDegrees) == [40, 41])
    #expect(report.sha256.count == 64)
  }

  private func gzip(_ text: String) throws -> Data {
    let plain = try file("plain", text)
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/gzip")
    process.arguments = ["-c", plain]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    return pipe.fileHandleForReading.readDataToEndOfFile()
  }

  // MARK: Geometry columns

  @Test(arguments: [
    "POINT(10 40)", "point (10 40)", "SRID=4326;POINT(10 40)", "POINT Z (10 40 3)", "POINTZM(10 40 3 4)",
    // WKB, little and big endian; EWKB with its SRID; ISO WKB with Z.
    "010100000000000000000024400000000000004440", "000000000140240000000000004044000000000000",
    "0101000020E610000000000000000024400000000000004440",
    "01E9030000000000000000244000000000000044400000000000000840",
    "\\x010100000000000000000024400000000000004440",
  ])
  func `a position is read from well-known text and binary`(text: String) throws {
    let path = try file("a.csv", "SP_ID,GEOM\nA,\(text)\n")
    #expect(try points(path).points[0].position == LonLat(lonDegrees: 10, latDegrees: 40))
  }

  @Test(arguments: [
    ("POINT EMPTY", ImportReason.emptyGeometry), ("LINESTRING(0 1,2 3)", .notAPoint),
    ("POLYGON((10 40,11 40,11 41,10 40))", .notAPoint), ("POINT(10)", .unreadableGeometry),
    ("PONIT(10 40)", .unreadableGeometry), ("0101000000000000000000", .unreadableGeometry),
    ("", .emptyGeometry),
  ])
  func `a geometry that is no position is rejected for its reason`(text: String, reason: ImportReason) throws
  {
    let path = try file("a.csv", "SP_ID,GEOM\nA,\"\(text)\"\n")
    let report = try points(path) { $0.maxRejectedFraction = 1 }.report
    #expect(report.rejected.map(\.reason) == [reason], "\(report.text)")
  }

  // MARK: Columns

  @Test func `names are compared without case and signs, and the first column with a value is taken`() throws
  {
    let text =
      "Est. Restore,outage-id,ERT,geom\n,O1,2026-11-24T18:00:00Z,\(area)\n2026-11-24T19:00:00Z,O2,2026-11-24T18:00:00Z,\(area)\n"
    let found = try outages(file("o.csv", text)).outages
    #expect(found.map(\.outageId) == ["O1", "O2"])
    #expect(found[0].estimatedRestorationAt?.iso8601 == "2026-11-24T18:00:00Z")
    #expect(found[1].estimatedRestorationAt?.iso8601 == "2026-11-24T18:00:00Z")
  }

  @Test func `a column that is asked for goes before those that are recognised, and its lack is an error`()
    throws
  {
    let path = try file("o.csv", "OUTAGE_ID,MY_KEY,COLOUR,GEOM\nO1,K1,red,\(area)\n")
    #expect(try outages(path).outages[0].outageId == "O1")
    #expect(try outages(path) { $0.mapping = ["outageId": "my key"] }.outages[0].outageId == "K1")
    let warnings = try outages(path).report.warnings
    #expect(warnings.first { $0.reason == .unmappedColumn }?.first.map(\.field) == ["MY_KEY", "COLOUR"])
    let missing = fault { _ = try outages(path) { $0.mapping = ["cause": "TROUBLE"] } }
    #expect(missing?.reason == .missingColumn && missing?.field == "cause")
    #expect(fault { _ = try outages(path) { $0.mapping = ["colour": "COLOUR"] } }?.reason == .badOption)
    let twice = fault { _ = try outages(path) { $0.mapping = ["cause": "COLOUR", "message": "colour"] } }
    #expect(twice?.reason == .badOption)
  }

  @Test func `names that a DBF cut to ten characters are recognised`() throws {
    let path = try file(
      "o.csv", "OUTAGE_ID,EST_RESTOR,CREW_STATU,GEOM\nO1,2026-11-24T18:00:00Z,ONSITE,\(area)\n")
    let outage = try outages(path).outages[0]
    #expect(outage.estimatedRestorationAt != nil)
    #expect(outage.crewStatus == .known(.arrived))
  }

  // MARK: Values

  @Test(arguments: ["ONSITE", "Crew on-site", "on site", "ARRIVED", "Crew is on site"])
  func `a vendor's spelling is the model's code`(text: String) throws {
    let path = try file("o.csv", "OUTAGE_ID,CREW_STATUS,GEOM\nO1,\(text),\(area)\n")
    #expect(try outages(path).outages[0].crewStatus == .known(.arrived))
  }

  @Test func `a word of no table is kept as text and reported`() throws {
    let path = try file("o.csv", "OUTAGE_ID,CREW_STATUS,STATUS,GEOM\nO1,ON LUNCH,HALF,\(area)\n")
    let (found, report) = try outages(path)
    #expect(found[0].crewStatus == .other("ON LUNCH"))
    #expect(found[0].status == .other("HALF"))
    #expect(report.warnings.first { $0.reason == .unknownValue }?.count == 2)
  }

  @Test(arguments: [
    ("Tree on the line", OutageCauseKind.treeDown), ("Squirrel in the substation", .animal),
    ("Car hit a pole", .vehicle), ("Scheduled upgrade", .planned),
    ("Transformer failure", .equipment), ("High winds", .weather), ("Under investigation", .investigating),
  ])
  func `a cause's kind is told from the utility's words`(cause: String, kind: OutageCauseKind) throws {
    let path = try file("o.csv", "OUTAGE_ID,CAUSE,GEOM\nO1,\(cause),\(area)\n")
    #expect(try outages(path).outages[0].causeKind == .known(kind))
    #expect(try outages(path).outages[0].cause == cause)
  }

  @Test func `counts are read as feeds mask them, and what is no count is left out and reported`() throws {
    let rows = ["\"1,243\"", "<5", "Fewer than 5", "many", ""].enumerated().map { "O\($0),\($1),\(area)\n" }
    let (found, report) = try outages(file("o.csv", "OUTAGE_ID,CUST_OUT,GEOM\n" + rows.joined()))
    #expect(found.map(\.customersAffected) == [1243, 5, 5, nil, nil])
    #expect(report.warnings.first { $0.reason == .badNumber }?.first.map(\.id) == ["O3"])
  }

  @Test func `telephone numbers become E.164, from one column or several`() throws {
    let text =
      "SP_ID,PHONE1,PHONE2,LON,LAT\nA,(530) 555-0100; 530.555.0101,+44 20 7946 0000,10,40\nB,none today,,10,40\n"
    let (found, report) = try points(file("a.csv", text))
    #expect(found[0].phones == ["+15305550100", "+15305550101", "+442079460000"])
    #expect(found[1].phones.isEmpty)
    #expect(report.warnings.first { $0.reason == .badPhone }?.first.map(\.id) == ["B"])
  }

  // MARK: Duplicates

  @Test func `of an id that comes twice the newest updatedAt wins, among equals the later record`() throws {
    let text = """
      SP_ID,UPDATED_AT,CITY,LON,LAT
      A,2026-01-02T00:00:00Z,first,10,40
      A,2026-01-03T00:00:00Z,newest,10,40
      A,2026-01-01T00:00:00Z,oldest,10,40
      B,,one,10,40
      B,,two,10,40
      """
    let (found, report) = try points(file("a.csv", text))
    let last = Dictionary(found.map { ($0.servicePointId, $0.city) }) { $1 }
    #expect(last == ["A": "newest", "B": "two"])
    #expect(report.accepted == 2 && report.duplicateCount == 3 && report.read == 5)
    let same = try outages(
      file(
        "o.csv",
        "OUTAGE_ID,LAST_UPDATE,CAUSE,GEOM\nO,2026-01-02T00:00:00Z,new,\(area)\nO,2026-01-01T00:00:00Z,old,\(area)\n"
      ))
    #expect(same.outages.map(\.cause) == ["new"])
    #expect(same.report.warnings.contains { $0.reason == .duplicateId && $0.first[0].record == 2 })
  }

  // MARK: Profiles

  @Test func `a profile maps columns, spellings, causes and dates, and the command line goes before it`()
    throws
  {
    let profile = try file(
      "p.json",
      """
      {"map":{"outageId":["NR","KEY"],"cause":"WHY"},"spellings":{"crewStatus":{"arrived":["10-97"]}},
       "causeWords":[{"causeKind":"equipment","words":["gremlin"]}],"dateOrder":"dmy","timezone":"UTC"}
      """)
    let path = try file(
      "o.csv", "KEY,NR,WHY,CREW_STATUS,START_TIME,GEOM\nK,,A gremlin,10-97,03/04/2026,\(area)\n")
    let outage = try outages(path) { $0.profileFile = profile }.outages[0]
    #expect(outage.outageId == "K")
    #expect(outage.causeKind == .known(.equipment))
    #expect(outage.crewStatus == .known(.arrived))
    #expect(outage.startedAt?.iso8601 == "2026-04-03T00:00:00Z")
    let other = try outages(path) {
      $0.profileFile = profile
      $0.mapping = ["outageId": "WHY"]
      $0.timeZoneName = "America/Los_Angeles"
    }.outages[0]
    #expect(other.outageId == "A gremlin" && other.cause == nil)
    #expect(other.startedAt?.iso8601 == "2026-04-03T07:00:00Z")
  }

  @Test(arguments: [
    ("[]", nil), (#"{"mapp":{}}"#, "mapp"), (#"{"map":{"colour":"C"}}"#, "map.colour"),
    (#"{"spellings":{"crewStatus":{"lunch":["L"]}}}"#, "spellings.crewStatus.lunch"),
    (#"{"spellings":{"cause":{"x":["L"]}}}"#, "spellings.cause"), (#"{"dateOrder":"ymd"}"#, "dateOrder"),
    (#"{"causeWords":[{"causeKind":"gremlins","words":["x"]}]}"#, "causeWords"), (#"{"crs":5}"#, "crs"),
  ])
  func `a profile that cannot be used is refused with the member's name`(json: String, field: String?) throws
  {
    let profile = try file("p.json", json)
    let path = try file("o.csv", "OUTAGE_ID,GEOM\nO,\(area)\n")
    let fault = fault { _ = try outages(path) { $0.profileFile = profile } }
    #expect(fault?.reason == .badProfile)
    #expect(fault?.file == "p.json")
    #expect(fault?.field == field)
  }
}
