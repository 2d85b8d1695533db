// The Territory as a file that is mapped at start, so that a restart need neither read the store's rows nor join them again.

import CChecksum
import CallerAnswer
import DiskPace
import Foundation
import OutageModel
import PointLocation
import Synchronization
import SystemThreads
import Territory

/// Why a snapshot file is not used. It is rebuilt from the store then.
public enum SnapshotError: Error, Equatable, Sendable, CustomStringConvertible {
  case missing(file: String)
  case unreadable(file: String, doing: String, reason: String)
  /// It is not whole, or not as it was written.
  case damaged(file: String, found: String, expected: String)
  /// Another release has written it.
  case otherFormat(file: String, found: String, expected: String)
  /// It was made of versions that are not the store's current ones.
  case outOfDate(file: String, found: String, expected: String)

  public var description: String {
    switch self {
    case .missing(let file): "\(file): not there"
    case .unreadable(let file, let doing, let reason): "\(file): \(doing): \(reason)"
    case .damaged(let file, let found, let expected): "\(file): damaged: found \(found), expected \(expected)"
    case .otherFormat(let file, let found, let expected):
      "\(file): another format: found \(found), expected \(expected)"
    case .outOfDate(let file, let found, let expected):
      "\(file): out of date: it was made of \(found), the store holds \(expected)"
    }
  }
}

/// The versions that a Territory was made of: what tells whether a snapshot is the store's current state.
public struct TerritoryVersions: Equatable, Sendable, Codable {
  public var addresses: LayerVersion?
  public var outages: LayerVersion?

  public init(addresses: LayerVersion?, outages: LayerVersion?) {
    self.addresses = addresses
    self.outages = outages
  }

  /// All that identifies the two: a store that was restored from a backup may have used a number for something else.
  var text: String {
    [("address load", addresses), ("layer", outages)].map { name, version in
      guard let version else { return "no \(name)" }
      return "\(name) \(version.number) of \(version.publishedAt.iso8601) (\(version.recordCount) records, "
        + "sha256 \(version.sha256.prefix(16)), \(version.source))"
    }.joined(separator: "; ")
  }
}

/// `DIR/territory.snapshot`: a header, a table of sections, and the sections, each at a multiple of 64 bytes; in the machine's byte order,
/// which the header tells. Header, table and each section have their checksums.
///
///     0  "OUTAGED" and a line feed | 8 format | 12 byte order | 16 bytes of the file (64 bits) | 24 number of sections
///     28 CRC-32C of the table | 32 CRC-32C of the 32 bytes before | 64 the table
///
/// An entry of the table is a section's name (44 bytes, zeros behind it), its checksum (`cchecksum_block`), its place and its size (64 bits each).
///
/// Behind the Territory's sections stand the texts that were rendered of it, if there were any, with the program that rendered them: another
/// program words anew.
///
/// The file is not synced: what a power cut leaves of it does not pass its checksums, and is rebuilt.
public enum TerritorySnapshot {
  /// To be raised with each change of a section's meaning.
  public static let formatVersion: UInt32 = 8

  static let magic: [UInt8] = Array("OUTAGED\n".utf8)
  static let byteOrder: UInt32 = 0x0102_0304
  static let alignment = 64
  static let headerByteCount = 64
  static let entryByteCount = 64
  /// Of a section's name; the rest of an entry is its place, size and checksum.
  static let nameByteCountMax = 44

  public static func path(in directory: String) -> String { directory + "/territory.snapshot" }
}

// MARK: - Writing

extension TerritorySnapshot {
  /// Writes the file beside the old one and puts it in its place as a whole.
  /// - Parameter rendered: texts of the Territory's outages.
  /// - Returns: the file's size in bytes.
  /// - Throws: `SnapshotError.unreadable` with what failed; the old file stays.
  @discardableResult
  public static func write(
    _ territory: Territory, _ versions: TerritoryVersions, rendered: RenderedOutages? = nil, to path: String
  ) throws(SnapshotError) -> Int {
    try write(territory, versions, rendered, to: path, at: WritingPace(isHurried: true))
  }

  static func write(
    _ territory: Territory, _ versions: TerritoryVersions, _ rendered: RenderedOutages?,
    by program: String = TerritorySnapshot.program, to path: String, at pace: WritingPace
  ) throws(SnapshotError) -> Int {
    var writer = SectionWriter()
    writer.append("versions", FlatArray(Array(encodeJSON(versions).utf8)))
    territory.write(to: &writer)
    writer.append("program", FlatArray(Array((rendered == nil ? "" : program).utf8)))
    rendered?.write(to: &writer)
    let (head, placed, byteCount) = layOut(writer.sections)

    let temporaryPath = path + ".new"
    func failure(_ doing: String) -> SnapshotError {
      .unreadable(file: temporaryPath, doing: doing, reason: String(cString: strerror(errno)))
    }
    unlink(temporaryPath)
    let descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
    guard descriptor >= 0 else { throw failure("create") }
    var isKept = false
    defer {
      close(descriptor)
      if !isKept { unlink(temporaryPath) }
    }
    // Says at once that there is no room, and not in the middle.
    let reserved = posix_fallocate(descriptor, 0, byteCount)
    if reserved != 0 {
      errno = reserved
      throw failure("reserve \(byteCount) bytes")
    }
    guard head.withUnsafeBytes({ pace.write($0, to: descriptor, at: 0) }) else { throw failure("write") }
    for (section, offset) in placed {
      let bytes = section.bytes
      let isWritten = withExtendedLifetime(bytes) {
        pace.write(UnsafeRawBufferPointer(bytes.buffer), to: descriptor, at: offset)
      }
      guard isWritten else {
        throw failure("write section \(section.name)")
      }
    }
    guard rename(temporaryPath, path) == 0 else { throw failure("put it in the old one's place") }
    isKept = true
    return byteCount
  }

