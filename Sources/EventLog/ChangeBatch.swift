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
    bytes.append(packedJSON: servicePointId)
    bytes.append(packedJSON: accountId)
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
  /// The length and the bytes of the text as it stands in a JSON string.
  fileprivate mutating func append(packedJSON text: UnsafeRawBufferPointer) {
    if text.allSatisfy({ $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C }) {
      append(packed: text)
    } else {
      var buffer = ByteBuffer()
      buffer.append(jsonEscaped: text)
      append(packed: buffer.bytes)
    }
  }
}

/// Reads packed members one by one.
struct ChangeMemberReader {
  private var packed: PackedReader

  init(_ bytes: UnsafeRawBufferPointer) { packed = PackedReader(bytes) }

  struct Member {
    var isCritical: Bool
    /// From 1 on, in the batch's list; 0 for none.
    var feeder: Int
    var servicePointId: UnsafeRawBufferPointer
    var accountId: UnsafeRawBufferPointer
  }

  /// `nil` at the end, and where the bytes are no members.
  mutating func next() -> Member? {
    guard let flags = packed.byte(), let feeder = packed.number(), let id = packed.text(),
      let account = packed.text()
    else { return nil }
    return Member(
      isCritical: flags & ChangeMembers.isCritical != 0, feeder: feeder, servicePointId: id,
      accountId: account)
  }
}
