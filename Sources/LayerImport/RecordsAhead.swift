// Reads records on a thread of its own and checks their areas on another, some ahead of the one who converts them.

/// The records of another reader, which a thread parses while the areas of those before are checked on another, and those before these are
/// converted.
final class RecordsAhead: RecordReader {
  /// A record with what its reader told when it had read it.
  private struct Reading {
    var record = RawRecord()
    var columns: [String] = []
    var bytesRead = 0
  }

  /// Some records that follow each other.
  private struct Batch {
    var readings = [Reading](repeating: Reading(), count: RecordsAhead.batchRecords)
    var count = 0
    /// What the reader threw behind them.
    var failure: ImportError?
  }

  private final class BatchBox {
    var batch = Batch()
  }

  /// At either thread; memory is bounded by these batches, and the longest record.
  private static let batchCount = 3
  private static let batchRecords = 256
  /// A batch with more bytes is full.
  private static let batchBytes = 1 << 20
  /// The memory of a record with more bytes is not kept for another: any of the batches' records could hold on to as much.
  private static let recordBytesKept = 1 << 14
  /// Below, a thread is not worth its start.
  private static let fileBytesMin = 1 << 20

  let format: String
  let recordNoun: String
  let layers: [String]
  let layer: String?
  let crs: SourceCRS
  private(set) var columns: [String]
  let columnsAreFixed: Bool
  let hasGeometry: Bool
  let demandsWinding: Bool
  let encoding: String?
  private(set) var bytesRead: Int
  let bytesTotal: Int

  /// Used by the thread until the last record was taken.
  private let reader: any RecordReader
  private let batches: WorkAhead<BatchBox>
  private var taken: BatchBox?
  private var next = 0

  private init(_ reader: any RecordReader, _ areas: AreasAhead?) {
    format = reader.format
    recordNoun = reader.recordNoun
    layers = reader.layers
    layer = reader.layer
    crs = reader.crs
    columns = reader.columns
    columnsAreFixed = reader.columnsAreFixed
    hasGeometry = reader.hasGeometry
    demandsWinding = reader.demandsWinding
    encoding = reader.encoding
    bytesRead = reader.bytesRead
    bytesTotal = reader.bytesTotal
    self.reader = reader
    let boxes = { (0..<Self.batchCount).map { _ in BatchBox() } }
    let parsed = WorkAhead(parts: boxes()) { box in Self.fill(&box.batch, from: reader) }
    guard let areas else {
      batches = parsed
      return
    }
    var used: BatchBox?
    batches = WorkAhead(parts: boxes()) { (box) throws(ImportError) in
      used = try parsed.next(giving: used)
      guard let used else { return false }
      swap(&box.batch, &used.batch)
      for index in 0..<box.batch.count { areas.look(at: &box.batch.readings[index].record) }
      return true
    }
  }

  /// The same records; ahead, where the file is worth it.
  /// - Parameters:
  ///   - reader: not to be used by others from then on.
  ///   - areas: looks at the records' areas; `nil` where that has to wait for their conversion.
  static func of(_ reader: any RecordReader, _ areas: AreasAhead?) -> any RecordReader {
    reader is JSONRecordReader && reader.bytesTotal >= fileBytesMin ? RecordsAhead(reader, areas) : reader
  }

  private static func fill(_ batch: inout Batch, from reader: any RecordReader) -> Bool {
    batch.count = 0
    var bytes = 0
    while batch.count < batchRecords, bytes < batchBytes {
      do throws(ImportError) {
        guard try reader.next(&batch.readings[batch.count].record) else { break }
      } catch {
        batch.failure = error
        return true
      }
      batch.readings[batch.count].columns = reader.columns
      batch.readings[batch.count].bytesRead = reader.bytesRead
      bytes += batch.readings[batch.count].record.byteCount
      batch.count += 1
    }
    return batch.count > 0
  }

  func next(_ record: inout RawRecord) throws(ImportError) -> Bool {
    while true {
      if let taken, next < taken.batch.count {
        // Its memory goes back for another record, unless it is a large one's.
        if record.byteCount > Self.recordBytesKept { record = RawRecord() }
        swap(&record, &taken.batch.readings[next].record)
        columns = taken.batch.readings[next].columns
        bytesRead = taken.batch.readings[next].bytesRead
        next += 1
        return true
      }
      if let failure = taken?.batch.failure { throw failure }
      taken = try batches.next(giving: taken)
      next = 0
      if taken == nil { return false }
    }
  }

  func sha256() throws(ImportError) -> String { try reader.sha256() }
}
