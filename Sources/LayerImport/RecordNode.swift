// A record whose parts lie in one another, as XML and JSON both give it.

/// An XML element, or a member of a JSON object. An element of a JSON array is a child with the array's name, as XML repeats elements.
struct RecordNode {
  /// Without a namespace's prefix.
  var name: String
  /// The text directly within; digits as the file writes them. Empty for `null`.
  var text = ""
  var attributes: [String: String] = [:]
  var children: [RecordNode] = []
  private(set) var isArray = false

  init(name: String) { self.name = name }

  /// The first child of that name, without regard to case.
  subscript(name: String) -> RecordNode? { children.first { $0.isNamed(name) } }

  func children(named name: String) -> [RecordNode] { children.filter { $0.isNamed(name) } }

  /// All nodes below that have the name, but not those within one another.
  func descendants(named name: String) -> [RecordNode] {
    children.flatMap { $0.isNamed(name) ? [$0] : $0.descendants(named: name) }
  }

  func isNamed(_ other: String) -> Bool {
    name.utf8.count == other.utf8.count
      && zip(name.utf8, other.utf8).allSatisfy { $0 == $1 || lower($0) == lower($1) }
  }

  private func lower(_ byte: UInt8) -> UInt8 { byte &- 65 < 26 ? byte | 32 : byte }
}

extension RecordNode {
  /// Passes a JSON value. An array outside an object becomes a node with the elements as its children.
  init(parsing cursor: inout JSONCursor, name: String, depth: Int = 0) throws(JSONStop) {
    self.init(name: name)
    guard depth < JSONCursor.depthMax else { throw .bad(expected: "no more than 64 levels") }
    switch try cursor.peek() {
    case UInt8(ascii: "{"):
      var more = try cursor.opens(UInt8(ascii: "{"), UInt8(ascii: "}"), "an object")
      var bytes: [UInt8] = []
      while more {
        bytes.removeAll(keepingCapacity: true)
        try cursor.string(into: &bytes)
        try cursor.expect(UInt8(ascii: ":"), "a colon")
        let member = String(decoding: bytes, as: UTF8.self)
        let value = try RecordNode(parsing: &cursor, name: member, depth: depth + 1)
        if value.isArray { children += value.children } else { children.append(value) }
        more = try cursor.continues(until: UInt8(ascii: "}"))
      }
    case UInt8(ascii: "["):
      isArray = true
      var more = try cursor.opens(UInt8(ascii: "["), UInt8(ascii: "]"), "an array")
      while more {
        children.append(try RecordNode(parsing: &cursor, name: name, depth: depth + 1))
        more = try cursor.continues(until: UInt8(ascii: "]"))
      }
    case UInt8(ascii: "\""):
      var bytes: [UInt8] = []
      try cursor.string(into: &bytes)
      text = String(decoding: bytes, as: UTF8.self)
    default:
      let word = String(decoding: try cursor.word(), as: UTF8.self)
      text = word == "null" ? "" : word
    }
  }
}
