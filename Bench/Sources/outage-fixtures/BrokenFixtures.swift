// One small file for each fault that a hand-over can have, and the list of what has to come of each.

import Foundation
import OutageModel

/// What an import has to make of a broken file.
struct BrokenFixture {
  enum Outcome: String {
    /// Taken as it is; the report names what was noticed.
    case accepted
    /// Taken after a repair that the report names.
    case repaired
    /// The record is rejected for the reason, the others are good.
    case rejected
    /// The file cannot be read as a layer at all.
    case refused
  }

  var file: String
  var isAddresses = false
  var outcome: Outcome
  var reason: String
  var fault: String
  /// Records in the file; `nil` where it cannot be told.
  var recordCount: Int? = 3
  /// The faulty record, counted from 1.
  var record: Int? = 2
  var id: String?
  /// Whether a run with default options publishes (at most 1 % rejected).
  var isPublished: Bool
  var options = ""
}

/// Makes the files under `broken/`. The faulty record stands between good ones, as the second of three, where it can.
struct BrokenFixtures {
  let folder: String
  let feet: CoordinateSystem

  func write() throws {
    var list: [BrokenFixture] = []
    try writeGeometryFaults(&list)
    try writeValueFaults(&list)
    try writeFileFaults(&list)
    try writeShapefileFaults(&list)
    try writeAddressFaults(&list)
    try writeManifest(list)
  }

  // MARK: Geometry

