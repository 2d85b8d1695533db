// Where a reply ends, and of what type it is, found without decoding it.

import WireProtocol

/// The first reply in some bytes.
enum ReplyFrame {
  /// `body` is the content of a bulk string; `byteCount` all that belongs to the reply.
  case bulk(body: UnsafeRawBufferPointer, byteCount: Int)
  case null(byteCount: Int)
  case error(String, byteCount: Int)
  case other(byteCount: Int)
  /// The reply goes on behind the bytes' end.
  case partial
  case malformed

  static func first(in bytes: UnsafeRawBufferPointer) -> ReplyFrame {
    guard bytes.count >= 3 else { return .partial }
    switch bytes[0] {
    case UInt8(ascii: "$"):
      if bytes[1] == UInt8(ascii: "-") { return bytes.count >= 5 ? .null(byteCount: 5) : .partial }
      var offset = 1
      var length = 0
      while offset < bytes.count, bytes[offset] != 13 {
        length = length &* 10 &+ Int(bytes[offset]) &- 48
        offset += 1
      }
      guard offset < 20, length >= 0 else { return .malformed }
      let end = offset + 2 + length + 2
      guard bytes.count >= end else { return .partial }
      return .bulk(body: UnsafeRawBufferPointer(rebasing: bytes[(offset + 2)..<(end - 2)]), byteCount: end)
    default:
      do throws(ReplyDecodingError) {
        guard let (reply, byteCount) = try RESPReply.decode(bytes) else { return .partial }
        switch reply {
        case .error(let text): return .error(text, byteCount: byteCount)
        case .null: return .null(byteCount: byteCount)
        default: return .other(byteCount: byteCount)
        }
      } catch {
        return .malformed
      }
    }
  }
}
