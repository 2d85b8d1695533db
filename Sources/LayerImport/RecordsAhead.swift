// Reads records on a thread of its own, some ahead of the one who converts them.

/// The records of another reader, which a thread parses while those before are converted and checked: either takes about half of the time.
final class RecordsAhead: RecordReader {
  /// A record with what its reader told when it had read it.
  private struct Reading {
    var record = RawRecord()
    var columns: [String] = []
    var bytesRead = 0
  }

  /// Some records that follow each other.
  private final class Batch {
    var readings = [Reading](repeating: Reading(), count: RecordsAhead.batchRecords)
    var count = 0
    /// What the reader threw behind them.
    var failure: ImportError?
  }

  /// Memory is bounded by so many batches, and the longest record.
  private static let batchCount = 4
  private static let batchRecords = 32
  /// A batch with more bytes is full.
  private static let batchBytes = 1 << 17
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
  private let batches: WorkAhead<Batch>
  private var batch: Batch?
  private var next = 0

  /// - Parameter reader: not to be used by others from then on.
  private init(_ reader: any RecordReader) {
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
    batches = WorkAhead(parts: (0..<Self.batchCount).map { _ in Batch() }) { batch in
      Self.fill(batch, from: reader)
    }
  }

  /// The same records; ahead, where the file is worth it.
  static func of(_ reader: any RecordReader) -> any RecordReader {
    reader is JSONRecordReader && reader.bytesTotal >= fileBytesMin ? RecordsAhead(reader) : reader
  }

  private static func fill(_ batch: Batch, from reader: any RecordReader) -> Bool {
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
      if let batch, next < batch.count {
        // Its memory goes back for another record, unless it is a large one's.
        if record.byteCount > Self.batchBytes { record = RawRecord() }
        swap(&record, &batch.readings[next].record)
        columns = batch.readings[next].columns
        bytesRead = batch.readings[next].bytesRead
        next += 1
        return true
      }
      if let failure = batch?.failure { throw failure }
      batch = try batches.next(giving: batch)
      next = 0
      if batch == nil { return false }
    }
  }

  func sha256() throws(ImportError) -> String { try reader.sha256() }
}
