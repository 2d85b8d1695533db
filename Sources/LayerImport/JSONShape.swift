// Tells which of the JSON shapes a file has, by its first members.

enum JSONShape {
  case geoJSON, arcGIS, kubra, cim, records

  /// Looks as far into the file as it must; nothing is passed.
  static func of(_ window: Window) throws(ImportError) -> JSONShape {
    while true {
      var cursor = JSONCursor(
        p: UnsafePointer(window.base + window.start), end: UnsafePointer(window.base + window.end))
      do throws(JSONStop) {
        return try look(&cursor)
      } catch {
        guard case .needsMore = error else { return .geoJSON }
        if try window.refill(record: 1) { continue }
        // The file ends within its first record: the reader of its outermost bracket says so.
        return window.bytes.first { $0 > 0x20 } == UInt8(ascii: "[") ? .records : .geoJSON
      }
    }
  }

  private static func look(_ cursor: inout JSONCursor) throws(JSONStop) -> JSONShape {
    switch try cursor.peek() {
    case UInt8(ascii: "["): return try shape(ofArray: &cursor) ?? .records
    case UInt8(ascii: "{"): return try shape(ofObject: &cursor) ?? .geoJSON
    default: return .geoJSON
    }
  }

  private static func shape(ofObject cursor: inout JSONCursor) throws(JSONStop) -> JSONShape? {
    var isEsri = false
    var shape: JSONShape?
    try forEachMember(&cursor) { name, cursor throws(JSONStop) in
      let first = try cursor.peek()
      switch name {
      case "type" where first == UInt8(ascii: "\""): shape = .geoJSON
      case "file_data", "file_title": shape = .kubra
      case "error" where first == UInt8(ascii: "{"): shape = .arcGIS
      case "spatialReference", "objectIdFieldName", "geometryType", "fields", "exceededTransferLimit":
        isEsri = true
      case "features" where first == UInt8(ascii: "["):
        guard try cursor.opens(UInt8(ascii: "["), UInt8(ascii: "]"), "an array"),
          try cursor.peek() == UInt8(ascii: "{")
        else {
          shape = isEsri ? .arcGIS : .geoJSON
          return true
        }
        try forEachMember(&cursor) { name, _ throws(JSONStop) in
          if name == "attributes" { shape = .arcGIS }
          if name == "properties" || name == "type" { shape = .geoJSON }
          return shape != nil
        }
        shape = shape ?? .geoJSON
      case "mRID": shape = .cim
      case _ where CIMReader.names.contains(name): shape = .cim
      case _ where RecordArrayReader.containers.contains(name.lowercased()) && first == UInt8(ascii: "["):
        shape = try Self.shape(ofArray: &cursor) ?? .records
      case _ where first == UInt8(ascii: "{"):
        // A message's envelope: what is within tells.
        if try Self.shape(ofObject: &cursor) == .cim { shape = .cim }
      default: break
      }
      return shape != nil
    }
    return shape
  }

  /// By the first element's members; `nil` if they tell nothing.
  private static func shape(ofArray cursor: inout JSONCursor) throws(JSONStop) -> JSONShape? {
    guard try cursor.opens(UInt8(ascii: "["), UInt8(ascii: "]"), "an array") else { return nil }
    // An array of numbers or texts is no layer: GeoJSON's reader says so.
    guard try cursor.peek() == UInt8(ascii: "{") else { return .geoJSON }
    var shape: JSONShape?
    var hasDescription = false
    try forEachMember(&cursor) { name, _ throws(JSONStop) in
      switch name {
      case "mRID": shape = .cim
      case "attributes", "properties": shape = .geoJSON
      case "desc": hasDescription = true
      case "geom": if hasDescription { shape = .kubra }
      default: break
      }
      return shape != nil
    }
    return shape
  }

  /// Calls `body` at each member's value, until it says that it knows enough; what it has not passed is passed here.
  private static func forEachMember(
    _ cursor: inout JSONCursor, _ body: (String, inout JSONCursor) throws(JSONStop) -> Bool
  ) throws(JSONStop) {
    var more = try cursor.opens(UInt8(ascii: "{"), UInt8(ascii: "}"), "an object")
    var name: [UInt8] = []
    while more {
      name.removeAll(keepingCapacity: true)
      try cursor.string(into: &name)
      try cursor.expect(UInt8(ascii: ":"), "a colon")
      var inner = cursor
      if try body(String(decoding: name, as: UTF8.self), &inner) { return }
      try cursor.skipValue()
      more = try cursor.continues(until: UInt8(ascii: "}"))
    }
  }
}
