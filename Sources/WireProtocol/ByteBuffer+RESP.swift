// Writes RESP2 and RESP3 replies into a byte buffer, each value as one header and one copy.

public import ByteBuffers

/// Bytes that are read in place; who hands them out says for how long they are valid.
public typealias Bytes = UnsafeRawBufferPointer

extension ByteBuffer {
  /// `+text`. The text must hold no line break.
  @inlinable
  public mutating func appendSimple(_ text: StaticString) {
    append(UInt8(ascii: "+"))
    append(text)
    appendLineEnd()
  }

  /// `-WORD text`. Line breaks in the text are written as spaces.
  public mutating func appendError(_ error: RequestError) {
    append(UInt8(ascii: "-"))
    append(utf8Of: error.word.rawValue)
    append(UInt8(ascii: " "))
    for byte in error.text.utf8 {
      append(byte == 0x0D || byte == 0x0A ? UInt8(ascii: " ") : byte)
    }
    appendLineEnd()
  }

  /// `:value`.
  @inlinable
  public mutating func appendInteger(_ value: Int) {
    appendHeader(UInt8(ascii: ":"), value)
  }

  /// `$length` and the bytes.
  @inlinable
  public mutating func appendBulk(_ bytes: Bytes) {
    // 24: the type, 19 digits and two line ends.
    reserve(bytes.count &+ 24)
    appendBulkHeader(byteCount: bytes.count)
    append(bytes)
    appendLineEnd()
  }

  /// `$length` and the text's UTF-8 bytes.
  @inlinable
  public mutating func appendBulk(_ text: String) {
    var text = text
    text.withUTF8 { appendBulk(Bytes($0)) }
  }

  /// `$length` and the line end: `byteCount` bytes must follow, and then `appendLineEnd()`. For replies that are put together
  /// from parts whose lengths are known.
  @inlinable
  public mutating func appendBulkHeader(byteCount: Int) {
    appendHeader(UInt8(ascii: "$"), byteCount)
  }

  /// Opens a bulk string whose length is not known yet: what is appended next is its bytes, and `endBulk` ends it.
  /// - Returns: where its bytes begin, for `endBulk`.
  @inlinable @inline(__always)
  public mutating func beginBulk() -> Int {
    // Room for three digits, as many as nearly every answer needs.
    append("$000\r\n")
    return count
  }

  /// Ends the bulk string that `beginBulk` has opened.
  @inlinable @inline(__always)
  public mutating func endBulk(from start: Int) {
    let byteCount = count &- start
    if byteCount >= 100 && byteCount < 1000 {
      let (hundreds, rest) = UInt(bitPattern: byteCount).quotientAndRemainder(dividingBy: 100)
      let (tens, ones) = rest.quotientAndRemainder(dividingBy: 10)
      replaceByte(at: start &- 5, with: 0x30 &+ UInt8(truncatingIfNeeded: hundreds))
      replaceByte(at: start &- 4, with: 0x30 &+ UInt8(truncatingIfNeeded: tens))
      replaceByte(at: start &- 3, with: 0x30 &+ UInt8(truncatingIfNeeded: ones))
    } else {
      rewriteBulkHeader(start, byteCount)
    }
    appendLineEnd()
  }

  /// Writes the header anew, moving what follows it: for lengths that have not three digits.
  @usableFromInline @inline(never)
  mutating func rewriteBulkHeader(_ start: Int, _ byteCount: Int) {
    let digits = String(byteCount).utf8
    moveTail(from: start, to: start + digits.count - 3)
    for (offset, digit) in digits.enumerated() { replaceByte(at: start - 5 + offset, with: digit) }
    replaceByte(at: start - 5 + digits.count, with: 0x0D)
    replaceByte(at: start - 4 + digits.count, with: 0x0A)
  }

  /// A text that is to be shown as it is: `=length`, `txt:` and the bytes in RESP3, a bulk string in RESP2.
  public mutating func appendVerbatim(_ text: String, _ version: RESPVersion) {
    guard version == .v3 else { return appendBulk(text) }
    appendHeader(UInt8(ascii: "="), text.utf8.count + 4)
    append("txt:")
    append(utf8Of: text)
    appendLineEnd()
  }

  /// `_` in RESP3, the null bulk string in RESP2.
  @inlinable
  public mutating func appendNull(_ version: RESPVersion) {
    if version == .v3 { append("_\r\n") } else { append("$-1\r\n") }
  }

  /// `#t` or `#f` in RESP3, `:1` or `:0` in RESP2.
  public mutating func appendBoolean(_ value: Bool, _ version: RESPVersion) {
    switch (version, value) {
    case (.v3, true): append("#t\r\n")
    case (.v3, false): append("#f\r\n")
    case (.v2, true): append(":1\r\n")
    case (.v2, false): append(":0\r\n")
    }
  }

  /// `,value` in RESP3, a bulk string in RESP2; the shortest text that reads back as the same number.
  public mutating func appendDouble(_ value: Double, _ version: RESPVersion) {
    let text =
      value.isNaN ? "nan" : value.isInfinite ? (value < 0 ? "-inf" : "inf") : value.description
    guard version == .v3 else { return appendBulk(text) }
    append(UInt8(ascii: ","))
    append(utf8Of: text)
    appendLineEnd()
  }

  /// Opens an array: `count` values must follow.
  @inlinable
  public mutating func appendArrayHeader(_ count: Int) {
    appendHeader(UInt8(ascii: "*"), count)
  }

  /// Opens a map: `count` keys, each followed by its value, must follow. An array of twice the length in RESP2.
  @inlinable
  public mutating func appendMapHeader(_ count: Int, _ version: RESPVersion) {
    if version == .v3 {
      appendHeader(UInt8(ascii: "%"), count)
    } else {
      appendHeader(UInt8(ascii: "*"), 2 * count)
    }
  }

  /// Opens a set: `count` values must follow. An array in RESP2.
  public mutating func appendSetHeader(_ count: Int, _ version: RESPVersion) {
    appendHeader(version == .v3 ? UInt8(ascii: "~") : UInt8(ascii: "*"), count)
  }

  /// Opens a push message, which answers no request: `count` values must follow. An array in RESP2.
  public mutating func appendPushHeader(_ count: Int, _ version: RESPVersion) {
    appendHeader(version == .v3 ? UInt8(ascii: ">") : UInt8(ascii: "*"), count)
  }

  @inlinable @inline(__always)
  public mutating func appendLineEnd() {
    reserve(2)
    append(0x0D)
    append(0x0A)
  }

  @inlinable
  mutating func appendHeader(_ type: UInt8, _ value: Int) {
    reserve(24)
    append(type)
    append(decimal: value)
    appendLineEnd()
  }
}
