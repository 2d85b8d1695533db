// What is remembered of the layer that was read last, so that what has not changed is neither parsed nor checked again.

import Foundation
import OutageModel

/// The records and areas of the layer that was read last. From one layer of a feed to the next most of them stay as they are.
///
/// A record is known by its bytes in the file (`RecordFingerprint`), as long as nothing else that it was converted by has changed: the options, the
/// profile's content, the format, the coordinate system, and the numbers of its columns. An area is known by the SHA-256 of its coordinates,
/// whatever the record around it says. It lives in memory only, so that what it holds was made by this very program.
public struct LayerMemory: Sendable {
  /// What a record's conversion depends on beside its bytes.
  struct Context: Equatable, Sendable {
    var options: ImportOptions
    /// The profile file's content.
    var profile: Data?
    var format: String
    var crs: SourceCRS
  }

  var context: Context?
  var areas: [ContentHash: KnownArea] = [:]
  var records: [ContentHash: KnownRecord] = [:]
  /// Of the layer that was read last: records that were not parsed, and areas that were not checked.
  public internal(set) var knownRecordCount = 0
  public internal(set) var knownAreaCount = 0

  public init() {}
}

/// An area that was checked.
final class KnownArea: Sendable {
  let area: OutageArea
  let repairs: [AreaFault]

  init(_ area: OutageArea, repairs: [AreaFault]) { (self.area, self.repairs) = (area, repairs) }
}

/// A record that was converted.
final class KnownRecord: Sendable {
  /// What the report said of a record; the finding's record number is the one that it had then.
  struct Note: Sendable {
    var isRepair: Bool
    var reason: ImportReason
    var finding: ImportFinding
  }

  let outage: Outage
  let notes: [Note]
  /// Its area, and what that is known by.
  let area: KnownArea
  let areaHash: ContentHash
  let columns: KnownColumns

  init(_ outage: Outage, notes: [Note], area: KnownArea, areaHash: ContentHash, columns: KnownColumns) {
    (self.outage, self.notes, self.area, self.areaHash, self.columns) = (
      outage, notes, area, areaHash, columns
    )
  }
}

/// The columns of a record in the order in which it names them, and their numbers in the file. Records share them.
final class KnownColumns: Sendable {
  let names: [[UInt8]]
  let numbers: [Int]

  init(names: [[UInt8]], numbers: [Int]) { (self.names, self.numbers) = (names, numbers) }
}

/// One reading of a layer: what the memory knows of it, and what is to be remembered of it.
///
/// The one who reads records asks which are known (`RecordRecognition`), perhaps on another thread; the one who converts them has them remembered.
final class LayerRecognition {
  /// For the reader of the records.
  let records: RecordRecognition
  private let before: LayerMemory
  /// What the next layer is compared with.
  private(set) var memory = LayerMemory()

  init(_ before: LayerMemory, _ context: LayerMemory.Context) {
    self.before = before
    records = RecordRecognition(before.context == context ? before.records : [:])
    memory.context = context
    memory.areas.reserveCapacity(before.areas.count)
    memory.records.reserveCapacity(before.records.count)
  }

  // MARK: Records

  /// Remembers a record that was known.
  func keep(_ record: KnownRecord, _ bytes: ContentHash) {
    memory.records[bytes] = record
    memory.areas[record.areaHash] = record.area
    memory.knownRecordCount += 1
    memory.knownAreaCount += 1
  }

  /// Remembers a record that was converted, whose area was looked at last.
  func add(
    _ bytes: ContentHash, _ columns: KnownColumns, _ outage: Outage, _ notes: [KnownRecord.Note],
    areaHash: ContentHash
  ) {
    guard let area = memory.areas[areaHash] else { return }
    memory.records[bytes] = KnownRecord(
      outage, notes: notes, area: area, areaHash: areaHash, columns: columns)
  }

  // MARK: Areas

  /// Of the layer before.
  var areasBefore: [ContentHash: KnownArea] { before.areas }

  func area(_ hash: ContentHash) -> KnownArea? {
    guard let area = before.areas[hash] ?? memory.areas[hash] else { return nil }
    memory.areas[hash] = area
    memory.knownAreaCount += 1
    return area
  }

  func add(_ area: KnownArea, _ hash: ContentHash) { memory.areas[hash] = area }
}

/// Which records of a layer are known from the layer before.
final class RecordRecognition {
  /// Those of the layer before that were converted as they would be now.
  private let known: [ContentHash: KnownRecord]
  private let fingerprint = RecordFingerprint()
  /// Of lists of columns that came in the layer before: whether they have the same numbers in this one.
  private var haveSameNumbers: [ObjectIdentifier: Bool] = [:]
  private var columnsOfNumbers: [[Int]: KnownColumns] = [:]

  init(_ known: [ContentHash: KnownRecord]) { self.known = known }

  /// What a record is known by.
  func hash(_ bytes: UnsafeRawBufferPointer) -> ContentHash { fingerprint(bytes) }

  /// The record with these bytes, if it is known. Its columns are among `columns` then, as if it had been parsed.
  func record(_ bytes: ContentHash, _ columns: inout ColumnIndex) -> KnownRecord? {
    guard let record = known[bytes], hasSameNumbers(record.columns, &columns) else { return nil }
    return record
  }

  /// Two columns of one field are ranked by their numbers, so that a record is only known where they are the same.
  private func hasSameNumbers(_ known: KnownColumns, _ columns: inout ColumnIndex) -> Bool {
    if let isSame = haveSameNumbers[ObjectIdentifier(known)] { return isSame }
    columns.startRecord()
    let numbers = known.names.map { $0.withUnsafeBufferPointer { columns.number(of: $0) } }
    haveSameNumbers[ObjectIdentifier(known)] = numbers == known.numbers
    return numbers == known.numbers
  }

  /// The columns of the record that was parsed last; `nil` if one had no number left.
  func columns(_ index: ColumnIndex) -> KnownColumns? {
    guard let numbers = index.ofRecord else { return nil }
    if let columns = columnsOfNumbers[numbers] { return columns }
    let columns = KnownColumns(names: numbers.map { index.keys[$0] }, numbers: numbers)
    columnsOfNumbers[numbers] = columns
    return columns
  }
}
