// Reads outage messages of CIM (IEC 61968-3) and of the Outage Data Initiative Nationwide, as XML or as JSON with the same names.

/// Where the outages of a message come from, one tree each.
protocol CIMOutages: AnyObject {
  var recordsRead: Int { get }
  var bytesRead: Int { get }
  var bytesTotal: Int { get }
  func next() throws(ImportError) -> RecordNode?
  func sha256() throws(ImportError) -> String
}

/// A record's columns are the paths of its members, such as `actualPeriod.start`; `kind` is the element's own name where that tells it.
///
/// Areas are often names and not geometry: such a record has none, and is reported by its name. Where an `OutageArea` or a `Location`
/// has three or more `PositionPoints`, these are a ring, in the order of their `sequenceNumber`.
final class CIMReader: RecordReader {
  let format: String
  let recordNoun = "outage"
  let layers: [String] = []
  let layer: String? = nil
  let crs: SourceCRS
  var columns: [String] { nodeColumns.index.names }
  let columnsAreFixed = false
  let hasGeometry = true
  let demandsWinding = false
  let encoding: String? = nil
  var bytesRead: Int { outages.bytesRead }
  var bytesTotal: Int { outages.bytesTotal }

  /// What an outage is called in a message.
  static let names: Set<String> = ["Outage", "UnplannedOutage", "PlannedOutage"]
  private let outages: any CIMOutages
  private var first: RecordNode?
  private var nodeColumns = NodeColumns()

  init(_ outages: any CIMOutages, format: String) throws(ImportError) {
    self.outages = outages
    self.format = format
    first = try outages.next()
    let name = first?.descendants(named: "crsUrn").first?.text ?? ""
    crs = name.isEmpty ? .unstated(allowsWGS84: true) : .definition(name, name: name)
  }

  func next(_ record: inout RawRecord) throws(ImportError) -> Bool {
    let ahead = first
    first = nil
    let outage: RecordNode
    if let ahead {
      outage = ahead
    } else {
      guard let next = try outages.next() else { return false }
      outage = next
    }
    nodeColumns.start(&record, number: outages.recordsRead)
    if outage.name != "Outage" { nodeColumns.set("kind", outage.name, &record) }
    nodeColumns.flatten(
      outage, except: { $0.isNamed("PositionPoints") || $0.isNamed("CoordinateSystem") }, &record)
    readGeometry(outage, &record.geometry)
    return true
  }

  func sha256() throws(ImportError) -> String { try outages.sha256() }

  private func readGeometry(_ outage: RecordNode, _ geometry: inout RawGeometry) {
    for points in groupsOfPoints(outage) {
      guard points.count >= 3 else {
        if points.count == 1, case .missing = geometry.kind { geometry.kind = .point }
        continue
      }
      geometry.kind = .polygonal
      let sorted = points.enumerated().sorted {
        ($0.element.sequence, $0.offset) < ($1.element.sequence, $1.offset)
      }
      for (_, point) in sorted { geometry.coordinates += [point.x, point.y] }
      geometry.endRing()
      geometry.endPolygon()
    }
    if case .point = geometry.kind, let point = groupsOfPoints(outage).first?.first {
      geometry.coordinates = [point.x, point.y]
    }
  }

  private typealias Point = (sequence: Int, x: Double, y: Double)

  /// The position points of each node that has some.
  private func groupsOfPoints(_ node: RecordNode) -> [[Point]] {
    func number(_ node: RecordNode?) -> Double {
      var text = node?.text ?? ""
      return text.withUTF8 { decimal(of: $0) } ?? .nan
    }
    let own = node.children(named: "PositionPoints").map { point -> Point in
      (Int(point["sequenceNumber"]?.text ?? "") ?? 0, number(point["xPosition"]), number(point["yPosition"]))
    }
    return (own.isEmpty ? [] : [own]) + node.children.flatMap(groupsOfPoints)
  }
}

/// The outages of an XML message.
final class CIMXMLOutages: CIMOutages {
  private let xml: XMLRecords
  var recordsRead: Int { xml.recordsRead }
  var bytesRead: Int { xml.bytesRead }
  var bytesTotal: Int { xml.bytesTotal }

  init(_ xml: XMLRecords) { self.xml = xml }

  func next() throws(ImportError) -> RecordNode? { try xml.next(named: CIMReader.names) }
  func sha256() throws(ImportError) -> String { try xml.sha256() }
}

/// The outages of a JSON message, read as a whole.
final class CIMJSONOutages: CIMOutages {
  private let window: Window
  private var outages: [RecordNode] = []
  private(set) var recordsRead = 0
  var bytesRead: Int { window.source.bytesRead }
  var bytesTotal: Int { window.source.bytesTotal }

  init(_ window: Window) throws(ImportError) {
    self.window = window
    while try window.refill(record: 0) {}
    var cursor = JSONCursor(
      p: UnsafePointer(window.base + window.start), end: UnsafePointer(window.base + window.end))
    let file = window.source.fileName
    do throws(JSONStop) {
      let message = try RecordNode(parsing: &cursor, name: "Message")
      outages = message.isArray ? message.children.flatMap(Self.outages) : Self.outages(in: message)
    } catch {
      switch error {
      case .needsMore:
        throw .refused(.truncated, file, found: "the file's end", expected: "the rest of the message")
      case .bad(let expected):
        let rest = UnsafeBufferPointer(start: cursor.p, count: min(24, cursor.end - cursor.p))
        throw .refused(
          .notJSON, file, found: quoted(String(decoding: rest, as: UTF8.self)), expected: "\(expected)")
      case .refused(let reason, let found, let expected):
        throw .refused(reason, file, found: found, expected: expected)
      }
    }
    outages.reverse()
  }

  /// The outages in a node, wherever they are; a node that has an mRID is one itself.
  private static func outages(in node: RecordNode) -> [RecordNode] {
    if node["mRID"] != nil {
      var outage = node
      if !CIMReader.names.contains(outage.name) { outage.name = "Outage" }
      return [outage]
    }
    return node.children.flatMap(outages)
  }

  func next() throws(ImportError) -> RecordNode? {
    guard let outage = outages.popLast() else { return nil }
    recordsRead += 1
    return outage
  }

  func sha256() throws(ImportError) -> String { window.source.sha256() }
}
