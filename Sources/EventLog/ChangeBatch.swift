// Changes as they are kept: one text for all service points to which the same thing happened, and those service points packed behind it.

import ByteBuffers
import OutageModel

/// The service points of a batch, packed: as many as one batch takes.
///
/// For each: a byte of flags, the number of its feeder, its id and its account, both JSON-escaped and with their lengths before them.
/// Numbers and lengths are LEB128.
public struct ChangeMembers: ~Copyable {
  var bytes = ByteBuffer()
  public private(set) var count = 0
  private(set) var criticalCount = 0
  /// JSON-escaped; a member's feeder is a number from 1 on here, or 0.
  private(set) var feeders: [String] = []
  private var feederNumbers: [String: Int] = [:]

  /// Members of one batch, at most: what a reader who begins in its middle has to walk over.
  public static let countMax = 4096

  static let isCritical: UInt8 = 1

  public init() {}

  /// Adds a service point.
  /// - Parameters:
  ///   - servicePointId: empty for a place without one.
  ///   - accountId: empty for none.
  public mutating func append(
    servicePointId: UnsafeRawBufferPointer, accountId: UnsafeRawBufferPointer, feederId: String,
    isCriticalCustomer: Bool
  ) {
    precondition(count < Self.countMax, "a full batch")
    count += 1
    if isCriticalCustomer { criticalCount += 1 }
    bytes.append(isCriticalCustomer ? Self.isCritical : 0)
    bytes.append(leb128: feederNumber(feederId))
    bytes.append(packed: servicePointId)
    bytes.append(packed: accountId)
  }

  private mutating func feederNumber(_ feederId: String) -> Int {
    if feederId.isEmpty { return 0 }
    if let number = feederNumbers[feederId] { return number }
    feeders.append(escaped(feederId))
    feederNumbers[feederId] = feeders.count
    return feeders.count
  }

  /// Forgets all, and keeps the memory.
  public mutating func removeAll() {
    bytes.removeAll()
    count = 0
    criticalCount = 0
    feeders = []
    feederNumbers = [:]
  }
}

/// The text as it stands in a JSON string.
func escaped(_ text: String) -> String {
  var buffer = ByteBuffer()
  buffer.append(jsonEscaped: text)
  return String(decoding: buffer.bytes, as: UTF8.self)
}

extension ByteBuffer {
  mutating func append(leb128 value: Int) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(truncatingIfNeeded: rest))
  }

  /// The length and the JSON-escaped bytes.
  fileprivate mutating func append(packed text: UnsafeRawBufferPointer) {
    if text.allSatisfy({ $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C }) {
      append(leb128: text.count)
      append(text)
    } else {
      var buffer = ByteBuffer()
      buffer.append(jsonEscaped: text)
      append(leb128: buffer.count)
      append(buffer.bytes)
    }
  }
}

/// Reads packed members one by one.
struct ChangeMemberReader {
  private let bytes: UnsafeRawBufferPointer
  private var offset = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  struct Member {
    var isCritical: Bool
    /// From 1 on, in the batch's list; 0 for none.
    var feeder: Int
    var servicePointId: UnsafeRawBufferPointer
    var accountId: UnsafeRawBufferPointer
  }

  /// `nil` at the end, and where the bytes are no members.
  mutating func next() -> Member? {
    guard offset < bytes.count else { return nil }
    let flags = bytes[offset]
    offset += 1
    guard let feeder = number(), let id = text(), let account = text() else { return nil }
    return Member(
      isCritical: flags & ChangeMembers.isCritical != 0, feeder: feeder, servicePointId: id,
      accountId: account)
  }

  private mutating func number() -> Int? {
    var value = 0
    var shift = 0
    while offset < bytes.count, shift < 63 {
      let byte = bytes[offset]
      offset += 1
      value |= Int(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
      shift += 7
    }
    return nil
  }

  private mutating func text() -> UnsafeRawBufferPointer? {
    guard let count = number(), count <= bytes.count - offset else { return nil }
    defer { offset += count }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
  }
}
