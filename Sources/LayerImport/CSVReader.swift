// Reads CSV (RFC 4180) with commas, semicolons, tabs or bars between the fields.

/// Streams rows; memory is bounded by the longest one. The first row names the columns.
final class CSVReader: RecordReader {
  private enum RowEnd { case row, needsMore, openQuote }

  var format: String { "CSV" }
  let recordNoun = "row"
  let layers: [String] = []
  let layer: String? = nil
  let crs = SourceCRS.unstated(allowsWGS84: true)
  private(set) var columns: [String] = []
  let columnsAreFixed = true
  let hasGeometry = false
  let demandsWinding = false
  let encoding: String?
  var bytesRead: Int { window.source.bytesRead }
  var bytesTotal: Int { window.source.bytesTotal }

  private let window: Window
  private var delimiter = UInt8(ascii: ",")
  private var recordsRead = 0
  static let columnCountMax = 4096

  /// - Parameter encoding: of the text, as iconv knows it; `nil` is UTF-8.
  init(_ window: Window, encoding: String?) throws(ImportError) {
    self.window = window
    self.encoding = encoding
    delimiter = sniffDelimiter()
    var header = RawRecord()
    guard try row(&header) else {
      throw .refused(
        .emptyFile, window.source.fileName, found: "no header", expected: "a row of column names")
    }
    let decoder = try TextDecoder(encoding: encoding, file: window.source.fileName)
    for case .text(let range) in header.values {
      columns.append(try decoder.string(header.text[range], record: nil, field: "header").trimmed)
    }
  }

  func next(_ record: inout RawRecord) throws(ImportError) -> Bool {
    repeat {
      record.reset(number: recordsRead + 1, columnCount: 0)
      guard try row(&record) else { return false }
      // A blank line is no row.
    } while record.values.count == 1 && record.text.isEmpty && columns.count > 1
    recordsRead += 1
    if record.values.count != columns.count {
      record.fault = (.columnCount, "\(record.values.count) fields", "\(columns.count), as in the header")
      while record.values.count < columns.count { record.values.append(.null) }
    }
    return true
  }

  func sha256() throws(ImportError) -> String {
    try window.drain()
    return window.source.sha256()
  }

  /// The one that is most often in the first line, outside quotes.
  private func sniffDelimiter() -> UInt8 {
    var counts: [UInt8: Int] = [:]
    var isQuoted = false
    for byte in window.bytes {
      if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
      if !isQuoted, byte == 10 || byte == 13 { break }
      if !isQuoted { counts[byte, default: 0] += 1 }
    }
    let candidates = [",", ";", "\t", "|"].map { ($0 as Unicode.Scalar).value }.map { UInt8($0) }
    let best = candidates.max { counts[$0, default: 0] < counts[$1, default: 0] }
    return best.flatMap { counts[$0, default: 0] > 0 ? $0 : nil } ?? candidates[0]
  }

  /// - Returns: false at the end of the file.
  private func row(_ record: inout RawRecord) throws(ImportError) -> Bool {
    while true {
      switch scan(&record) {
      case .row: return true
      case .openQuote where window.isAtEnd:
        throw .refused(
          .truncated, window.source.fileName, record: recordsRead + 1,
          found: "a quoted field that never ends",
          expected: "a closing quote")
      case .needsMore where window.isAtEnd && window.start == window.end: return false
      case .needsMore, .openQuote:
        record.text.removeAll(keepingCapacity: true)
        record.values.removeAll(keepingCapacity: true)
        _ = try window.refill(record: recordsRead + 1)
      }
    }
  }

  /// One row of the window, if it is whole.
  private func scan(_ record: inout RawRecord) -> RowEnd {
    var p = UnsafePointer(window.base + window.start)
    let end = UnsafePointer(window.base + window.end)
    let delimiter = self.delimiter
    guard p < end else { return .needsMore }
    while true {
      let start = record.text.count
      if p < end, p.pointee == UInt8(ascii: "\"") {
        p += 1
        while true {
          let run = p
          while p < end, p.pointee != UInt8(ascii: "\"") { p += 1 }
          record.text.append(contentsOf: UnsafeBufferPointer(start: run, count: p - run))
          // The byte behind the quote tells whether it closes the field.
          guard p + 1 < end || p < end && window.isAtEnd else { return .openQuote }
          p += 1
          guard p < end, p.pointee == UInt8(ascii: "\"") else { break }
          record.text.append(UInt8(ascii: "\""))
          p += 1
        }
      }
      // Also what stands between a closing quote and the delimiter.
      let run = p
      while p < end, p.pointee != delimiter, p.pointee != 10, p.pointee != 13 { p += 1 }
      if p > run { record.text.append(contentsOf: UnsafeBufferPointer(start: run, count: p - run)) }
      if p == end, !window.isAtEnd { return .needsMore }
      record.values.append(.text(start..<record.text.count))
      if p < end, p.pointee == delimiter, record.values.count < Self.columnCountMax {
        p += 1
        continue
      }
      if p < end, p.pointee == 13 {
        if p + 1 == end, !window.isAtEnd { return .needsMore }
        p += 1
        if p < end, p.pointee == 10 { p += 1 }
      } else if p < end {
        p += 1
      }
      window.start = UnsafePointer(window.base).distance(to: p)
      return .row
    }
  }
}
