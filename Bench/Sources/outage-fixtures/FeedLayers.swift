// Outage layers in the shapes in which utilities publish them for others to read: ArcGIS, StormCenter, CIM, KML, plain JSON records.

import OutageModel

/// Writes one layer in each shape.
struct FeedLayers {
  /// With their areas in WGS 84.
  let outages: [(Outage, FlatGeometry)]

  func write(to folder: String, feet: CoordinateSystem) throws {
    try write("\(folder)/arcgis.json.gz", arcGIS(in: feet))
    try write("\(folder)/stormcenter.json.gz", stormCenter())
    try write("\(folder)/cim.xml.gz", cimXML())
    try write("\(folder)/cim.json.gz", cimJSON())
    try write("\(folder)/placemarks.kml.gz", kml())
    try write("\(folder)/records.json.gz", records())
  }

  private func write(_ path: String, _ text: String) throws(FixtureError) {
    let file = try TextFile(path)
    try file.write(text)
    try file.close()
  }

  // MARK: ArcGIS

  /// Every ring turned round, since Esri's shells are clockwise, and all in one list; the holes first, which is allowed.
  private func arcGIS(in system: CoordinateSystem) throws -> String {
    var features: [String] = []
    let schema = RecordSchema<Outage>.arcGIS
    for (outage, _) in outages {
      guard case .polygons(let polygons) = try FlatGeometry(outage.area, in: system) else { continue }
      let rings = polygons.flatMap { $0.dropFirst() } + polygons.map { $0[0] }
      let texts = rings.map { "[" + $0.reversed().map { "[\($0.x),\($0.y)]" }.joined(separator: ",") + "]" }
      let attributes = zip(schema.names, schema.values(outage)).map { "\"\($0)\":\($1.json)" }
      features.append(
        "{\"attributes\":{\(attributes.joined(separator: ","))},\"geometry\":{\"rings\":[\(texts.joined(separator: ","))]}}"
      )
    }
    return "{\"objectIdFieldName\":\"OBJECTID\",\"geometryType\":\"esriGeometryPolygon\","
      + "\"spatialReference\":{\"wkid\":102643,\"latestWkid\":\(system.epsg)},"
      + "\"fields\":[{\"name\":\"STATUS\",\"type\":\"esriFieldTypeString\",\"domain\":{\"type\":\"codedValue\",\"codedValues\":["
      + "{\"name\":\"Predicted\",\"code\":\"PREDICTED\"},{\"name\":\"Verified\",\"code\":\"CONFIRMED\"}]}}],\n\"features\":[\n"
      + features.joined(separator: ",\n") + "\n]}\n"
  }

  // MARK: StormCenter

  private func stormCenter() -> String {
    let records = outages.filter { !$1.hasHoles }.enumerated().map { number, item in
      let (outage, geometry) = item
      let rings = geometry.rings.map { FieldValue.text(Self.polyline($0.map { ($0.y, $0.x) })).json }
      let point = geometry.rings[0][0]
      var desc = [
        "\"name\":\"\(outage.outageId)\"", "\"cluster\":false", "\"n_out\":1",
        "\"inc_id\":\(FieldValue.text(outage.outageId).json)",
        "\"cause\":{\"ES-US\":\"Causa\",\"EN-US\":\(FieldValue.text(outage.cause ?? "").json)}",
        "\"cust_a\":{\"val\":\(outage.customersAffected ?? 0),\"masked\":\((outage.customersAffected ?? 0) < 5)}",
        "\"etr\":\"\(outage.estimatedRestorationAt?.iso8601 ?? "ETR-NULL")\"",
      ]
      if let crew = outage.crewStatus {
        desc.append("\"crew_status\":{\"EN-US\":\(FieldValue.text(Spelling.words.spell(crew.text)).json)}")
      }
      if let start = outage.startedAt { desc.append("\"start_time\":\"\(start.iso8601)\"") }
      return "{\"id\":\"\(number)\",\"title\":\"Area Outage\",\"desc\":{\(desc.joined(separator: ","))},"
        + "\"geom\":{\"p\":[\(FieldValue.text(Self.polyline([(point.y, point.x)])).json)],\"a\":[\(rings.joined(separator: ","))]}}"
    }
    return "{\"file_title\":\"outages\",\"file_data\":[\n" + records.joined(separator: ",\n") + "\n]}\n"
  }

