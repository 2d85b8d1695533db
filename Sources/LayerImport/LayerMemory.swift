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
  /// What its area is known by.
  let areaHash: ContentHash
  let columns: KnownColumns

  init(_ outage: Outage, notes: [Note], areaHash: ContentHash, columns: KnownColumns) {
    (self.outage, self.notes, self.areaHash, self.columns) = (outage, notes, areaHash, columns)
  }
}

/// The columns of a record in the order in which it names them, and their numbers in the file. Records share them.
final class KnownColumns: Sendable {
  let names: [[UInt8]]
  let numbers: [Int]

  init(names: [[UInt8]], numbers: [Int]) { (self.names, self.numbers) = (names, numbers) }
}

/// One reading of a layer: what the memory knows of it, and what is to be remembered of it.
final class LayerRecognition {
  private let before: LayerMemory
  /// Whether records were converted as they would be now.
  private let sameContext: Bool
  /// What the next layer is compared with.
  private(set) var memory = LayerMemory()
  private let fingerprint = RecordFingerprint()
  /// Of lists of columns that came in the layer before: whether they have the same numbers in this one.
  private var haveSameNumbers: [ObjectIdentifier: Bool] = [:]
  private var columnsOfNumbers: [[Int]: KnownColumns] = [:]

  init(_ before: LayerMemory, _ context: LayerMemory.Context) {
    self.before = before
    sameContext = before.context == context
    memory.context = context
    memory.areas.reserveCapacity(before.areas.count)
    memory.records.reserveCapacity(before.records.count)
  }

  // MARK: Records

  /// What a record is known by.
  func hash(_ bytes: UnsafeRawBufferPointer) -> ContentHash { fingerprint(bytes) }

  /// The record with these bytes, if it is known. Its columns are among `columns` then, as if it had been parsed.
  func record(_ bytes: ContentHash, _ columns: inout ColumnIndex) -> KnownRecord? {
    guard sameContext, let record = before.records[bytes], hasSameNumbers(record.columns, &columns),
      let area = before.areas[record.areaHash]
    else { return nil }
    memory.records[bytes] = record
    memory.areas[record.areaHash] = area
    memory.knownRecordCount += 1
    memory.knownAreaCount += 1
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

  /// Remembers a record that was parsed and converted.
  /// - Parameter columns: their numbers in the order in which the record names them, and all names by number.
  func add(
    _ bytes: ContentHash, columns: [Int], names: [[UInt8]], _ outage: Outage, _ notes: [KnownRecord.Note],
    areaHash: ContentHash
  ) {
    let known = columnsOfNumbers[columns] ?? KnownColumns(names: columns.map { names[$0] }, numbers: columns)
    columnsOfNumbers[columns] = known
    memory.records[bytes] = KnownRecord(outage, notes: notes, areaHash: areaHash, columns: known)
  }

  // MARK: Areas

  func area(_ hash: ContentHash) -> KnownArea? {
    guard let area = before.areas[hash] ?? memory.areas[hash] else { return nil }
    memory.areas[hash] = area
    memory.knownAreaCount += 1
    return area
  }

  func add(_ area: KnownArea, _ hash: ContentHash) { memory.areas[hash] = area }
}
