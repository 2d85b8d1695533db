// What the readers of JSON layers share: the walk over the file record by record, and an object's members as columns.

import OutageModel

/// Streams the records of a JSON file; memory is bounded by the largest one. Each shape of file has a subclass, which says where its
/// records are and what is in one.
class JSONRecordReader: RecordReader {
  enum State { case beginning, elements, afterElements, sequence, done }
  enum Step { case moved, record, end, refuse(ImportReason, found: String, expected: String) }

  var format: String { "JSON" }
  var recordNoun: String { "record" }
  final var layers: [String] { [] }
  final let layer: String? = nil
  final var crs: SourceCRS
  final var columns: [String] { columnIndex.names }
  final let columnsAreFixed = false
  final let hasGeometry = true
  var demandsWinding: Bool { false }
  final let encoding: String? = nil
  final var bytesRead: Int { window.source.bytesRead }
  final var bytesTotal: Int { window.source.bytesTotal }

  private final let window: Window
  final var state = State.beginning
  final var columnIndex = ColumnIndex()
  final var recordsRead = 0
  /// Nothing encloses the array of records.
  private final var isArray = false
  /// Where records that are known need not be parsed. Only for shapes whose records say all of themselves.
  final var recognition: RecordRecognition?
  /// The member's name that was read last.
  final var name: [UInt8] = []

  /// Reads up to the first record.
  init(_ window: Window, crs: SourceCRS) throws(ImportError) {
    self.window = window
    self.crs = crs
    var none = RawRecord()
    while state == .beginning { _ = try advance(&none) }
  }

  // MARK: What a shape says

  /// Passes what stands before the first record, and sets the state.
  func head(_ cursor: inout JSONCursor) throws(JSONStop) -> Step {
    preconditionFailure("a shape says where its records are")
  }

  /// Passes one record.
  func readRecord(_ cursor: inout JSONCursor, _ record: inout RawRecord) throws(JSONStop) {
    preconditionFailure("a shape says what is in a record")
  }

  /// Passes the value of a member, called `name`, behind the records.
  func readMemberBehind(_ cursor: inout JSONCursor) throws(JSONStop) { try cursor.skipValue() }

  /// Passes the value of a column that is an object; it becomes columns `outer.inner`.
  func readObject(_ cursor: inout JSONCursor, depth: Int, _ record: inout RawRecord) throws(JSONStop) {
    try readProperties(
      &cursor, prefix: String(decoding: name, as: UTF8.self) + ".", depth: depth + 1, &record)
  }

  // MARK: The walk

  final func next(_ record: inout RawRecord) throws(ImportError) -> Bool {
    while state != .done {
      if try advance(&record) { return true }
    }
    return false
  }

  final func sha256() throws(ImportError) -> String {
    try window.drain()
    return window.source.sha256()
  }

  /// One step of the file's grammar; nothing is kept of a step that the window's end cut short.
  /// - Returns: whether it gave a record.
  private final func advance(_ record: inout RawRecord) throws(ImportError) -> Bool {
    while true {
      let start = UnsafePointer(window.base + window.start)
      var cursor = JSONCursor(p: start, end: window.base + window.end)
      do throws(JSONStop) {
        let step = try self.step(&cursor, &record)
        window.start += start.distance(to: cursor.p)
        switch step {
        case .moved: return false
        case .end:
          state = .done
          return false
        case .record:
          recordsRead += 1
          return true
        case .refuse(let reason, let found, let expected):
          throw JSONStop.refused(reason, found: found, expected: expected)
        }
      } catch {
        try handle(error, cursor)
        if state == .done { return false }
      }
    }
  }

  /// Brings more bytes, or throws.
  private final func handle(_ stop: JSONStop, _ cursor: JSONCursor) throws(ImportError) {
    let record = recordsRead > 0 || state != .beginning ? recordsRead + 1 : nil
    switch stop {
    case .needsMore:
      if try window.refill(record: recordsRead + 1) { return }
      let isBlank = window.bytes.allSatisfy { $0 <= 0x20 }
      if isBlank, state == .sequence {
        state = .done
      } else {
        throw .refused(
          .truncated, window.source.fileName, record: record, found: "the file's end",
          expected: "the rest of the \(recordNoun)s")
      }
    case .bad(let expected):
      let place = cursor.p
      let rest = UnsafeBufferPointer(
        start: place, count: min(24, UnsafePointer(window.base + window.end) - place))
      throw .refused(
        .notJSON, window.source.fileName, record: record,
        found: quoted(String(decoding: rest, as: UTF8.self)),
        expected: "\(expected)")
    case .refused(let reason, let found, let expected):
      throw .refused(reason, window.source.fileName, record: record, found: found, expected: expected)
    }
  }

