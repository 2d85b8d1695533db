// Changes as they are kept: one text for all service points to which the same thing happened, and those service points packed behind it.

import ByteBuffers
import OutageModel

/// The service points of a batch, packed: as many as one batch takes.
///
/// For each: a byte of flags, the number of its feeder, its id and its account, both JSON-escaped. Flags tell where the feeder is that of the member before and
/// left out, and where instead of an id or account stands its difference to the one before (`IdRun`). Numbers and lengths are LEB128.
public struct ChangeMembers: ~Copyable {
  var bytes = ByteBuffer()
  public private(set) var count = 0
  private(set) var criticalCount = 0
  /// JSON-escaped; a member's feeder is a number from 1 on here, or 0.
  private(set) var feeders: [String] = []
  private var lastFeeder = 0
  private var servicePointIds = IdRun()
  private var accountIds = IdRun()

  /// Members of one batch, at most: what a reader who begins in its middle has to walk over.
  public static let countMax = 4096

  static let isCritical: UInt8 = 1
  static let hasFeederBefore: UInt8 = 2
  static let hasIdDifference: UInt8 = 4
  static let hasAccountDifference: UInt8 = 8

  public init() {}

  /// Adds a service point.
  /// - Parameters:
  ///   - servicePointId: empty for a place without one.
  ///   - accountId: empty for none.
  ///   - feeder: its number in this batch; 0 for none.
  public mutating func append(
    servicePointId: UnsafeRawBufferPointer, accountId: UnsafeRawBufferPointer, feeder: Int,
    isCriticalCustomer: Bool
  ) {
    precondition(count < Self.countMax, "a full batch")
    count += 1
    if isCriticalCustomer { criticalCount += 1 }
    let flagsOffset = bytes.count
    var flags = isCriticalCustomer ? Self.isCritical : 0
    bytes.append(0)
    if feeder == lastFeeder { flags |= Self.hasFeederBefore } else { bytes.append(leb128: feeder) }
    lastFeeder = feeder
    if bytes.append(packedJSON: servicePointId, after: &servicePointIds) { flags |= Self.hasIdDifference }
    if bytes.append(packedJSON: accountId, after: &accountIds) { flags |= Self.hasAccountDifference }
    bytes.replaceByte(at: flagsOffset, with: flags)
  }

  /// Takes a feeder that the batch does not have yet.
  /// - Parameter feederId: empty for none.
  /// - Returns: its number, until `removeAll`; 0 for none.
  public mutating func add(feeder feederId: String) -> Int {
    if feederId.isEmpty { return 0 }
    feeders.append(escaped(feederId))
    return feeders.count
  }

  /// Forgets all, and keeps the memory.
  public mutating func removeAll() {
    bytes.removeAll()
    count = 0
    criticalCount = 0
    feeders = []
    lastFeeder = 0
    servicePointIds = IdRun()
    accountIds = IdRun()
  }
}

/// The text as it stands in a JSON string.
func escaped(_ text: String) -> String {
  if text.utf8.allSatisfy(\.isPlainInJSON) { return text }
  var buffer = ByteBuffer()
  buffer.append(jsonEscaped: text)
  return String(decoding: buffer.bytes, as: UTF8.self)
}

extension UInt8 {
  /// A JSON string has the byte as it is.
  fileprivate var isPlainInJSON: Bool { self >= 0x20 && self != 0x22 && self != 0x5C }
}

extension ByteBuffer {
  /// An id as it stands in a JSON string: its difference to the one before, or its length and its bytes.
  /// - Returns: whether it is the difference.
  fileprivate mutating func append(
    packedJSON id: UnsafeRawBufferPointer, after run: inout IdRun
  ) -> Bool {
    if id.allSatisfy(\.isPlainInJSON) { return append(id, after: &run) }
    var buffer = ByteBuffer()
    buffer.append(jsonEscaped: id)
    return append(buffer.bytes, after: &run)
  }

  private mutating func append(_ id: UnsafeRawBufferPointer, after run: inout IdRun) -> Bool {
    guard let difference = run.difference(to: id) else {
      append(packed: id)
      return false
    }
    append(difference: difference)
    return true
  }
}

/// Reads packed members one by one.
struct ChangeMemberReader: ~Copyable {
  private var packed: PackedReader
  private var feeder = 0
  private var servicePointIds = IdRun()
  private var accountIds = IdRun()

  init(_ bytes: UnsafeRawBufferPointer) { packed = PackedReader(bytes) }

  /// Valid until the next one is read.
  struct Member {
    var isCritical: Bool
    /// From 1 on, in the batch's list; 0 for none.
    var feeder: Int
    var servicePointId: UnsafeRawBufferPointer
    var accountId: UnsafeRawBufferPointer
  }

  /// `nil` at the end, and where the bytes are no members.
  mutating func next() -> Member? {
    guard let flags = packed.byte() else { return nil }
    if flags & ChangeMembers.hasFeederBefore == 0 {
      guard let number = packed.number() else { return nil }
      feeder = number
    }
    guard
      let id = packed.id(isDifference: flags & ChangeMembers.hasIdDifference != 0, after: &servicePointIds),
      let account = packed.id(
        isDifference: flags & ChangeMembers.hasAccountDifference != 0, after: &accountIds)
    else { return nil }
    return Member(
      isCritical: flags & ChangeMembers.isCritical != 0, feeder: feeder, servicePointId: id,
      accountId: account)
  }
}

extension PackedReader {
  fileprivate mutating func id(isDifference: Bool, after run: inout IdRun) -> UnsafeRawBufferPointer? {
    if isDifference { return difference().flatMap { run.id(after: $0) } }
    let text = text()
    if let text { run.take(text) }
    return text
  }
}
