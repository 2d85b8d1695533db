// Replies written by the buffer and read by the decoder.

import ByteBuffers
import TestSupport
import Testing
import WireProtocol

@Suite("Replies")
struct ReplyTests {
  private func text(_ write: (inout ByteBuffer) -> Void) -> String {
    var buffer = ByteBuffer()
    write(&buffer)
    return String(decoding: buffer.bytes, as: UTF8.self)
  }

  @Test("each value is written as the protocol's version has it", arguments: [RESPVersion.v2, .v3])
  func spelling(version: RESPVersion) {
    let isNew = version == .v3
    #expect(text { $0.appendSimple("OK") } == "+OK\r\n")
    #expect(text { $0.appendError(RequestError(.badArgument, "a\r\nb")) } == "-BADARG a  b\r\n")
    #expect(text { $0.appendInteger(-42) } == ":-42\r\n")
    #expect(text { $0.appendBulk("héllo") } == "$6\r\nhéllo\r\n")
    #expect(text { $0.appendBulk("") } == "$0\r\n\r\n")
    #expect(text { $0.appendNull(version) } == (isNew ? "_\r\n" : "$-1\r\n"))
    #expect(text { $0.appendBoolean(true, version) } == (isNew ? "#t\r\n" : ":1\r\n"))
    #expect(text { $0.appendBoolean(false, version) } == (isNew ? "#f\r\n" : ":0\r\n"))
    #expect(text { $0.appendDouble(1.5, version) } == (isNew ? ",1.5\r\n" : "$3\r\n1.5\r\n"))
    #expect(text { $0.appendDouble(-.infinity, version) } == (isNew ? ",-inf\r\n" : "$4\r\n-inf\r\n"))
    #expect(text { $0.appendArrayHeader(3) } == "*3\r\n")
    #expect(text { $0.appendMapHeader(3, version) } == (isNew ? "%3\r\n" : "*6\r\n"))
    #expect(text { $0.appendSetHeader(3, version) } == (isNew ? "~3\r\n" : "*3\r\n"))
    #expect(text { $0.appendPushHeader(3, version) } == (isNew ? ">3\r\n" : "*3\r\n"))
    #expect(text { $0.appendVerbatim("a", version) } == (isNew ? "=5\r\ntxt:a\r\n" : "$1\r\na\r\n"))
  }

  @Test(
    "a bulk string whose length is known at its end is as one whose length was known before",
    arguments: [0, 1, 9, 10, 99, 100, 101, 255, 999, 1000, 12_345, 100_000])
  func openBulk(byteCount: Int) {
    let bytes = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    var known = ByteBuffer()
    var open = ByteBuffer()
    bytes.withUnsafeBytes { bytes in
      for _ in 0..<3 {
        known.appendBulk(bytes)
        let start = open.beginBulk()
        open.append(bytes)
        open.endBulk(from: start)
      }
    }
    #expect(known.bytes.elementsEqual(open.bytes))
  }

  @Test(
    "integers are written in full",
    arguments: [
      0, 1, 9, 10, 11, 99, 100, 12_345, -1, -9, -10, Int.max, Int.min, Int.max / 10,
      1_000_000_000_000_000_000,
    ])
  func integers(value: Int) {
    #expect(text { $0.append(decimal: value) } == String(value))
  }

  @Test("every power of ten and its neighbours is written in full")
  func powersOfTen() {
    var power = 1
    for _ in 0..<18 {
      for value in [power - 1, power, power + 1, -power] {
        #expect(text { $0.append(decimal: value) } == String(value))
      }
      power *= 10
    }
  }

