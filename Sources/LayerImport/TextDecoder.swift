// Turns the bytes of a file's text into Strings, and names bytes that are not in the encoding.

import Foundation

/// UTF-8 is checked; other encodings go through iconv. Owns the iconv descriptor.
final class TextDecoder {
  private let file: String
  private let encoding: String
  private var descriptor: iconv_t?

  /// - Parameter encoding: as iconv knows it; `nil` is UTF-8.
  /// - Throws: `badOption` if iconv does not know it.
  init(encoding: String?, file: String) throws(ImportError) {
    self.file = file
    self.encoding = Self.iconvName(encoding ?? "UTF-8")
    if self.encoding != "UTF-8" {
      let opened = iconv_open("UTF-8", self.encoding)
      guard opened != iconv_t(bitPattern: -1) else {
        descriptor = nil
        throw .refused(
          .badOption, file, field: "encoding", found: quoted(encoding ?? ""),
          expected: "UTF-8, ISO-8859-1, CP1252 or another that iconv knows")
      }
      descriptor = opened
    }
  }

  deinit { if let descriptor { iconv_close(descriptor) } }

  /// What .cpg files and people write: `UTF8`, `1252`, `ANSI 1252`, `88591`, `LDID/87`.
  static func iconvName(_ name: String) -> String {
    let upper = name.trimmed.uppercased()
    let digits = upper.filter(\.isNumber)
    switch upper {
    case "UTF-8", "UTF8", "65001", "CP65001": return "UTF-8"
    case _ where upper.hasPrefix("ANSI ") || upper == digits && digits.count <= 4 && !digits.isEmpty:
      return "CP" + digits
    case _ where digits.hasPrefix("8859") && digits.count > 4: return "ISO-8859-" + digits.dropFirst(4)
    case "LDID/87", "LDID/3": return "CP1252"
    default: return upper
    }
  }

  func string(_ bytes: ArraySlice<UInt8>, record: Int?, field: String) throws(ImportError) -> String {
    let text = bytes.withUnsafeBufferPointer { buffer in
      // A short ASCII text is the same in all encodings that a GIS writes.
      descriptor == nil || buffer.allSatisfy({ $0 < 0x80 })
        ? String(validating: buffer, as: UTF8.self) : converted(buffer)
    }
    guard let text else {
      let bad = bytes.first { $0 >= 0x80 } ?? 0
      throw .refused(
        .wrongEncoding, file, record: record, field: field,
        found: "the byte 0x\(String(bad, radix: 16)) in \(quoted(String(decoding: bytes, as: UTF8.self)))",
        expected: "text in \(encoding), or the right --encoding")
    }
    return text
  }

  private func converted(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
    guard let descriptor else { return nil }
    var output = [UInt8](repeating: 0, count: bytes.count * 4)
    let outputCount = output.count
    let written: Int? = output.withUnsafeMutableBytes { target in
      var source = UnsafeMutableRawPointer(mutating: bytes.baseAddress)?.assumingMemoryBound(to: CChar.self)
      var sourceLeft = bytes.count
      var place = target.baseAddress?.assumingMemoryBound(to: CChar.self)
      var left = outputCount
      iconv(descriptor, nil, nil, nil, nil)
      let result = iconv(descriptor, &source, &sourceLeft, &place, &left)
      return result == Int(bitPattern: UInt.max) ? nil : outputCount - left
    }
    return written.flatMap { String(validating: output[..<$0], as: UTF8.self) }
  }
}

extension String {
  /// Without white space at its ends.
  var trimmed: String {
    guard let first = utf8.first, let last = utf8.last, first <= 0x20 || last <= 0x20 else { return self }
    return trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
