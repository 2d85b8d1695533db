// Reads KML 2.x (OGC 07-147r2): a placemark is a record, its polygons the area.

final class KMLReader: RecordReader {
  let format = "KML"
  let recordNoun = "placemark"
  let layers: [String] = []
  let layer: String? = nil
  let crs = SourceCRS.wgs84
  var columns: [String] { nodeColumns.index.names }
  let columnsAreFixed = false
  let hasGeometry = true
  let demandsWinding = false
  let encoding: String? = nil
  var bytesRead: Int { xml.bytesRead }
  var bytesTotal: Int { xml.bytesTotal }

  private let xml: XMLRecords
  private var nodeColumns = NodeColumns()

  init(_ xml: XMLRecords) { self.xml = xml }

  func next(_ record: inout RawRecord) throws(ImportError) -> Bool {
    guard let placemark = try xml.next(named: ["Placemark"]) else { return false }
    nodeColumns.start(&record, number: xml.recordsRead)
    for data in placemark.descendants(named: "Data") {
      nodeColumns.set(data.attributes["name"] ?? "", data["value"]?.text ?? "", &record)
    }
    for data in placemark.descendants(named: "SimpleData") {
      nodeColumns.set(data.attributes["name"] ?? "", data.text, &record)
    }
    nodeColumns.set(GeoJSONReader.idColumn, placemark.attributes["id"] ?? "", &record)
    nodeColumns.set("Placemark.name", placemark["name"]?.text ?? "", &record)
    nodeColumns.set("Placemark.description", placemark["description"]?.text ?? "", &record)
    nodeColumns.set("TimeSpan.begin", placemark["TimeSpan"]?["begin"]?.text ?? "", &record)
    nodeColumns.set("TimeSpan.end", placemark["TimeSpan"]?["end"]?.text ?? "", &record)
    readGeometry(placemark, &record.geometry)
    return true
  }

  func sha256() throws(ImportError) -> String { try xml.sha256() }

  /// All polygons, however deep in `MultiGeometry`; a point beside them is where the map puts its label.
  private func readGeometry(_ placemark: RecordNode, _ geometry: inout RawGeometry) {
    for polygon in placemark.descendants(named: "Polygon") {
      geometry.kind = .polygonal
      let boundaries = polygon.children(named: "outerBoundaryIs") + polygon.children(named: "innerBoundaryIs")
      for ring in boundaries.flatMap({ $0.descendants(named: "LinearRing") }) {
        guard readTuples(ring["coordinates"]?.text ?? "", &geometry) else { return }
        geometry.endRing()
      }
      geometry.endPolygon()
    }
    if case .polygonal = geometry.kind { return }
    if let point = placemark.descendants(named: "Point").first {
      geometry.kind = .point
      if readTuples(point["coordinates"]?.text ?? "", &geometry), geometry.coordinates.count != 2 {
        geometry.kind = .missing
      }
    } else if let other = placemark.descendants(named: "LineString").first {
      geometry.kind = .other(other.name)
    }
  }

  /// `lon,lat[,height] lon,lat ...`
  private func readTuples(_ text: String, _ geometry: inout RawGeometry) -> Bool {
    var text = text
    return text.withUTF8 { bytes in
      for tuple in bytes.split(whereSeparator: { $0 <= 0x20 }) {
        let texts = tuple.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        let numbers = texts.map { decimal(of: UnsafeBufferPointer(rebasing: $0)) ?? .nan }
        guard numbers.count == 2 || numbers.count == 3 else {
          geometry.kind = .unreadable(found: quoted(String(decoding: tuple, as: UTF8.self)))
          return false
        }
        geometry.coordinates += numbers[..<2]
        if geometry.notANumber == nil, let bad = zip(texts, numbers.prefix(2)).first(where: { $1.isNaN }) {
          geometry.notANumber = quoted(String(decoding: bad.0, as: UTF8.self))
        }
        // A height of 0 is what tools write where there is none.
        if numbers.count == 3, numbers[2] != 0 { geometry.hasExtraDimensions = true }
      }
      return true
    }
  }
}