  private final func step(_ cursor: inout JSONCursor, _ record: inout RawRecord) throws(JSONStop) -> Step {
    switch state {
    case .beginning: return try head(&cursor)
    case .elements:
      guard try cursor.peek() == UInt8(ascii: "{") else { throw .bad(expected: "an object for each record") }
      try passRecord(&cursor, &record)
      if try !cursor.continues(until: UInt8(ascii: "]")) { state = .afterElements }
      return .record
    case .afterElements:
      if isArray { return .end }
      while try cursor.continues(until: UInt8(ascii: "}")) {
        try readName(&cursor)
        try readMemberBehind(&cursor)
      }
      return .end
    case .sequence:
      while try cursor.peek() == 0x1e { cursor.p += 1 }
      try passRecord(&cursor, &record)
      return .record
    case .done: return .end
    }
  }

  private final func passRecord(_ cursor: inout JSONCursor, _ record: inout RawRecord) throws(JSONStop) {
    startRecord(&record)
    let start = cursor.p
    // A record that the memory cuts short is parsed, so that it is the parser who says what is wrong with it.
    guard let recognition, let end = cursor.endOfObject() else { return try readRecord(&cursor, &record) }
    let hash = recognition.hash(UnsafeRawBufferPointer(start: start, count: end - start))
    record.known = recognition.record(hash, &columnIndex)
    record.hash = hash
    if record.known != nil {
      cursor.p = end
      return
    }
    startRecord(&record)
    try readRecord(&cursor, &record)
    if cursor.p == end {
      record.hash = hash
      record.columns = recognition.columns(columnIndex)
    }
  }

  private final func startRecord(_ record: inout RawRecord) {
    record.reset(number: recordsRead + 1, columnCount: columnIndex.names.count)
    columnIndex.startRecord()
  }

  /// Passes an object's members up to one that holds the records.
  /// - Parameters:
  ///   - isRecords: whether the member called `name` holds them, if it is an array.
  ///   - member: passes the value of another member, called `name`.
  /// - Returns: false if there is no such member.
  final func findRecords(
    _ cursor: inout JSONCursor, where isRecords: () -> Bool,
    _ member: (inout JSONCursor) throws(JSONStop) -> Void
  ) throws(JSONStop) -> Bool {
    var more = try cursor.opens(UInt8(ascii: "{"), UInt8(ascii: "}"), "an object")
    while more {
      try readName(&cursor)
      if isRecords(), try cursor.peek() == UInt8(ascii: "[") {
        try openRecords(&cursor)
        return true
      }
      try member(&cursor)
      more = try cursor.continues(until: UInt8(ascii: "}"))
    }
    return false
  }

  /// - Parameter isWholeFile: nothing encloses the array.
  final func openRecords(_ cursor: inout JSONCursor, isWholeFile: Bool = false) throws(JSONStop) {
    isArray = isWholeFile
    state = try cursor.opens(UInt8(ascii: "["), UInt8(ascii: "]"), "an array") ? .elements : .afterElements
  }

  // MARK: Members

  /// Passes a member's name and its colon.
  @inline(__always)
  final func readName(_ cursor: inout JSONCursor) throws(JSONStop) {
    name.removeAll(keepingCapacity: true)
    try cursor.string(into: &name)
    try cursor.expect(UInt8(ascii: ":"), "a colon")
  }

  @inline(__always)
  final func isName(_ text: StaticString) -> Bool {
    text.withUTF8Buffer { name.elementsEqual($0) }
  }

  /// Nested objects become columns `outer.inner`.
  final func readProperties(
    _ cursor: inout JSONCursor, prefix: String, depth: Int = 0, _ record: inout RawRecord
  ) throws(JSONStop) {
    guard depth < JSONCursor.depthMax else { throw .bad(expected: "no more than 64 levels") }
    var more = try cursor.opens(UInt8(ascii: "{"), UInt8(ascii: "}"), "an object")
    while more {
      name.removeAll(keepingCapacity: true)
      if !prefix.isEmpty { name.append(contentsOf: prefix.utf8) }
      try cursor.string(into: &name)
      try cursor.expect(UInt8(ascii: ":"), "a colon")
      try readValue(&cursor, depth: depth, &record)
      more = try cursor.continues(until: UInt8(ascii: "}"))
    }
  }