  /// Google's encoded polyline, of latitude and longitude.
  private static func polyline(_ positions: [(Double, Double)]) -> String {
    var bytes: [UInt8] = []
    func append(_ value: Int) {
      var rest = value < 0 ? ~(value << 1) : value << 1
      while rest >= 32 {
        bytes.append(UInt8(rest & 31 | 32) + 63)
        rest >>= 5
      }
      bytes.append(UInt8(rest) + 63)
    }
    var last = (0, 0)
    for (latitude, longitude) in positions {
      let next = (Int((latitude * 1e5).rounded()), Int((longitude * 1e5).rounded()))
      append(next.0 - last.0)
      append(next.1 - last.1)
      last = next
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  // MARK: CIM

  /// The members of an outage that is one, in the standard's names; what it has no name for is the profile's own.
  private func members(_ outage: Outage) -> [(String, String)] {
    [
      ("mRID", outage.outageId), ("outageKind", outage.status.text), ("cause", outage.cause),
      ("causeKind", outage.causeKind?.text), ("actualPeriod/start", outage.startedAt?.iso8601),
      ("EstimatedRestorationTime/ert", outage.estimatedRestorationAt?.iso8601),
      ("EstimatedRestorationTime/ertSource", outage.ertSource?.text),
      ("EstimatedRestorationTime/confidenceKind", outage.ertConfidence?.text),
      ("statusKind", outage.crewStatus?.text), ("feederId", outage.feederId),
      ("metersAffected", outage.customersAffected.map(String.init)),
      ("customersRestored", outage.customersRestored.map(String.init)),
      ("communityDescriptor", outage.communityDescriptor), ("utilityDisclaimer", outage.message),
      ("updatedAt", outage.updatedAt?.iso8601),
      ("kind", outage.kind.code == .publicSafetyShutoff ? outage.kind.text : nil),
    ].compactMap { name, value in value.map { (name, $0) } }
  }

  private func elementName(_ outage: Outage) -> String {
    switch outage.kind.code {
    case .planned: "PlannedOutage"
    case .unplanned: "UnplannedOutage"
    default: "Outage"
    }
  }

  private func cimXML() -> String {
    func element(_ name: String, _ content: String) -> String { "<m:\(name)>\(content)</m:\(name)>" }
    let records = outages.map { outage, geometry in
      var content = members(outage).map { path, value in
        path.split(separator: "/").reversed().reduce(Self.escaped(value)) { element(String($1), $0) }
      }.joined()
      if geometry.hasHoles {
        content += element("OutageArea", element("wkt", geometry.wkt))
      } else {
        for ring in geometry.rings {
          let points = ring.enumerated().map { number, point in
            element(
              "PositionPoints",
              element("sequenceNumber", "\(number + 1)") + element("xPosition", "\(point.x)")
                + element("yPosition", "\(point.y)"))
          }
          content += element("OutageArea", element("Location", points.joined()))
        }
      }
      return element(elementName(outage), content)
    }
    return
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<m:Outages xmlns:m=\"http://iec.ch/TC57/2014/Outages#\">\n"
      + records.joined(separator: "\n") + "\n</m:Outages>\n"
  }

  private func cimJSON() -> String {
    var groups: [String: [String]] = [:]
    for (outage, geometry) in outages {
      var objects: [String: [String]] = [:]
      var parts: [String] = []
      for (path, value) in members(outage) {
        let names = path.split(separator: "/").map(String.init)
        let member = "\"\(names[names.count - 1])\":\(FieldValue.text(value).json)"
        if names.count == 2 { objects[names[0], default: []].append(member) } else { parts.append(member) }
      }
      for name in objects.keys.sorted() {
        parts.append("\"\(name)\":{\(objects[name, default: []].joined(separator: ","))}")
      }
      parts.append("\"OutageArea\":{\"wkt\":\"\(geometry.wkt)\"}")
      groups[elementName(outage), default: []].append("{\(parts.joined(separator: ","))}")
    }
    let members = groups.keys.sorted().map {
      "\"\($0)\":[\n\(groups[$0, default: []].joined(separator: ",\n"))\n]"
    }
    return
      "{\"Header\":{\"Verb\":\"created\",\"Noun\":\"Outages\"},\"Payload\":{\(members.joined(separator: ","))}}\n"
  }

  // MARK: KML

  private func kml() -> String {
    let schema = RecordSchema<Outage>.csvWKT
    let placemarks = outages.map { outage, geometry in
      let data = zip(schema.names, schema.values(outage)).filter { $1 != .null }.map {
        "<Data name=\"\($0)\"><value>\(Self.escaped($1.plain))</value></Data>"
      }.joined()
      let polygons = geometry.polygons.map { rings in
        "<Polygon>"
          + rings.enumerated().map { number, ring in
            let boundary = number == 0 ? "outerBoundaryIs" : "innerBoundaryIs"
            let tuples = ring.map { "\($0.x),\($0.y),0" }.joined(separator: " ")
            return "<\(boundary)><LinearRing><coordinates>\(tuples)</coordinates></LinearRing></\(boundary)>"
          }.joined() + "</Polygon>"
      }
      let label = geometry.rings[0][0]
      return
        "<Placemark><name>\(Self.escaped(outage.outageId))</name><ExtendedData>\(data)</ExtendedData><MultiGeometry>"
        + "<Point><coordinates>\(label.x),\(label.y)</coordinates></Point>\(polygons.joined())</MultiGeometry></Placemark>"
    }
    return
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<kml xmlns=\"http://www.opengis.net/kml/2.2\"><Document>\n"
      + placemarks.joined(separator: "\n") + "\n</Document></kml>\n"
  }

  // MARK: Records

  /// Rings unclosed in flat lists; where there are holes, which such a list cannot say, well-known text.
  private func records() -> String {
    let schema = RecordSchema<Outage>.records
    let records = outages.map { outage, geometry in
      let members = zip(schema.names, schema.values(outage)).map { "\"\($0)\":\($1.json)" }
      let lists = geometry.rings.map {
        "[" + $0.dropLast().map { "\($0.x),\($0.y)" }.joined(separator: ",") + "]"
      }
      let polygon =
        geometry.hasHoles
        ? "\"\(geometry.wkt)\"" : lists.count == 1 ? lists[0] : "[\(lists.joined(separator: ","))]"
      return "{\(members.joined(separator: ",")),\"polygon\":\(polygon)}"
    }
    return "[\n" + records.joined(separator: ",\n") + "\n]\n"
  }

  private static func escaped(_ text: String) -> String {
    text.split(separator: "&", omittingEmptySubsequences: false).joined(separator: "&amp;")
      .split(separator: "<", omittingEmptySubsequences: false).joined(separator: "&lt;")
      .split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "&quot;")
  }
}

extension FlatGeometry {
  fileprivate var polygons: [[[FlatPosition]]] {
    if case .polygons(let polygons) = self { polygons } else { [] }
  }
  fileprivate var rings: [[FlatPosition]] { polygons.flatMap { $0 } }
  fileprivate var hasHoles: Bool { polygons.contains { $0.count > 1 } }
}
