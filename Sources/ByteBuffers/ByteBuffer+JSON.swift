// JSON text written into byte buffers.

extension ByteBuffer {
  /// Appends a JSON string without its quotes: UTF-8 as it is, with `"`, `\` and control characters escaped (RFC 8259).
  public mutating func append(jsonEscaped bytes: UnsafeRawBufferPointer) {
    reserve(bytes.count)
    var clean = 0
    for (index, byte) in bytes.enumerated() where byte < 0x20 || byte == 0x22 || byte == 0x5C {
      append(UnsafeRawBufferPointer(rebasing: bytes[clean..<index]))
      clean = index + 1
      append(0x5C)
      switch byte {
      case 0x22, 0x5C: append(byte)
      case 0x0A: append(UInt8(ascii: "n"))
      case 0x0D: append(UInt8(ascii: "r"))
      case 0x09: append(UInt8(ascii: "t"))
      default:
        append("u00")
        append(Self.hexDigit(byte >> 4))
        append(Self.hexDigit(byte & 15))
      }
    }
    append(UnsafeRawBufferPointer(rebasing: bytes[clean...]))
  }

  private static func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 48 + value : 87 + value }

  /// Appends the text of a JSON string, as above.
  public mutating func append(jsonEscaped text: String) {
    var text = text
    text.withUTF8 { append(jsonEscaped: UnsafeRawBufferPointer($0)) }
  }

  /// Appends `"key":"text"`, preceded by a comma unless it is the first of its object; nothing where there is no text.
  public mutating func append(jsonField key: StaticString, _ text: String?) {
    guard let text else { return }
    beginField(key)
    append(0x22)
    append(jsonEscaped: text)
    append(0x22)
  }

  /// Appends `"key":number`, as above.
  public mutating func append(jsonField key: StaticString, _ number: Int?) {
    guard let number else { return }
    beginField(key)
    append(decimal: number)
  }

  private mutating func beginField(_ key: StaticString) {
    if bytes.last != UInt8(ascii: "{") { append(UInt8(ascii: ",")) }
    append(0x22)
    append(key)
    append("\":")
  }
}