  private func writeGeometryFaults(_ list: inout [BrokenFixture]) throws {
    typealias Case = (
      name: String, outcome: BrokenFixture.Outcome, reason: String, fault: String, geometry: String
    )
    let cases: [Case] = [
      (
        "self-intersection", .repaired, "selfIntersection", "a bow tie: two edges cross",
        polygon("[-121.75,38.54],[-121.74,38.55],[-121.74,38.54],[-121.75,38.55],[-121.75,38.54]")
      ),
      (
        "unclosed-ring", .repaired, "unclosedRing", "the last vertex is not the first",
        polygon("[-121.75,38.54],[-121.74,38.54],[-121.74,38.55],[-121.75,38.55]")
      ),
      (
        "wrong-winding", .repaired, "wrongWinding", "shell clockwise, hole counter-clockwise",
        polygon(
          "[-121.75,38.54],[-121.75,38.55],[-121.74,38.55],[-121.74,38.54],[-121.75,38.54]",
          "[-121.747,38.543],[-121.743,38.543],[-121.743,38.547],[-121.747,38.547],[-121.747,38.543]")
      ),
      (
        "duplicate-points", .repaired, "duplicatePoints", "vertices repeated one after another",
        polygon(
          "[-121.75,38.54],[-121.75,38.54],[-121.74,38.54],[-121.74,38.55],[-121.74,38.55],[-121.74,38.55],[-121.75,38.55],[-121.75,38.54]"
        )
      ),
      (
        "spike", .repaired, "spike", "the ring runs out along a line and back on it",
        polygon(
          "[-121.75,38.54],[-121.74,38.54],[-121.74,38.545],[-121.73,38.545],[-121.74,38.545],[-121.74,38.55],[-121.75,38.55],[-121.75,38.54]"
        )
      ),
      (
        "hole-outside-shell", .repaired, "holeOutsideShell", "a hole that lies beside its shell",
        polygon(
          "[-121.75,38.54],[-121.74,38.54],[-121.74,38.55],[-121.75,38.55],[-121.75,38.54]",
          "[-121.73,38.543],[-121.73,38.547],[-121.726,38.547],[-121.726,38.543],[-121.73,38.543]")
      ),
      (
        "overlapping-parts", .repaired, "selfIntersection", "two parts of a multipolygon overlap",
        #"{"type":"MultiPolygon","coordinates":[[[[-121.75,38.54],[-121.74,38.54],[-121.74,38.55],[-121.75,38.55],[-121.75,38.54]]],[[[-121.745,38.545],[-121.735,38.545],[-121.735,38.555],[-121.745,38.555],[-121.745,38.545]]]]}"#
      ),
      (
        "antimeridian", .repaired, "antimeridian",
        "crosses the antimeridian: split in two (check it without the territory's bounds)",
        polygon("[179.9,38.54],[-179.9,38.54],[-179.9,38.56],[179.9,38.56],[179.9,38.54]")
      ),
      (
        "z-coordinates", .accepted, "zDropped", "a third coordinate: dropped",
        polygon(
          "[-121.75,38.54,12.5],[-121.74,38.54,12.5],[-121.74,38.55,12.5],[-121.75,38.55,12.5],[-121.75,38.54,12.5]"
        )
      ),
      (
        "empty-geometry", .rejected, "emptyGeometry", "a polygon without a ring",
        #"{"type":"Polygon","coordinates":[]}"#
      ),
      ("null-geometry", .rejected, "emptyGeometry", "geometry null", "null"),
      (
        "point-geometry", .rejected, "notPolygonal", "a point where an area is wanted",
        #"{"type":"Point","coordinates":[-121.75,38.54]}"#
      ),
      (
        "line-geometry", .rejected, "notPolygonal", "a line where an area is wanted",
        #"{"type":"LineString","coordinates":[[-121.75,38.54],[-121.74,38.55]]}"#
      ),
      (
        "collinear", .rejected, "unrepairable", "all vertices on one line: nothing is left after repair",
        polygon("[-121.75,38.54],[-121.745,38.545],[-121.74,38.55],[-121.75,38.54]")
      ),
      (
        "too-few-points", .rejected, "unrepairable", "a ring of two vertices",
        polygon("[-121.75,38.54],[-121.74,38.54],[-121.75,38.54]")
      ),
      (
        "outside-territory", .rejected, "outsideTerritory",
        "lies in Los Angeles (needs the territory's bounds)", polygon(square(-118.24, 34.05))
      ),
      (
        "swapped-lon-lat", .rejected, "swappedLonLat", "latitude first",
        polygon("[38.54,-121.75],[38.54,-121.74],[38.55,-121.74],[38.55,-121.75],[38.54,-121.75]")
      ),
      (
        "zero-zero", .rejected, "zeroZero", "at (0,0), where nothing was geocoded",
        polygon("[0,0],[0,0],[0,0],[0,0]")
      ),
    ]
    for item in cases {
      try text(item.name + ".geojson", collection([good(1), feature("BAD-1", item.geometry), good(2)]))
      list.append(
        BrokenFixture(
          file: item.name + ".geojson", outcome: item.outcome, reason: item.reason, fault: item.fault,
          id: "BAD-1",
          isPublished: item.outcome != .rejected))
    }
    try text(
      "nan.csv",
      "OUTAGE_ID,STATUS,WKT\nGOOD-1,CONFIRMED,\"POLYGON((\(wkt(-121.76, 38.54))))\"\nBAD-1,CONFIRMED,\"POLYGON((-121.75 38.54,NaN 38.54,-121.74 38.55,-121.75 38.54))\"\nGOOD-2,CONFIRMED,\"POLYGON((\(wkt(-121.73, 38.54))))\"\n"
    )
    list.append(
      BrokenFixture(
        file: "nan.csv", outcome: .rejected, reason: "notANumber", fault: "a vertex is NaN", id: "BAD-1",
        isPublished: false))
    try text(
      "broken-wkb.csv", "OUTAGE_ID,STATUS,WKB\nBAD-1,CONFIRMED,0103000000010000000500\nBAD-2,CONFIRMED,01ZZ\n"
    )
    list.append(
      BrokenFixture(
        file: "broken-wkb.csv", outcome: .rejected, reason: "unreadableGeometry",
        fault: "hexadecimal WKB cut off, and not hexadecimal",
        recordCount: 2, record: 1, id: "BAD-1", isPublished: false))
  }

  // MARK: Values

