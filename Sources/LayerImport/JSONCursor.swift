// Walks over JSON text in memory, once, byte by byte, and hands out what it passes.

/// Why a walk stopped.
enum JSONStop: Error {
  /// The memory ends within the value.
  case needsMore
  case bad(expected: StaticString)
  /// Good JSON, and not what was wanted.
  case refused(ImportReason, found: String, expected: String)
}

/// A place in JSON text (RFC 8259). The memory has to outlive the cursor.
struct JSONCursor {
  var p: UnsafePointer<UInt8>
  let end: UnsafePointer<UInt8>

  static let depthMax = 64

  @inline(__always)
  mutating func skipSpace() {
    while p < end, p.pointee <= 0x20, p.pointee != 0x1e { p += 1 }
  }

  /// The next byte that is not white space, not passed.
  @inline(__always)
  mutating func peek() throws(JSONStop) -> UInt8 {
    skipSpace()
    guard p < end else { throw .needsMore }
    return p.pointee
  }

  @inline(__always)
  mutating func expect(_ byte: UInt8, _ expected: StaticString) throws(JSONStop) {
    guard try peek() == byte else { throw .bad(expected: expected) }
    p += 1
  }

  /// After a member or an element: passes a comma, or the closing byte.
  /// - Returns: whether another one follows.
  @inline(__always)
  mutating func continues(until close: UInt8) throws(JSONStop) -> Bool {
    let byte = try peek()
    guard byte == UInt8(ascii: ",") || byte == close else {
      throw .bad(expected: "a comma or the closing bracket")
    }
    p += 1
    return byte != close
  }

  /// Passes an opening bracket.
  /// - Returns: whether there is anything before the closing one.
  mutating func opens(_ open: UInt8, _ close: UInt8, _ expected: StaticString) throws(JSONStop) -> Bool {
    try expect(open, expected)
    guard try peek() != close else {
      p += 1
      return false
    }
    return true
  }

  /// Passes a string, and appends its unescaped bytes.
  mutating func string(into text: inout [UInt8]) throws(JSONStop) {
    try expect(UInt8(ascii: "\""), "a string")
    while true {
      let run = p
      while p < end, p.pointee != UInt8(ascii: "\""), p.pointee != UInt8(ascii: "\\") { p += 1 }
      text.append(contentsOf: UnsafeBufferPointer(start: run, count: p - run))
      guard p < end else { throw .needsMore }
      p += 1
      if p[-1] == UInt8(ascii: "\"") { return }
      try escape(into: &text)
    }
  }

