// Where metrics are offered: one address of this machine, and never all of them.

internal import Glibc

/// A numeric address and a port, such as `127.0.0.1:9464` or `[::1]:9464`.
///
/// Metrics are for those who watch the daemon. So the address is named; one that means every interface is none.
public struct MetricsAddress: Sendable, Equatable, CustomStringConvertible {
  /// Without brackets.
  public let host: String
  /// 0: any that is free.
  public let port: Int

  /// What the text should have been.
  public static let expected =
    "an address of this machine and a port, such as 127.0.0.1:9464 or [::1]:9464; not 0.0.0.0 or [::], which mean all of them"

  /// - Returns: `nil` for anything else than a numeric address and a port, and for the addresses that mean all interfaces.
  public init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":") else { return nil }
    let digits = text[text.index(after: colon)...]
    guard (1...5).contains(digits.count), digits.utf8.allSatisfy({ (48...57).contains($0) }),
      let port = UInt16(digits)
    else { return nil }
    var host = text[..<colon]
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
    if isBracketed { host = host.dropFirst().dropLast() }
    // IPv6 without brackets would be ambiguous: its last group looks like a port.
    guard host.contains(":") == isBracketed else { return nil }
    var bytes = [UInt8](repeating: 0, count: isBracketed ? 16 : 4)
    guard inet_pton(isBracketed ? AF_INET6 : AF_INET, String(host), &bytes) == 1 else { return nil }
    let isEveryInterface = bytes.allSatisfy { $0 == 0 }
    if isEveryInterface { return nil }
    self.host = String(host)
    self.port = Int(port)
  }

  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