  private func writeValueFaults(_ list: inout [BrokenFixture]) throws {
    let area = polygon(square(-121.745, 38.545))
    func one(
      _ name: String, _ outcome: BrokenFixture.Outcome, _ reason: String, _ fault: String, _ record: String,
      id: String? = "BAD-1"
    ) throws {
      try text(name + ".geojson", collection([good(1), record, good(2)]))
      list.append(
        BrokenFixture(
          file: name + ".geojson", outcome: outcome, reason: reason, fault: fault, id: id,
          isPublished: outcome != .rejected))
    }
    try one(
      "unknown-crew-status", .accepted, "unknownValue",
      "crew status ON LUNCH is in no table: kept as text, reported",
      feature("BAD-1", area, #","crewStatus":"ON LUNCH""#))
    try one(
      "unknown-cause", .accepted, "unknownValue",
      "cause kind GREMLINS is in no table: kept as text, reported",
      feature("BAD-1", area, #","causeKind":"GREMLINS""#))
    try one(
      "bad-time", .rejected, "badTime", "startedAt is no time",
      feature("BAD-1", area, #","startedAt":"yesterday noon""#))
    try one(
      "missing-id", .rejected, "missingId", "a record without its id",
      #"{"type":"Feature","properties":{"status":"confirmed"},"geometry":\#(area)}"#, id: nil)
    try text(
      "duplicate-ids.geojson",
      collection([
        feature("DUP-1", area, #","cause":"newest","updatedAt":"2026-11-24T17:30:00Z""#),
        feature("DUP-1", area, #","cause":"oldest","updatedAt":"2026-11-24T16:30:00Z""#),
        feature("DUP-1", area, #","cause":"middle","updatedAt":"2026-11-24T17:00:00Z""#), good(1),
      ]))
    list.append(
      BrokenFixture(
        file: "duplicate-ids.geojson", outcome: .accepted, reason: "duplicateId",
        fault: "three records of one outage: the first is the newest and wins", recordCount: 4, id: "DUP-1",
        isPublished: true))

    try text(
      "missing-id-column.csv", "STATUS,CAUSE,WKT\nCONFIRMED,Tree,\"POLYGON((\(wkt(-121.76, 38.54))))\"\n")
    list.append(
      BrokenFixture(
        file: "missing-id-column.csv", outcome: .refused, reason: "missingColumn",
        fault: "no column is known to be the outage's id",
        recordCount: nil, record: nil, isPublished: false))
    try text(
      "missing-geometry-column.csv", "OUTAGE_ID,STATUS,CAUSE\nGOOD-1,CONFIRMED,Tree\n")
    list.append(
      BrokenFixture(
        file: "missing-geometry-column.csv", outcome: .refused, reason: "missingColumn",
        fault: "no WKT or WKB column",
        recordCount: nil, record: nil, isPublished: false))
    try text(
      "local-time.csv",
      "OUTAGE_ID,STATUS,START_TIME,WKT\nBAD-1,CONFIRMED,2026-11-24 06:59:00,\"POLYGON((\(wkt(-121.76, 38.54))))\"\n"
    )
    list.append(
      BrokenFixture(
        file: "local-time.csv", outcome: .rejected, reason: "timeWithoutZone",
        fault: "local wall-clock time without a zone: good with --timezone America/Los_Angeles",
        recordCount: 1, record: 1,
        id: "BAD-1", isPublished: false))

    for (name, bad) in [("too-many-rejected", 2), ("one-percent-rejected", 1)] {
      let records = (1...100).map { number in
        number <= bad
          ? feature("BAD-\(number)", #"{"type":"Polygon","coordinates":[]}"#)
          : feature(
            "GOOD-\(number)",
            polygon(square(-121.80 + Double(number % 10) * 0.01, 38.50 + Double(number / 10) * 0.01)))
      }
      try text(name + ".geojson", collection(records))
      list.append(
        BrokenFixture(
          file: name + ".geojson", outcome: .rejected, reason: bad == 2 ? "tooManyRejected" : "emptyGeometry",
          fault: "\(bad) of 100 records rejected: \(bad == 2 ? "more than" : "not more than") 1 %",
          recordCount: 100, record: 1,
          id: "BAD-1", isPublished: bad == 1))
    }
  }

  // MARK: Files

  private func writeFileFaults(_ list: inout [BrokenFixture]) throws {
    func refused(_ file: String, _ reason: String, _ fault: String) {
      list.append(
        BrokenFixture(
          file: file, outcome: .refused, reason: reason, fault: fault, recordCount: nil, record: nil,
          isPublished: false))
    }
    let whole = collection([good(1), good(2), good(3)])
    try text("empty-layer.geojson", collection([]))
    list.append(
      BrokenFixture(
        file: "empty-layer.geojson", outcome: .accepted, reason: "emptyLayer",
        fault: "no outage at all: a layer like any other, when a storm is over", recordCount: 0, record: nil,
        isPublished: true))
    try text("zero-bytes.geojson", "")
    refused("zero-bytes.geojson", "emptyFile", "a file of no bytes")
    try text(
      "not-json.geojson",
      "<!DOCTYPE html>\n<html><head><title>503 Service Unavailable</title></head><body>Try later.</body></html>\n"
    )
    refused("not-json.geojson", "notJSON", "an error page that was saved as the layer")
    try text("not-geojson.geojson", "{\"status\":\"ok\",\"count\":3,\"rows\":[1,2,3]}\n")
    refused("not-geojson.geojson", "notGeoJSON", "JSON, but no FeatureCollection")
    try text("truncated.geojson", String(whole.dropLast(whole.count / 3)))
    refused("truncated.geojson", "truncated", "cut off within the third feature")
    try text(
      "unknown-crs.geojson",
      whole.replacingOccurrences(
        of: "\"features\"",
        with: #""crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::999999"}},"features""#))
    refused("unknown-crs.geojson", "unknownCRS", "names a coordinate system that does not exist")

    try text("cut-off.geojson.gz", whole)
    let gzip = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/cut-off.geojson.gz")))
    try bytes("cut-off.geojson.gz.tmp", Array(gzip.prefix(gzip.count * 2 / 3)), as: "cut-off.geojson.gz")
    refused("cut-off.geojson.gz", "damagedGzip", "gzip that is cut off")
    var wrong = gzip
    wrong[wrong.count - 6] ^= 0xFF
    try bytes("wrong-checksum.geojson.gz.tmp", wrong, as: "wrong-checksum.geojson.gz")
    refused("wrong-checksum.geojson.gz", "damagedGzip", "gzip whose checksum does not match")
    try bytes("not-gzip.geojson.gz.tmp", Array(whole.utf8), as: "not-gzip.geojson.gz")
    refused("not-gzip.geojson.gz", "damagedGzip", "plain text under a gzip's name")

    let area = FlatGeometry.polygons([[ring(-121.745, 38.545)]])
    let table = Table(
      "OUTAGES", RecordSchema.geoPackage, [(Outage(outageId: "GOOD-1", area: OutageArea()), area)],
      in: try CoordinateSystem(epsg: CoordinateSystem.wgs84))
    try table.writeGeoPackage("\(folder)/truncated.gpkg")
    let package = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/truncated.gpkg")))
    try bytes("truncated.gpkg", Array(package.prefix(package.count / 2)))
    refused("truncated.gpkg", "damagedDatabase", "a GeoPackage of which the second half is missing")
    try text("not-a-database.gpkg", "This is not an SQLite database.\n")
    refused("not-a-database.gpkg", "damagedDatabase", "text under a GeoPackage's name")

    // "Cañada Verde" in ISO 8859-1, which is not UTF-8.
    let latin = collection([
      feature("BAD-1", polygon(square(-121.745, 38.545)), #","communityDescriptor":"Cañada Verde""#)
    ])
    try bytes("latin1.geojson", Table.TextEncoding.latin1.bytes(latin))
    refused("latin1.geojson", "wrongEncoding", "text in ISO 8859-1, where JSON has to be UTF-8")
  }

  // MARK: Shapefiles

  private func writeShapefileFaults(_ list: inout [BrokenFixture]) throws {
    func table(_ epsg: CoordinateSystem) throws -> Table {
      var items: [(Outage, FlatGeometry)] = []
      for number in 1...3 {
        var outage = Outage(outageId: "GOOD-\(number)", area: OutageArea())
        outage.communityDescriptor = "Cañada Verde"
        let positions = try square3(number).map { try epsg.project($0) }
        items.append((outage, .polygons([[positions]])))
      }
      return Table("OUTAGES", .shapefile, items, in: epsg)
    }
    let wgs84 = try CoordinateSystem(epsg: CoordinateSystem.wgs84)
    func add(
      _ file: String, _ outcome: BrokenFixture.Outcome, _ reason: String, _ fault: String, records: Int? = nil
    ) {
      list.append(
        BrokenFixture(
          file: file, outcome: outcome, reason: reason, fault: fault, recordCount: records, record: nil,
          isPublished: outcome == .accepted))
    }
    try table(feet).writeShapefile("\(folder)/missing-prj", withProjection: false)
    add(
      "missing-prj.shp", .refused, "missingCRS",
      "no .prj, and the coordinates are feet: good with --crs EPSG:2227")
    try table(feet).writeShapefile("\(folder)/unknown-prj", withProjection: false)
    try text("unknown-prj.prj", #"PROJCS["Our_Own_Grid",GEOGCS["Unknown"]]"#)
    add("unknown-prj.shp", .refused, "unknownCRS", "a .prj that PROJ cannot read")
    try table(wgs84).writeShapefile("\(folder)/wrong-cpg", encoding: .latin1, declaredEncoding: .utf8)
    add("wrong-cpg.shp", .refused, "wrongEncoding", "the .dbf is ISO 8859-1, the .cpg says UTF-8")
    try table(wgs84).writeShapefile("\(folder)/latin1-cpg", encoding: .latin1)
    add(
      "latin1-cpg.shp", .accepted, "none",
      "the .dbf is ISO 8859-1 and the .cpg says so: reads as Cañada Verde", records: 3)
    try table(wgs84).writeShapefile("\(folder)/missing-dbf")
    try FileManager.default.removeItem(atPath: "\(folder)/missing-dbf.dbf")
    add("missing-dbf.shp", .refused, "missingPart", "the .dbf is missing")
    try table(wgs84).writeShapefile("\(folder)/truncated")
    let shapes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/truncated.shp")))
    try bytes("truncated.shp", Array(shapes.prefix(shapes.count * 2 / 3)))
    add("truncated.shp", .refused, "truncated", "the .shp ends before its header says")
  }

  // MARK: Addresses

  private func writeAddressFaults(_ list: inout [BrokenFixture]) throws {
    func addresses(
      _ name: String, _ outcome: BrokenFixture.Outcome, _ reason: String, _ fault: String, _ row: String,
      id: String? = "BAD-1"
    ) throws {
      let file = "addresses-\(name).csv"
      try text(
        file,
        "SERVICE_POINT_ID,ACCOUNT,PHONES,ADDRESS,CITY,LON,LAT\nGOOD-1,000000000000,+15305550100,102 Oak St,Davis,-121.747551,38.5396708\n\(row)\nGOOD-2,000000000001,,110 Oak St,Davis,-121.7473555,38.539767\n"
      )
      list.append(
        BrokenFixture(
          file: file, isAddresses: true, outcome: outcome, reason: reason, fault: fault, id: id,
          isPublished: outcome == .accepted))
    }
    try addresses(
      "zero-zero", .rejected, "zeroZero", "at (0,0), where nothing was geocoded",
      "BAD-1,000000000002,,1 Elm St,Davis,0,0")
    try addresses(
      "nan", .rejected, "notANumber", "longitude NaN", "BAD-1,000000000002,,1 Elm St,Davis,NaN,38.54")
    try addresses(
      "swapped", .rejected, "swappedLonLat", "latitude in the longitude's column",
      "BAD-1,000000000002,,1 Elm St,Davis,38.54,-121.74")
    try addresses(
      "out-of-range", .rejected, "outOfRange", "a longitude of 238.26 degrees",
      "BAD-1,000000000002,,1 Elm St,Davis,238.26,38.54")
    try addresses(
      "no-position", .rejected, "emptyGeometry", "no longitude and latitude",
      "BAD-1,000000000002,,1 Elm St,Davis,,")
    try addresses(
      "missing-id", .rejected, "missingId", "no service point id",
      ",000000000002,,1 Elm St,Davis,-121.74,38.54", id: nil)
    try addresses(
      "column-count", .rejected, "columnCount", "five fields where the header has seven",
      "BAD-1,000000000002,,1 Elm St,Davis")
    try addresses(
      "bad-phone", .accepted, "badPhone", "a telephone number with letters: left out, reported",
      "BAD-1,000000000002,CALL ME,1 Elm St,Davis,-121.74,38.54")
    try addresses(
      "duplicate-id", .accepted, "duplicateId",
      "a service point twice, without updatedAt: the later record wins",
      "GOOD-1,000000000002,,1 Elm St,Davis,-121.74,38.54", id: "GOOD-1")
    try text(
      "addresses-missing-id-column.csv",
      "ACCOUNT,ADDRESS,LON,LAT\n000000000000,102 Oak St,-121.747551,38.5396708\n")
    try text(
      "addresses-missing-position-column.csv",
      "SERVICE_POINT_ID,ACCOUNT,ADDRESS\nGOOD-1,000000000000,102 Oak St\n")
    for (file, fault) in [
      ("addresses-missing-id-column.csv", "no column is known to be the service point's id"),
      ("addresses-missing-position-column.csv", "no longitude, latitude or geometry column"),
    ] {
      list.append(
        BrokenFixture(
          file: file, isAddresses: true, outcome: .refused, reason: "missingColumn", fault: fault,
          recordCount: nil,
          record: nil, isPublished: false))
    }
    try text(
      "addresses-open-quote.csv",
      "SERVICE_POINT_ID,ACCOUNT,ADDRESS,LON,LAT\nGOOD-1,000000000000,102 Oak St,-121.747551,38.5396708\nBAD-1,000000000001,\"110 Oak St,-121.7473555,38.539767\n"
    )
    list.append(
      BrokenFixture(
        file: "addresses-open-quote.csv", isAddresses: true, outcome: .refused, reason: "truncated",
        fault: "a quoted field that never ends", recordCount: nil, record: nil, isPublished: false))
  }

  // MARK: Parts

  private func writeManifest(_ list: [BrokenFixture]) throws {
    let rows = list.map { item in
      let fields: [(String, FieldValue)] = [
        ("file", .text(item.file)), ("imports", .text(item.isAddresses ? "addresses" : "outages")),
        ("outcome", .text(item.outcome.rawValue)), ("reason", .text(item.reason)),
        ("isPublished", .flag(item.isPublished)),
        ("recordCount", .optional(item.recordCount)), ("record", .optional(item.record)),
        ("id", .optional(item.id)),
        ("fault", .text(item.fault)),
      ]
      return "{" + fields.map { "\"\($0)\":\($1.json)" }.joined(separator: ",") + "}"
    }
    try text("expected.json", "[\n" + rows.joined(separator: ",\n") + "\n]\n")

    var table =
      "| file | fault | outcome | reason | published by default |\n| --- | --- | --- | --- | --- |\n"
    for item in list {
      table +=
        "| `\(item.file)` | \(item.fault) | \(item.outcome.rawValue) | `\(item.reason)` | \(item.isPublished ? "yes" : "no") |\n"
    }
    try text("README.md", ReadMe.broken + table)
  }

  private func text(_ name: String, _ content: String) throws { try bytes(name, Array(content.utf8)) }

  /// - Parameter finalName: where the bytes are not to be compressed although the name says so.
  private func bytes(_ name: String, _ content: [UInt8], as finalName: String? = nil) throws {
    try Table.write(content, to: "\(folder)/\(name)")
    guard let finalName else { return }
    try? FileManager.default.removeItem(atPath: "\(folder)/\(finalName)")
    try FileManager.default.moveItem(atPath: "\(folder)/\(name)", toPath: "\(folder)/\(finalName)")
  }

  private func collection(_ features: [String]) -> String {
    "{\"type\":\"FeatureCollection\",\"features\":[\n" + features.joined(separator: ",\n") + "\n]}\n"
  }

  private func good(_ number: Int) -> String {
    feature("GOOD-\(number)", polygon(square(-121.78 + Double(number) * 0.02, 38.52)))
  }

  /// - Parameter more: further properties, each with a comma before it.
  private func feature(_ id: String, _ geometry: String, _ more: String = "") -> String {
    #"{"type":"Feature","properties":{"outageId":"\#(id)","status":"confirmed"\#(more)},"geometry":\#(geometry)}"#
  }

  private func polygon(_ rings: String...) -> String {
    #"{"type":"Polygon","coordinates":["# + rings.map { "[\($0)]" }.joined(separator: ",") + "]}"
  }

  /// A counter-clockwise square of 0.004 degrees around a centre.
  private func ring(_ lon: Double, _ lat: Double) -> [FlatPosition] {
    [(-2, -2), (2, -2), (2, 2), (-2, 2), (-2, -2)].map { (x: Double, y: Double) in
      FlatPosition(x: ((lon + x / 1000) * 1e6).rounded() / 1e6, y: ((lat + y / 1000) * 1e6).rounded() / 1e6)
    }
  }

  private func square(_ lon: Double, _ lat: Double) -> String {
    ring(lon, lat).map { "[\($0.x),\($0.y)]" }.joined(separator: ",")
  }

  private func wkt(_ lon: Double, _ lat: Double) -> String {
    ring(lon, lat).map { "\($0.x) \($0.y)" }.joined(separator: ",")
  }

  private func square3(_ number: Int) -> [LonLat] {
    ring(-121.78 + Double(number) * 0.02, 38.52).map { LonLat(lonDegrees: $0.x, latDegrees: $0.y) }
  }
}