  private mutating func escape(into text: inout [UInt8]) throws(JSONStop) {
    guard p < end else { throw .needsMore }
    p += 1
    switch p[-1] {
    case UInt8(ascii: "n"): text.append(10)
    case UInt8(ascii: "t"): text.append(9)
    case UInt8(ascii: "r"): text.append(13)
    case UInt8(ascii: "b"): text.append(8)
    case UInt8(ascii: "f"): text.append(12)
    case UInt8(ascii: "u"):
      var scalar = try hexadecimal()
      if (0xd800..<0xdc00).contains(scalar), end - p >= 6, p[0] == UInt8(ascii: "\\"),
        p[1] == UInt8(ascii: "u")
      {
        p += 2
        let low = try hexadecimal()
        scalar = (0xdc00..<0xe000).contains(low) ? 0x10000 + (scalar - 0xd800) << 10 + (low - 0xdc00) : 0xfffd
      } else if (0xd800..<0xdc00).contains(scalar), end - p < 6 {
        throw .needsMore
      }
      let unicode = Unicode.Scalar(scalar) ?? "\u{fffd}"
      text.append(contentsOf: Array(String(Character(unicode)).utf8))
    case let byte where byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "/"):
      text.append(byte)
    default: throw .bad(expected: "an escape of JSON")
    }
  }

  private mutating func hexadecimal() throws(JSONStop) -> UInt32 {
    guard end - p >= 4 else { throw .needsMore }
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = hexadecimalDigit(p.pointee) else { throw .bad(expected: "four hexadecimal digits") }
      value = value << 4 | UInt32(digit)
      p += 1
    }
    return value
  }

  /// Passes a number.
  @inline(__always)
  mutating func number() throws(JSONStop) -> Double {
    guard let (value, rest) = readDecimal(p, end) else {
      throw mayGoOn(from: p) ? .needsMore : .bad(expected: "a number")
    }
    // It may go on behind the end of the memory, there or within its exponent.
    guard rest < end, rest.pointee | 32 != UInt8(ascii: "e") || !mayGoOn(from: rest) else { throw .needsMore }
    p = rest
    return value
  }

  /// Whether nothing but what numbers are made of stands from there to the end of the memory.
  private func mayGoOn(from start: UnsafePointer<UInt8>) -> Bool {
    UnsafeBufferPointer(start: start, count: end - start).allSatisfy {
      switch $0 {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
        UInt8(ascii: "e"), UInt8(ascii: "E"):
        true
      default: false
      }
    }
  }

  /// Passes `true`, `null`, a number or any other bare word, and gives its bytes.
  mutating func word() throws(JSONStop) -> UnsafeBufferPointer<UInt8> {
    skipSpace()
    let start = p
    while p < end {
      switch p.pointee {
      case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), 0...0x20:
        guard p > start else { throw .bad(expected: "a value") }
        return UnsafeBufferPointer(start: start, count: p - start)
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."):
        p += 1
      default: throw .bad(expected: "a value")
      }
    }
    throw .needsMore
  }

  /// Where the object that begins here ends, by its brackets alone; `nil` if the memory ends before it, or it is none.
  ///
  /// Of text that has been parsed it finds the end that the parser found.
  func endOfObject() -> UnsafePointer<UInt8>? {
    var q = p
    var depth = 0
    while q < end {
      // Eight bytes at once where there is neither a quote nor a brace: most of an area are numbers.
      while end - q >= 8 {
        let word = UInt64(littleEndian: UnsafeRawPointer(q).loadUnaligned(as: UInt64.self))
        // Zero bytes where a quote stands, and where `{`, `}` or another byte that differs from them in two bits does.
        let quotes = word ^ 0x2222_2222_2222_2222
        let braces = (word | 0x0606_0606_0606_0606) ^ 0x7f7f_7f7f_7f7f_7f7f
        let ones: UInt64 = 0x0101_0101_0101_0101
        let zeros =
          ((quotes &- ones) & ~quotes | (braces &- ones) & ~braces) & 0x8080_8080_8080_8080
        if zeros != 0 {
          q += zeros.trailingZeroBitCount >> 3
          break
        }
        q += 8
      }
      guard q < end else { return nil }
      switch q.pointee {
      case UInt8(ascii: "\""):
        q += 1
        while q < end, q.pointee != UInt8(ascii: "\"") { q += q.pointee == UInt8(ascii: "\\") ? 2 : 1 }
      case UInt8(ascii: "{"): depth += 1
      case UInt8(ascii: "}"):
        depth -= 1
        if depth <= 0 { return depth == 0 ? q + 1 : nil }
      default: break
      }
      q += 1
    }
    return nil
  }

  /// Passes any value.
  mutating func skipValue(depth: Int = 0) throws(JSONStop) {
    guard depth < Self.depthMax else { throw .bad(expected: "no more than 64 levels") }
    switch try peek() {
    case UInt8(ascii: "\""):
      p += 1
      while true {
        while p < end, p.pointee != UInt8(ascii: "\""), p.pointee != UInt8(ascii: "\\") { p += 1 }
        guard p + 1 < end || p < end && p.pointee == UInt8(ascii: "\"") else { throw .needsMore }
        if p.pointee == UInt8(ascii: "\"") { break }
        p += 2
      }
      p += 1
    case UInt8(ascii: "{"):
      var more = try opens(UInt8(ascii: "{"), UInt8(ascii: "}"), "an object")
      while more {
        guard try peek() == UInt8(ascii: "\"") else { throw .bad(expected: "a member's name") }
        try skipValue(depth: depth + 1)
        try expect(UInt8(ascii: ":"), "a colon")
        try skipValue(depth: depth + 1)
        more = try continues(until: UInt8(ascii: "}"))
      }
    case UInt8(ascii: "["):
      var more = try opens(UInt8(ascii: "["), UInt8(ascii: "]"), "an array")
      while more {
        try skipValue(depth: depth + 1)
        more = try continues(until: UInt8(ascii: "]"))
      }
    default: _ = try word()
    }
  }
}

func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - 48
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - 87
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - 55
  default: nil
  }
}
