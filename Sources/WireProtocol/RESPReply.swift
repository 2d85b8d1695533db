// A reply as a value, and the decoder that reads it from bytes: for clients, that is the command line and the tests.

public import ByteBuffers

/// A RESP2 or RESP3 value. RESP2's null bulk string and null array read as `null`.
public indirect enum RESPReply: Hashable, Sendable {
  case simple(String)
  /// The whole line: its first word is a `RequestError.Word`.
  case error(String)
  case integer(Int)
  case bulk([UInt8])
  case null
  case boolean(Bool)
  case double(Double)
  case bigNumber(String)
  case verbatim(format: String, text: [UInt8])
  case array([RESPReply])
  case set([RESPReply])
  case push([RESPReply])
  case map([Pair])

  public struct Pair: Hashable, Sendable {
    public var key: RESPReply
    public var value: RESPReply

    public init(_ key: RESPReply, _ value: RESPReply) {
      self.key = key
      self.value = value
    }
  }
}

/// Bytes that are no reply.
public struct ReplyDecodingError: Error, Hashable, Sendable {
  /// From the start of the reply.
  public var byteOffset: Int
  public var expected: String
  public var found: String
}

extension RESPReply {
  /// Values within values, at most.
  public static let depthMax = 32

  /// Reads the reply at the front of `bytes`.
  /// - Returns: the reply and the number of its bytes; `nil` if it goes on behind their end.
  /// - Throws: `ReplyDecodingError` if they cannot be a reply.
  public static func decode(_ bytes: Bytes) throws(ReplyDecodingError) -> (reply: RESPReply, byteCount: Int)?
  {
    var decoder = ReplyDecoder(bytes: bytes)
    guard let reply = try decoder.value(depth: 0) else { return nil }
    return (reply, decoder.offset)
  }

  /// The text of a simple string, a bulk string or a verbatim string.
  public var text: String? {
    switch self {
    case .simple(let text): text
    case .bulk(let bytes), .verbatim(_, let bytes): String(decoding: bytes, as: UTF8.self)
    default: nil
    }
  }

  /// The value of a key in a map, or in the flat array that RESP2 has instead.
  public subscript(key: String) -> RESPReply? {
    switch self {
    case .map(let pairs): return pairs.first { $0.key.text == key }?.value
    case .array(let values):
      var index = 0
      while index + 1 < values.count {
        if values[index].text == key { return values[index + 1] }
        index += 2
      }
      return nil
    default: return nil
    }
  }
}

extension ByteBuffer {
  /// Appends a request: an array of bulk strings.
  public mutating func appendRequest(_ words: [String]) {
    appendArrayHeader(words.count)
    for word in words { appendBulk(word) }
  }
}

private struct ReplyDecoder {
  let bytes: Bytes
  var offset = 0

  init(bytes: Bytes) {
    self.bytes = bytes
  }

  mutating func value(depth: Int) throws(ReplyDecodingError) -> RESPReply? {
    guard depth <= RESPReply.depthMax else {
      throw ReplyDecodingError(
        byteOffset: offset, expected: "at most \(RESPReply.depthMax) values within values", found: "more")
    }
    let start = offset
    guard offset < bytes.count else { return nil }
    let type = bytes[offset]
    guard Self.types.contains(type) else {
      throw ReplyDecodingError(
        byteOffset: offset, expected: "a type byte of RESP",
        found: RequestError.quoted(Bytes(rebasing: bytes[offset...offset])))
    }
    offset += 1
    guard let line = try line() else { return nil }
    let text = String(decoding: line, as: UTF8.self)
    switch type {
    case UInt8(ascii: "+"): return .simple(text)
    case UInt8(ascii: "-"): return .error(text)
    case UInt8(ascii: ":"): return .integer(try number(text, start))
    case UInt8(ascii: "_"): return .null
    case UInt8(ascii: "("): return .bigNumber(text)
    case UInt8(ascii: "#"):
      guard text == "t" || text == "f" else { throw unexpected("t or f", text, start) }
      return .boolean(text == "t")
    case UInt8(ascii: ","):
      guard let value = Double(text) else { throw unexpected("a number", text, start) }
      return .double(value)
    case UInt8(ascii: "$"): return try blob(text, start).map { $0.map(RESPReply.bulk) ?? .null }
    case UInt8(ascii: "!"):
      return try blob(text, start).map { $0.map { .error(String(decoding: $0, as: UTF8.self)) } ?? .null }
    case UInt8(ascii: "="):
      guard let blob = try blob(text, start) else { return nil }
      guard let blob, blob.count >= 4, blob[3] == UInt8(ascii: ":") else {
        throw unexpected("a format of three letters and a colon", text, start)
      }
      return .verbatim(format: String(decoding: blob[..<3], as: UTF8.self), text: Array(blob[4...]))
    case UInt8(ascii: "%"): return try map(try length(text, start), depth)
    default:
      let count = try length(text, start)
      guard count >= 0 else { return .null }
      guard let values = try values(count, depth) else { return nil }
      switch type {
      case UInt8(ascii: "~"): return .set(values)
      case UInt8(ascii: ">"): return .push(values)
      default: return .array(values)
      }
    }
  }