  private static func layOut(
    _ sections: [FlatSection]
  ) -> (head: [UInt8], placed: [(FlatSection, Int)], byteCount: Int) {
    var offset = headerByteCount + sections.count * entryByteCount
    var table: [UInt8] = []
    var placed: [(FlatSection, Int)] = []
    for section in sections {
      offset = (offset + alignment - 1) / alignment * alignment
      placed.append((section, offset))
      precondition(section.name.utf8.count <= nameByteCountMax, "a section's name is too long")
      var name = Array(section.name.utf8)
      name += [UInt8](repeating: 0, count: nameByteCountMax - name.count)
      table += name
      let bytes = section.bytes
      let checksum = withExtendedLifetime(bytes) { cchecksum_block(bytes.pointer, bytes.count) }
      append(checksum, to: &table)
      append(UInt64(offset), to: &table)
      append(UInt64(bytes.count), to: &table)
      offset += bytes.count
    }
    var header = magic
    append(formatVersion, to: &header)
    append(byteOrder, to: &header)
    append(UInt64(offset), to: &header)
    append(UInt32(sections.count), to: &header)
    append(table.withUnsafeBytes { cchecksum_crc32c(0, $0.baseAddress, $0.count) }, to: &header)
    append(header.withUnsafeBytes { cchecksum_crc32c(0, $0.baseAddress, $0.count) }, to: &header)
    header += [UInt8](repeating: 0, count: headerByteCount - header.count)
    return (header + table, placed, offset)
  }

  private static func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: value) { bytes += $0 }
  }
}

// MARK: - Reading

extension TerritorySnapshot {
  /// What a file holds.
  public struct Content: Sendable {
    public var territory: Territory
    public var versions: TerritoryVersions
    /// `nil` where there are none, or another program's.
    public var rendered: RenderedOutages?
    /// Where all of it lies.
    let file: MappedFile
  }

  /// Maps the file, checks it from end to end, and gives what lies in it.
  public static func read(_ path: String) throws(SnapshotError) -> Content {
    let file = try map(path)
    let table = try sectionTable(file.bytes, path)
    // Most of the file is soon replaced by newer layers, or was copied out, and the rest is served for as long as the addresses stay.
    let sections = table.map {
      FlatSection(name: $0.name, bytes: file.part($0.offset..<$0.offset + $0.byteCount))
    }
    guard sections.first?.name == "versions",
      let middle = sections.firstIndex(where: { $0.name == OutageTable.firstSection })
    else { throw .damaged(file: path, found: "other sections", expected: "the sections of a Territory") }
    let versions = try versions(sections[0], path)
    // Three parts that need nothing of each other, as sections are safe to look into even where they are damaged.
    let checked = Mutex<Result<Void, SnapshotError>?>(nil)
    let places = Mutex<Result<Territory.Places, SnapshotError>?>(nil)
    let outages = Mutex<Result<(OutageTable, RenderedOutages?), SnapshotError>?>(nil)
    concurrently(3) { part in
      switch part {
      case 0:
        let result = Result { () throws(SnapshotError) in
          try take(sections[middle...], path) { reader throws(SectionError) in
            let table = try OutageTable(validating: &reader, layer: versions.outages)
            let writtenBy = try reader.take("program", as: UInt8.self)
            let rendered =
              writtenBy.buffer.elementsEqual(program.utf8)
              ? try RenderedOutages(validating: &reader, outages: table) : nil
            return (table, rendered)
          }
        }
        outages.withLock { $0 = result }
      case 1:
        let result = Result { () throws(SnapshotError) in
          try take(sections[1..<middle], path) { reader throws(SectionError) in
            try Territory.Places(validating: &reader, addressVersion: versions.addresses?.number ?? 0)
          }
        }
        places.withLock { $0 = result }
      default:
        let result = Result { () throws(SnapshotError) in try compareChecksums(sections, table, path) }
        checked.withLock { $0 = result }
      }
    }
    try checked.withLock { $0.unsafelyUnwrapped }.get()
    let (outageTable, rendered) = try outages.withLock { $0.unsafelyUnwrapped }.get()
    let found = try places.withLock { $0.unsafelyUnwrapped }.get()
    do throws(SectionError) {
      return Content(
        territory: try Territory(found, outageTable), versions: versions, rendered: rendered, file: file)
    } catch {
      throw damaged(path, error)
    }
  }

