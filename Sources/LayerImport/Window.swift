// A stretch of a text file in memory, which a reader parses record by record.

/// Holds at least one whole record, contiguous, so that parsers run over plain memory and never look for a chunk's edge:
/// a parser that comes to the end of the window gives up, `refill` brings more, and it starts that record again. The
/// window is many records long, so that this happens seldom. Memory is bounded by the longest record.
final class Window {
  /// Valid bytes are `start ..< end`.
  private(set) var base: UnsafeMutablePointer<UInt8>
  private(set) var end = 0
  var start = 0
  private(set) var isAtEnd = false
  let source: ByteSource
  private var capacity: Int
  private static let initialCapacity = 1 << 22
  /// Of one record; the largest areas of real storms are a thousandth of it.
  static let recordSizeMax = 1 << 29

  init(_ source: ByteSource, capacity: Int = Window.initialCapacity) {
    self.source = source
    self.capacity = capacity
    base = .allocate(capacity: capacity)
  }

  deinit { base.deallocate() }

  var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base + start, count: end - start) }

  /// Moves the record that has begun to the front, and reads on.
  /// - Returns: false if the file has no more.
  func refill(record: Int) throws(ImportError) -> Bool {
    guard !isAtEnd else { return false }
    if start > 0 {
      base.update(from: base + start, count: end - start)
      end -= start
      start = 0
    }
    if end == capacity {
      guard capacity < Self.recordSizeMax else {
        throw .refused(
          .recordTooLarge, source.fileName, record: record, found: "more than \(capacity >> 20) MiB",
          expected: "a record that ends")
      }
      let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity * 2)
      larger.update(from: base, count: end)
      base.deallocate()
      base = larger
      capacity *= 2
    }
    let count = try source.read(into: UnsafeMutableRawBufferPointer(start: base + end, count: capacity - end))
    end += count
    isAtEnd = count == 0
    return count > 0
  }

  /// Reads on to the file's end, so that its hash is whole.
  func drain() throws(ImportError) {
    repeat { start = end } while try refill(record: 0)
  }
}
