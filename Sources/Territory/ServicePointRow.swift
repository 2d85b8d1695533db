// What the table keeps of one service point: one cache line.

/// One service point but for its position and further phones: 64 bytes, so that one access to memory brings all that a look-up compares and all
/// that its answer is copied from.
struct ServicePointRow: Sendable, BitwiseCopyable {
  let servicePointId, accountId, meterId, addressLine, transformerId: PackedText
  private let phoneAndFlags: UInt64
  /// Indexes into the table's `names`.
  let unit, city, postalCode, feederId: UInt32

  private static let criticalBit: UInt64 = 1 << 63
  private static let escapeBit: UInt64 = 1 << 62

  init(
    servicePointId: PackedText, accountId: PackedText, meterId: PackedText, addressLine: PackedText,
    transformerId: PackedText, phoneDigits: UInt64, unit: UInt32, city: UInt32, postalCode: UInt32,
    feederId: UInt32, isCriticalCustomer: Bool, needsEscapes: Bool
  ) {
    self.servicePointId = servicePointId
    self.accountId = accountId
    self.meterId = meterId
    self.addressLine = addressLine
    self.transformerId = transformerId
    self.unit = unit
    self.city = city
    self.postalCode = postalCode
    self.feederId = feederId
    precondition(phoneDigits < Self.escapeBit, "more digits than E.164 has")
    phoneAndFlags =
      phoneDigits | (isCriticalCustomer ? Self.criticalBit : 0) | (needsEscapes ? Self.escapeBit : 0)
  }

  /// The first phone as the number that its digits write; 0 for none.
  @inline(__always)
  var phoneDigits: UInt64 { phoneAndFlags & (Self.escapeBit - 1) }

  @inline(__always)
  var isCriticalCustomer: Bool { phoneAndFlags & Self.criticalBit != 0 }

  /// Whether JSON wants something in the row's ids or address escaped.
  @inline(__always)
  var needsEscapes: Bool { phoneAndFlags & Self.escapeBit != 0 }
}
