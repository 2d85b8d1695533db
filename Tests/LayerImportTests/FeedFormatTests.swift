// The shapes of public feeds give the same outages as GeoJSON, and say what they cannot give.

import Foundation
import LayerImport
import OutageModel
import Testing

@Suite("Feed formats")
struct FeedFormatTests {
  /// Reads a text as a file of that name.
  static func read(
    _ text: String, as name: String, _ change: (inout ImportOptions) -> Void = { _ in }
  ) throws -> ([Outage], ImportReport) {
    let folder = FileManager.default.temporaryDirectory.appending(path: "feed-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: name)
    try Data(text.utf8).write(to: file)
    var options = ImportOptions()
    options.maxRejectedFraction = 1
    change(&options)
    return try LayerImporter.readOutages(file.path, options: options, progress: { _ in })
  }

  static func refusal(_ text: String, as name: String = "layer.json") -> ImportReason? {
    do {
      _ = try read(text, as: name)
      return nil
    } catch {
      return (error as? ImportError)?.reason
    }
  }

  // MARK: The fixtures

  @Test(
    "a layer is the same in each shape",
    arguments: ["arcgis.json.gz", "cim.xml.gz", "cim.json.gz", "placemarks.kml.gz", "records.json.gz"])
  func sameAsGeoJSON(_ file: String) throws {
    let (expected, _) = try EveryFormatTests.outages("outages/outages.geojson")
    let (found, report) = try EveryFormatTests.outages("feeds/\(file)")
    #expect(found.count == 30)
    #expect(report.rejectedCount == 0, "\(report.text)")
    #expect(
      !report.warnings.contains { $0.reason == .unknownValue || $0.reason == .unmappedColumn },
      "\(report.text)")
    // Rings of JSON records are unclosed, as real ones are; nothing else is to be repaired.
    #expect(
      report.repaired.allSatisfy { $0.reason == .unclosedRing && file.hasPrefix("records") }, "\(report.text)"
    )
    for (id, outage) in found {
      var other = try #require(expected[id])
      #expect(
        Self.cornersDiffer(outage.area, other.area, by: EveryFormatTests.toleranceDegrees) == nil, "\(id)")
      #expect(
        outage.area.ringCount == other.area.ringCount && outage.area.polygonCount == other.area.polygonCount)
      other.area = outage.area
      #expect(other == outage)
    }
  }

  @Test("a StormCenter file has the same outages, as far as it can tell of them")
  func stormCenter() throws {
    let (expected, _) = try EveryFormatTests.outages("outages/outages.geojson")
    let (found, report) = try EveryFormatTests.outages("feeds/stormcenter.json.gz")
    #expect(found.count > 20 && report.rejectedCount == 0, "\(report.text)")
    for (id, outage) in found {
      let other = try #require(expected[id])
      #expect(Self.cornersDiffer(outage.area, other.area, by: 5.1e-6) == nil, "\(id)")
      #expect(outage.cause == other.cause && outage.crewStatus == other.crewStatus)
      #expect(outage.startedAt == other.startedAt)
      #expect(outage.estimatedRestorationAt == other.estimatedRestorationAt)
      #expect(outage.customersAffected == other.customersAffected)
    }
  }

  /// A corner of one that the other lacks.
  static func cornersDiffer(_ a: OutageArea, _ b: OutageArea, by toleranceDegrees: Double) -> [Double]? {
    func corners(_ area: OutageArea) -> [[Double]] {
      stride(from: 0, to: area.coordinates.count, by: 2).map { Array(area.coordinates[$0...$0 + 1]) }
    }
    func lacking(_ some: [[Double]], _ all: [[Double]]) -> [Double]? {
      some.first { corner in
        !all.contains {
          abs($0[0] - corner[0]) < toleranceDegrees && abs($0[1] - corner[1]) < toleranceDegrees
        }
      }
    }
    return lacking(corners(b), corners(a)) ?? lacking(corners(a), corners(b))
  }

  // MARK: ArcGIS

  static func arcGIS(_ rings: String, _ rest: String = "", reference: String = #"{"wkid":4326}"#) -> String {
    #"{"spatialReference":\#(reference),"features":[{"attributes":{"OUTAGE_ID":"A1"},"geometry":{"rings":\#(rings)}}]\#(rest)}"#
  }

  static let shell = "[[0,10],[10,20],[20,10],[10,0],[0,10]]"
  static let hole = "[[5,10],[10,5],[15,10],[10,15],[5,10]]"
  static let island = "[[9,10],[10,11],[11,10],[10,9],[9,10]]"

  @Test(
    "the winding of an ArcGIS ring tells shells from holes, and a hole finds the smallest shell around it")
  func arcGISWinding() throws {
    // A hole within the island lies in two shells.
    let lake = "[[9.8,10],[10,9.8],[10.2,10],[10,10.2],[9.8,10]]"
    let (outages, _) = try Self.read(
      Self.arcGIS("[\(Self.hole),\(lake),\(Self.shell),\(Self.island)]"), as: "a.json")
    let area = try #require(outages.first).area
    #expect(area.polygonCount == 2 && area.ringCount == 4)
    let rings = (0..<2).map { area.rings(ofPolygon: $0) }
    #expect(rings.allSatisfy { $0.count == 2 })
    let island = try #require(rings.first { $0[0].contains(LonLat(lonDegrees: 9, latDegrees: 10)) })
    #expect(island[1].contains(LonLat(lonDegrees: 9.8, latDegrees: 10)))
  }

  @Test("a lone counter-clockwise ring is a shell")
  func arcGISReversed() throws {
    let (outages, _) = try Self.read(Self.arcGIS("[\(Self.hole)]"), as: "a.json")
    #expect(outages.first?.area.polygonCount == 1)
  }

  @Test("Esri's own numbers of coordinate systems are known, and latestWkid goes first")
  func arcGISReference() throws {
    let square =
      "[[-13540000,4650000],[-13540000,4660000],[-13530000,4660000],[-13530000,4650000],[-13540000,4650000]]"
    for reference in [#"{"wkid":102100,"latestWkid":3857}"#, #"{"wkid":102100}"#, #"{"wkid":3857}"#] {
      let (outages, _) = try Self.read(Self.arcGIS("[\(square)]", reference: reference), as: "a.json")
      let corner = try #require(outages.first?.area.coordinates)
      #expect(abs(corner[0] + 121.6326) < 0.2 && abs(corner[1] - 38.5) < 0.2, "\(reference): \(corner)")
    }
    #expect(Self.refusal(Self.arcGIS("[\(square)]", reference: #"{"wkid":999999}"#)) == .unknownCRS)
  }

  @Test("a part of a layer is refused, whichever way the server says so")
  func partOfLayer() {
    #expect(Self.refusal(Self.arcGIS("[\(Self.shell)]", #","exceededTransferLimit":true"#)) == .partOfLayer)
    #expect(Self.refusal(Self.arcGIS("[\(Self.shell)]", #","exceededTransferLimit":false"#)) == nil)
    let geoJSON = #"{"type":"FeatureCollection","features":[]"#
    #expect(Self.refusal(geoJSON + #","exceededTransferLimit":true}"#) == .partOfLayer)
    #expect(Self.refusal(geoJSON + #","properties":{"exceededTransferLimit":true}}"#) == .partOfLayer)
    #expect(
      Self.refusal(#"{"type":"FeatureCollection","properties":{"exceededTransferLimit":true},"features":[]}"#)
        == .partOfLayer)
    #expect(Self.refusal(#"{"error":{"code":499,"message":"Token Required"}}"#) == .serverError)
  }

  // MARK: StormCenter

  @Test("a polyline of Google's own example is decoded")
  func polyline() throws {
    let file =
      #"{"file_data":[{"id":"1","desc":{"inc_id":"I1","cluster":false},"geom":{"a":["_p~iF~ps|U_ulLnnqC_mqNvxq`@"]}}]}"#
    let (outages, _) = try Self.read(file, as: "tile.json")
    let expected: Set = [
      LonLat(lonDegrees: -120.2, latDegrees: 38.5), LonLat(lonDegrees: -120.95, latDegrees: 40.7),
      LonLat(lonDegrees: -126.453, latDegrees: 43.252),
    ]
    #expect(Set(try #require(outages.first).area.rings(ofPolygon: 0)[0]) == expected)
  }

  @Test("clusters are left out by name, and a masked count is the one that it is fewer than")
  func clusters() throws {
    let area = #""geom":{"p":["_p~iF~ps|U"],"a":["_p~iF~ps|U_ulLnnqC_mqNvxq`@"]}"#
    let file = """
      {"file_title":"t","file_data":[
      {"id":"1","desc":{"inc_id":"I1","cluster":false,"cust_a":{"val":5,"masked":true},"cause":{"ES-US":"Arbol","EN-US":"Tree"},"etr":"ETR-EXP"},\(area)},
      {"id":"2","desc":{"inc_id":"I2","cluster":true,"n_out":3},"geom":{"p":["_p~iF~ps|U"]}},
      {"id":"3","desc":{"inc_id":"I3","cluster":false},"geom":{"a":["_p~iF~ps|U_"]}}]}
      """
    let (outages, report) = try Self.read(file, as: "tile.json")
    let outage = try #require(outages.first)
    #expect(outages.count == 1 && outage.customersAffected == 5 && outage.cause == "Tree")
    #expect(outage.estimatedRestorationAt == nil)
    #expect(Set(report.rejected.map(\.reason)) == [.cluster, .unreadableGeometry])
    #expect(report.rejected.first { $0.reason == .cluster }?.first.first?.id == "I2")
  }

  // MARK: CIM, ODIN, KML, records

  @Test(
    "an outage of which only an area's name is given is reported by that name",
    arguments: [
      (#"{"Outages":{"PlannedOutage":{"mRID":"7","communityDescriptor":"Yolo County"}}}"#, "odin.json"),
      (
        #"[{"name":"Some Electric","county":"Yolo County","metersaffected":12,"incident_id":"7"}]"#,
        "odin.json"
      ),
      (
        "<Outages><Outage><mRID>7</mRID><OutageArea><name>Yolo County</name></OutageArea></Outage></Outages>",
        "odin.xml"
      ),
    ])
  func namesOnly(_ text: String, _ name: String) throws {
    let (outages, report) = try Self.read(text, as: name)
    #expect(outages.isEmpty && report.read == 1)
    let finding = try #require(report.rejected.first { $0.reason == .emptyGeometry }?.first.first)
    #expect(finding.id == "7" && finding.found?.contains("Yolo County") == true, "\(report.text)")
  }

  @Test("an XML file that is cut off, no layer, or not well-formed is refused by name")
  func brokenXML() {
    #expect(Self.refusal("<kml><Document><Placemark><name>A</name>", as: "a.kml") == .truncated)
    #expect(Self.refusal("<kml><Document></Placemark></kml>", as: "a.kml") == .notXML)
    #expect(Self.refusal("<html><body>503</body></html>", as: "a.kml") == .unknownFormat)
    let bomb =
      "<!DOCTYPE kml [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><kml><Placemark><name>&b;</name></Placemark></kml>"
    #expect(Self.refusal(bomb, as: "a.kml") == .notXML)
  }

  @Test("every prefix of each shape is refused, never read as a smaller layer")
  func prefixes() throws {
    let files: [(String, String)] = [
      (Self.arcGIS("[\(Self.shell)]"), "a.json"),
      (
        #"{"file_data":[{"id":"1","desc":{"inc_id":"I1"},"geom":{"a":["_p~iF~ps|U_ulLnnqC_mqNvxq`@"]}}]}"#,
        "k.json"
      ),
      (#"[{"id":1,"polygon":[0,10,10,20,20,10]},{"id":2,"polygon":[0,10,10,20,20,10]}]"#, "r.json"),
      (#"{"Outage":[{"mRID":"1","OutageArea":{"wkt":"POLYGON((5 5,6 5,6 6,5 5))"}}]}"#, "c.json"),
      (
        "<Outages><Outage><mRID>1</mRID><OutageArea><wkt>POLYGON((5 5,6 5,6 6,5 5))</wkt></OutageArea></Outage></Outages>",
        "c.xml"
      ),
    ]
    for (text, name) in files {
      #expect(try !Self.read(text, as: name).0.isEmpty, "\(name)")
      for length in 1..<text.utf8.count {
        let part = String(decoding: Array(text.utf8)[..<length], as: UTF8.self)
        #expect(Self.refusal(part, as: name) != nil, "\(name): the first \(length) bytes")
      }
    }
  }

  @Test("a flat list of numbers is a ring, lists of them are polygons, and pairs are one ring")
  func coordinateLists() throws {
    let lists = [
      ("[0,10,10,20,20,10]", 1), ("[[0,10,10,20,20,10],[30,10,40,20,50,10]]", 2),
      ("[[0,10],[10,20],[20,10]]", 1),
    ]
    for (list, polygons) in lists {
      let (outages, _) = try Self.read(#"[{"id":1,"polygon":\#(list)}]"#, as: "r.json")
      #expect(outages.first?.area.polygonCount == polygons, "\(list)")
    }
    let (_, report) = try Self.read(#"[{"id":1,"polygon":[0,10,10,20,20]}]"#, as: "r.json")
    #expect(report.rejected.first?.reason == .unreadableGeometry)
  }

  @Test("a profile maps a feed's own names, in any shape")
  func profile() throws {
    let (outages, _) = try Self.read(#"[{"ref":"Z9","hull":[0,10,10,20,20,10]}]"#, as: "r.json") {
      $0.mapping = ["outageId": "ref", "wkt": "hull"]
    }
    #expect(outages.first?.outageId == "Z9")
  }

  /// A layer of one outage, A.
  private static func geoJSON(_ type: String, _ coordinates: String) -> String {
    "{\"type\":\"FeatureCollection\",\"features\":[{\"type\":\"Feature\",\"properties\":{\"outageId\":\"A\"},"
      + "\"geometry\":{\"type\":\"\(type)\",\"coordinates\":\(coordinates)}}]}"
  }

  @Test(
    "a coordinate that is no number is told as the file has it",
    arguments: [
      ("[\"n/a\",38]", "\"n/a\" 38.0"), ("[-121.5,null]", "-121.5 null"), ("[-121.5]", "-121.5 nothing"),
      ("[NaN,38]", "NaN 38.0"), ("[-121.5,Infinity]", "-121.5 inf"), ("[-121.5,\"\"]", "-121.5 \"\""),
      ("[-121.4,38,\"n/a\"],[-121.5,null]", "-121.5 null"),
    ])
  func coordinatesThatAreNoNumbers(_ position: String, _ found: String) throws {
    let ring = "[[-121.5,38],[-121.4,38],[-121.4,38.1],\(position),[-121.5,38]]"
    let geoJSON = Self.geoJSON("Polygon", "[\(ring)]")
    func arcGIS(_ rings: String) -> String {
      "{\"features\":[{\"attributes\":{\"outageId\":\"A\"},\"geometry\":{\"rings\":[\(rings)]}}]}"
    }
    // The rest of an area is not taken for the whole.
    let whole = "[[-121,38],[-121,38.1],[-120.9,38],[-121,38]]"
    for text in [geoJSON, arcGIS(ring), arcGIS("\(whole),\(ring)")] {
      let report = try Self.read(text, as: "layer.json").1
      let finding = try #require(report.rejected.first?.first.first, "\(report.text)")
      #expect(finding.found == found && finding.expected == "two numbers", "\(report.text)")
      #expect(finding.record == 1)
    }
  }

  @Test func `a coordinate of a placemark that is no number is told as the file has it`() throws {
    let kml =
      "<kml><Document><Placemark><name>A</name><ExtendedData><Data name=\"outageId\"><value>A</value></Data></ExtendedData>"
      + "<Polygon><outerBoundaryIs><LinearRing><coordinates>-121.5,38 -121.4,n/a -121.4,38.1 -121.5,38</coordinates>"
      + "</LinearRing></outerBoundaryIs></Polygon></Placemark></Document></kml>"
    let report = try Self.read(kml, as: "layer.kml").1
    let finding = try #require(report.rejected.first?.first.first, "\(report.text)")
    #expect(finding.found == "-121.4 \"n/a\"" && finding.id == "A", "\(report.text)")
  }

  @Test(
    "coordinates that are nested unevenly are refused",
    arguments: [
      // A position where a ring should be, a ring where a polygon should be, and a polygon where a ring should be.
      ("Polygon", "[RING,[-121.5,38]]", false), ("MultiPolygon", "[[RING],RING]", false),
      ("MultiPolygon", "[RING,[RING]]", false), ("Polygon", "[[RING],RING]", false),
      ("Polygon", "RING", false),
      // What is empty says nothing.
      ("Polygon", "[RING,[]]", true), ("MultiPolygon", "[[RING],[]]", true),
      ("MultiPolygon", "[[],[RING]]", true),
      ("MultiPolygon", "[[RING],[[]]]", true), ("MultiPolygon", "[[RING]]", true),
    ])
  func unevenCoordinates(_ type: String, _ coordinates: String, _ isAccepted: Bool) throws {
    let ring = "[[-121.5,38],[-121.4,38],[-121.4,38.1],[-121.5,38]]"
    let geoJSON = Self.geoJSON(type, coordinates.replacing("RING", with: ring))
    let (outages, report) = try Self.read(geoJSON, as: "layer.geojson")
    #expect(outages.count == (isAccepted ? 1 : 0), "\(report.text)")
    if !isAccepted { #expect(report.rejected.map(\.reason) == [.unreadableGeometry], "\(report.text)") }
  }
}
