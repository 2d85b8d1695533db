// The place where a customer takes power: what the caller's account, phone, meter or address leads to.

/// A service point (CIM `UsagePoint`): one premise's connection to the grid. Only the id and the position are mandatory; an
/// account may have many service points, and a phone many accounts.
public struct ServicePoint: Hashable, Sendable {
  /// Unique in a territory.
  public var servicePointId: String
  public var accountId: String?
  public var meterId: String?
  /// E.164: a plus sign and 7 to 15 digits each.
  public var phones: [String] = []
  public var addressLine: String?
  public var unit: String?
  public var city: String?
  public var postalCode: String?
  public var position: LonLat
  public var transformerId: String?
  public var feederId: String?
  /// Medical baseline: somebody there depends on power.
  public var isCriticalCustomer = false

  public init(servicePointId: String, position: LonLat) {
    self.servicePointId = servicePointId
    self.position = position
  }
}

/// A telephone number in E.164.
public enum E164 {
  /// Normalises what a person or a database writes: `(530) 555-0100` with country code `1` is `+15305550100`.
  ///
  /// Spaces, dots, dashes, slashes and brackets are dropped; `+` and `00` start an international number; anything else gets the
  /// country code, one trunk zero dropped. A number that begins with the country code already and is too long for
  /// a national one (more than ten digits) is taken as international.
  /// - Parameter defaultCountryCode: digits only, such as `1` or `44`.
  /// - Returns: `+` and 7 to 15 digits, or `nil` if that cannot be made of the text.
  public static func normalize(_ text: String, defaultCountryCode: String) -> String? {
    var digits = ""
    var international = false
    for (index, scalar) in text.unicodeScalars.filter({ $0 != " " }).enumerated() {
      switch scalar {
      case "0"..."9": digits.unicodeScalars.append(scalar)
      case "+" where index == 0: international = true
      case "-", ".", "/", "(", ")", "\u{a0}", "\u{2011}": continue
      default: return nil
      }
    }
    if !international {
      if digits.hasPrefix("00") {
        digits.removeFirst(2)
      } else if !(digits.hasPrefix(defaultCountryCode) && digits.count > 10) {
        if digits.hasPrefix("0") { digits.removeFirst() }
        digits = defaultCountryCode + digits
      }
    }
    return (7...15).contains(digits.count) && !digits.hasPrefix("0") ? "+" + digits : nil
  }
}
