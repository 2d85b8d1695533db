// The error that a client gets for a request: a stable first word for programs, and a text for people.

/// A RESP error reply: `-BADARG expected a longitude of -180 to 180, found '200'`.
public struct RequestError: Error, Hashable, Sendable {
  /// The reply's first word. Programs may rely on it; the text after it may change.
  public enum Word: String, CaseIterable, Sendable {
    /// The request is malformed, or an argument is missing, superfluous or out of range.
    case badArgument = "BADARG"
    /// No such command, subcommand or layer version.
    case unknown = "UNKNOWN"
    /// The command is not served on this socket.
    case notPermitted = "NOPERM"
    /// The request is longer, or has more arguments, than the limits allow.
    case tooBig = "TOOBIG"
    /// What was asked for was kept once and is kept no longer.
    case gone = "GONE"
    /// No territory is loaded yet.
    case loading = "LOADING"
    /// The request was understood, and the server failed at it.
    case failed = "FAILED"
  }

  public var word: Word
  /// What was expected and what was found.
  public var text: String

  public init(_ word: Word, _ text: String) {
    self.word = word
    self.text = text
  }
}

extension RequestError {
  /// A client's bytes as they may stand in an error text: at most 64 of them, unprintable ones and quotes escaped.
  static func quoted(_ bytes: Bytes) -> String {
    var text = "'"
    for byte in bytes.prefix(64) {
      switch byte {
      case 0x27, 0x5C: text += "\\" + String(UnicodeScalar(byte))
      case 0x20..<0x7F: text.unicodeScalars.append(UnicodeScalar(byte))
      default: text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
    }
    return text + (bytes.count > 64 ? "...'" : "'")
  }
}