  @Test("a random reply reads back as itself, and is incomplete at each of its prefixes")
  func roundTrip() throws {
    let seed: UInt64 = 7
    var random = SeededGenerator(seed: seed)
    for iteration in 0..<300 {
      let reply = Self.randomReply(depth: 0, &random)
      var buffer = ByteBuffer()
      Self.write(reply, to: &buffer)
      let bytes = Array(buffer.bytes)
      try bytes.withUnsafeBytes { bytes in
        let read = try RESPReply.decode(bytes)
        #expect(read?.reply == reply, "seed \(seed), iteration \(iteration)")
        #expect(read?.byteCount == bytes.count)
        for count in 0..<bytes.count {
          #expect(
            try RESPReply.decode(Bytes(rebasing: bytes[..<count])) == nil,
            "seed \(seed), iteration \(iteration)")
        }
      }
    }
  }

  @Test("one reply is read at a time")
  func byteCount() throws {
    let bytes = Array("+OK\r\n:1\r\n".utf8)
    let first = try bytes.withUnsafeBytes { try RESPReply.decode($0) }
    #expect(first?.reply == .simple("OK"))
    #expect(first?.byteCount == 5)
  }

  @Test(
    "nulls of RESP2 and RESP3 are one value, other types are told apart",
    arguments: [
      ("$-1\r\n", RESPReply.null), ("*-1\r\n", .null), ("_\r\n", .null),
      ("(123456789012345678901\r\n", .bigNumber("123456789012345678901")),
      ("!5\r\nERR x\r\n", .error("ERR x")), ("-ERR x\r\n", .error("ERR x")), (",inf\r\n", .double(.infinity)),
      ("#t\r\n", .boolean(true)), ("*0\r\n", .array([])),
      ("%1\r\n+a\r\n:1\r\n", .map([.init(.simple("a"), .integer(1))])),
    ])
  func special(text: String, reply: RESPReply) throws {
    let read = try Array(text.utf8).withUnsafeBytes { try RESPReply.decode($0)?.reply }
    #expect(read == reply)
  }

  @Test(
    "what is no reply is refused with its place",
    arguments: [
      ("x\r\n", 0), ("$x\r\n", 0), ("$-2\r\n", 0), ("*1\r\n?\r\n", 4), ("$1\r\nabc", 5), ("+a\rb", 2),
      (":\r\n", 0),
      ("#x\r\n", 0), ("=2\r\nab\r\n", 0), ("$9223372036854775807\r\n", 0), (",x\r\n", 0),
    ])
  func malformed(text: String, offset: Int) {
    let bytes = Array(text.utf8)
    let error = #expect(throws: ReplyDecodingError.self) {
      try bytes.withUnsafeBytes { _ = try RESPReply.decode($0) }
    }
    #expect(error?.byteOffset == offset)
  }

  @Test("values within values are bounded, and a length alone allocates nothing")
  func depth() {
    let nested = Array(String(repeating: "*1\r\n", count: 1000).utf8)
    #expect(throws: ReplyDecodingError.self) { try nested.withUnsafeBytes { _ = try RESPReply.decode($0) } }
    let huge = Array("*1000000000000\r\n".utf8)
    #expect(throws: Never.self) { try huge.withUnsafeBytes { _ = try RESPReply.decode($0) } }
  }

  private static func randomReply(depth: Int, _ random: inout SeededGenerator) -> RESPReply {
    func values() -> [RESPReply] {
      (0..<Int.random(in: 0...4, using: &random)).map { _ in randomReply(depth: depth + 1, &random) }
    }
    switch Int.random(in: 0..<(depth < 3 ? 12 : 8), using: &random) {
    case 0: return .simple("OK")
    case 1: return .error("BADARG what")
    case 2: return .integer(Int.random(in: Int.min...Int.max, using: &random))
    case 3:
      return .bulk(
        (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) })
    case 4: return .null
    case 5: return .boolean(Bool.random(using: &random))
    case 6: return .double(Double.random(in: -1e9...1e9, using: &random))
    case 7: return .verbatim(format: "txt", text: Array("some text".utf8))
    case 8: return .array(values())
    case 9: return .set(values())
    case 10: return .push(values())
    default: return .map(values().map { RESPReply.Pair(.simple("OK"), $0) })
    }
  }

  private static func write(_ reply: RESPReply, to buffer: inout ByteBuffer) {
    switch reply {
    case .simple: buffer.appendSimple("OK")
    case .error: buffer.appendError(RequestError(.badArgument, "what"))
    case .integer(let value): buffer.appendInteger(value)
    case .bulk(let bytes): bytes.withUnsafeBytes { buffer.appendBulk($0) }
    case .null: buffer.appendNull(.v3)
    case .boolean(let value): buffer.appendBoolean(value, .v3)
    case .double(let value): buffer.appendDouble(value, .v3)
    case .verbatim(_, let text): buffer.appendVerbatim(String(decoding: text, as: UTF8.self), .v3)
    case .bigNumber: break
    case .array(let values):
      buffer.appendArrayHeader(values.count)
      for value in values { write(value, to: &buffer) }
    case .set(let values):
      buffer.appendSetHeader(values.count, .v3)
      for value in values { write(value, to: &buffer) }
    case .push(let values):
      buffer.appendPushHeader(values.count, .v3)
      for value in values { write(value, to: &buffer) }
    case .map(let pairs):
      buffer.appendMapHeader(pairs.count, .v3)
      for pair in pairs {
        write(pair.key, to: &buffer)
        write(pair.value, to: &buffer)
      }
    }
  }
}