  private static let types = Set("+-:_(#,$!=%*~>".utf8)

  private mutating func line() throws(ReplyDecodingError) -> Bytes? {
    var end = offset
    while end < bytes.count, bytes[end] != 0x0D { end += 1 }
    guard end + 1 < bytes.count else { return nil }
    guard bytes[end + 1] == 0x0A else {
      throw ReplyDecodingError(
        byteOffset: end, expected: "a line feed after the carriage return",
        found: RequestError.quoted(Bytes(rebasing: bytes[end + 1...end + 1])))
    }
    defer { offset = end + 2 }
    return Bytes(rebasing: bytes[offset..<end])
  }

  /// `nil`: incomplete; `.some(nil)`: the null bulk string.
  private mutating func blob(_ lengthText: String, _ start: Int) throws(ReplyDecodingError) -> [UInt8]?? {
    let count = try length(lengthText, start)
    guard count >= 0 else { return .some(nil) }
    let (end, overflow) = offset.addingReportingOverflow(count)
    guard !overflow, end < Int.max - 2 else { throw unexpected("a length that fits", lengthText, start) }
    guard end + 2 <= bytes.count else { return nil }
    guard bytes[end] == 0x0D, bytes[end + 1] == 0x0A else {
      throw ReplyDecodingError(
        byteOffset: end, expected: "a line end after \(count) bytes",
        found: RequestError.quoted(Bytes(rebasing: bytes[end..<end + 2])))
    }
    defer { offset = end + 2 }
    return Array(bytes[offset..<end])
  }

  private mutating func values(_ count: Int, _ depth: Int) throws(ReplyDecodingError) -> [RESPReply]? {
    var values: [RESPReply] = []
    // Each value has at least three bytes: what a length promises is not allocated before it is there.
    values.reserveCapacity(min(count, (bytes.count - offset) / 3))
    while values.count < count {
      guard let value = try value(depth: depth + 1) else { return nil }
      values.append(value)
    }
    return values
  }

  private mutating func map(_ count: Int, _ depth: Int) throws(ReplyDecodingError) -> RESPReply? {
    var pairs: [RESPReply.Pair] = []
    while pairs.count < count {
      guard let key = try value(depth: depth + 1), let value = try value(depth: depth + 1) else { return nil }
      pairs.append(RESPReply.Pair(key, value))
    }
    return .map(pairs)
  }

  private func number(_ text: String, _ start: Int) throws(ReplyDecodingError) -> Int {
    guard let value = Int(text) else { throw unexpected("an integer", text, start) }
    return value
  }

  private func length(_ text: String, _ start: Int) throws(ReplyDecodingError) -> Int {
    guard let value = Int(text), value >= -1 else { throw unexpected("a length of -1 or more", text, start) }
    return value
  }

  private func unexpected(_ expected: String, _ found: String, _ start: Int) -> ReplyDecodingError {
    ReplyDecodingError(byteOffset: start, expected: expected, found: "'\(found.prefix(64))'")
  }
}