  /// The value of the column called `name`.
  final func readValue(_ cursor: inout JSONCursor, depth: Int, _ record: inout RawRecord) throws(JSONStop) {
    let byte = try cursor.peek()
    if byte == UInt8(ascii: "{") {
      return try readObject(&cursor, depth: depth, &record)
    }
    guard let column = name.withUnsafeBufferPointer({ columnIndex.number(of: $0) }) else {
      return try cursor.skipValue()
    }
    if column == record.values.count { record.values.append(.null) }
    let start = record.text.count
    switch byte {
    case UInt8(ascii: "\""):
      try cursor.string(into: &record.text)
      record.values[column] = .text(start..<record.text.count)
    case UInt8(ascii: "["):
      try list(&cursor, into: &record.text)
      record.values[column] = .text(start..<record.text.count)
    default:
      let word = try cursor.word()
      switch word[0] {
      case UInt8(ascii: "t"): record.values[column] = .bool(true)
      case UInt8(ascii: "f"): record.values[column] = .bool(false)
      case UInt8(ascii: "n"), UInt8(ascii: "N"): record.values[column] = .null
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
        record.text.append(contentsOf: word)
        record.values[column] = .number(start..<record.text.count)
      default: throw .bad(expected: "a value")
      }
    }
  }

  /// An array of plain values becomes `a;b;c`.
  private final func list(_ cursor: inout JSONCursor, into text: inout [UInt8]) throws(JSONStop) {
    var more = try cursor.opens(UInt8(ascii: "["), UInt8(ascii: "]"), "an array")
    var isFirst = true
    while more {
      if !isFirst { text.append(UInt8(ascii: ";")) }
      isFirst = false
      switch try cursor.peek() {
      case UInt8(ascii: "\""): try cursor.string(into: &text)
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        let start = cursor.p
        try cursor.skipValue()
        text.append(contentsOf: UnsafeBufferPointer(start: start, count: cursor.p - start))
      default: text.append(contentsOf: try cursor.word())
      }
      more = try cursor.continues(until: UInt8(ascii: "]"))
    }
  }
}

extension JSONCursor {
  /// Passes what is left of a position whose bracket was opened: two numbers, and heights or measures that are left out.
  @inline(__always)
  mutating func position(into geometry: inout RawGeometry) throws(JSONStop) {
    var count = 0
    var leftOut: String?
    repeat {
      if count < 2 {
        geometry.coordinates.append(try coordinate(&geometry.notANumber))
      } else {
        _ = try coordinate(&leftOut)
        geometry.hasExtraDimensions = true
      }
      count += 1
    } while try continues(until: UInt8(ascii: "]"))
    if count == 1 {
      geometry.coordinates.append(.nan)
      geometry.notANumber = geometry.notANumber ?? "nothing"
    }
  }

  /// Passes a number of a position. `NaN`, `null` and `"12.5"` are written by tools that should not: what is no number becomes NaN.
  /// - Parameter instead: receives what stands there instead, unless it holds something already.
  @inline(__always)
  mutating func coordinate(_ instead: inout String?) throws(JSONStop) -> Double {
    let byte = try peek()
    if byte == UInt8(ascii: "-") || byte &- 48 < 10 { return try number() }
    return try unusualCoordinate(&instead)
  }

  @inline(never)
  private mutating func unusualCoordinate(_ instead: inout String?) throws(JSONStop) -> Double {
    var text: [UInt8] = []
    let isText = try peek() == UInt8(ascii: "\"")
    if isText { try string(into: &text) } else { text.append(contentsOf: try word()) }
    if let number = text.withUnsafeBufferPointer({ decimal(of: $0) }), !number.isNaN { return number }
    let found = String(decoding: text, as: UTF8.self)
    instead = instead ?? (isText ? quoted(found) : found)
    return .nan
  }

  /// Passes the value of `exceededTransferLimit`.
  mutating func refuseIfPartOfLayer() throws(JSONStop) {
    guard try peek() == UInt8(ascii: "t") else { return try skipValue() }
    throw .refused(
      .partOfLayer, found: "exceededTransferLimit",
      expected: "a query that gives all features (resultOffset, or fewer of them)")
  }
}

/// A text as a fault shows it: in quotes, on one line, not too long.
func quoted(_ text: String) -> String {
  let short = text.count > 60 ? String(text.prefix(57)) + "..." : text
  return "\"" + String(short.map { $0.isNewline ? " " : $0 }) + "\""
}