  private static func compareChecksums(
    _ sections: [FlatSection], _ table: [Entry], _ path: String
  ) throws(SnapshotError) {
    for (section, entry) in zip(sections, table)
    where cchecksum_block(section.bytes.pointer, section.bytes.count) != entry.checksum {
      throw .damaged(
        file: path, found: "another checksum of section \(entry.name)",
        expected: String(entry.checksum, radix: 16))
    }
  }

  private static func versions(
    _ section: FlatSection, _ path: String
  ) throws(SnapshotError) -> TerritoryVersions {
    guard let versions = try? JSONDecoder().decode(TerritoryVersions.self, from: Data(section.bytes.buffer))
    else { throw .damaged(file: path, found: "other text", expected: "versions as JSON") }
    return versions
  }

  private static func take<Value>(
    _ sections: ArraySlice<FlatSection>, _ path: String,
    _ body: (inout SectionReader) throws(SectionError) -> Value
  ) throws(SnapshotError) -> Value {
    var reader = SectionReader(Array(sections))
    do throws(SectionError) { return try body(&reader) } catch { throw damaged(path, error) }
  }

  private static func damaged(_ path: String, _ error: SectionError) -> SnapshotError {
    .damaged(file: path, found: "\(error)", expected: "the sections of a Territory")
  }

  /// This very program: its version, and which file it was started from.
  static let program: String = {
    var file = stat()
    guard stat("/proc/self/exe", &file) == 0 else { return "\(outagedVersion), process \(getpid())" }
    return "\(outagedVersion), \(file.st_size) bytes, inode \(file.st_ino), of "
      + "\(file.st_mtim.tv_sec).\(file.st_mtim.tv_nsec)"
  }()

  /// The whole file as memory. It is only ever replaced, never written to, so that what was checked stays as it is.
  private static func map(_ path: String) throws(SnapshotError) -> MappedFile {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { throw .missing(file: path) }
      throw .unreadable(file: path, doing: "open", reason: String(cString: strerror(errno)))
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw .damaged(file: path, found: "no regular file", expected: "a snapshot")
    }
    let byteCount = Int(status.st_size)
    guard byteCount >= headerByteCount else {
      throw .damaged(file: path, found: "\(byteCount) bytes", expected: "at least \(headerByteCount)")
    }
    guard let file = MappedFile(descriptor: descriptor, byteCount: byteCount) else {
      throw .unreadable(file: path, doing: "map", reason: String(cString: strerror(errno)))
    }
    return file
  }

  private typealias Entry = (name: String, offset: Int, byteCount: Int, checksum: UInt32)

  /// The table, once header and table have passed their checks: each entry lies in the file.
  private static func sectionTable(
    _ file: UnsafeRawBufferPointer, _ path: String
  ) throws(SnapshotError) -> [Entry] {
    func load<Value: BitwiseCopyable>(_ offset: Int, as type: Value.Type) -> Value {
      file.loadUnaligned(fromByteOffset: offset, as: type)
    }
    guard file.prefix(magic.count).elementsEqual(magic) else {
      throw .damaged(file: path, found: "another kind of file", expected: "a snapshot of outaged")
    }
    let format = load(8, as: UInt32.self)
    guard format == formatVersion else {
      throw .otherFormat(file: path, found: "version \(format)", expected: "version \(formatVersion)")
    }
    guard load(12, as: UInt32.self) == byteOrder else {
      throw .otherFormat(file: path, found: "another machine's byte order", expected: "this one's")
    }
    guard cchecksum_crc32c(0, file.baseAddress, 32) == load(32, as: UInt32.self) else {
      throw .damaged(file: path, found: "another checksum of the header", expected: "its own")
    }
    let byteCount = load(16, as: UInt64.self)
    guard byteCount == UInt64(file.count) else {
      throw .damaged(file: path, found: "\(file.count) bytes", expected: "\(byteCount)")
    }
    let sectionCount = Int(load(24, as: UInt32.self))
    guard sectionCount <= (file.count - headerByteCount) / entryByteCount else {
      throw .damaged(file: path, found: "\(sectionCount) sections", expected: "as many as fit")
    }
    let table = UnsafeRawBufferPointer(
      rebasing: file[headerByteCount..<headerByteCount + sectionCount * entryByteCount])
    guard cchecksum_crc32c(0, table.baseAddress, table.count) == load(28, as: UInt32.self) else {
      throw .damaged(file: path, found: "another checksum of the table of sections", expected: "its own")
    }
    var entries: [Entry] = []
    for number in 0..<sectionCount {
      let start = headerByteCount + number * entryByteCount
      let name = String(decoding: file[start..<start + nameByteCountMax].prefix { $0 != 0 }, as: UTF8.self)
      let place = start + nameByteCountMax
      let offset = load(place + 4, as: UInt64.self)
      let size = load(place + 12, as: UInt64.self)
      guard offset % UInt64(alignment) == 0, offset <= byteCount, size <= byteCount - offset else {
        throw .damaged(file: path, found: "section \(name) at \(offset)", expected: "a place in the file")
      }
      entries.append((name, Int(offset), Int(size), load(place, as: UInt32.self)))
    }
    return entries
  }
}
