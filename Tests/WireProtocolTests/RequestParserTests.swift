// The request parser: framing in pieces of any size, quoting, limits, and what it says of nonsense.

import TestSupport
import Testing

@testable import WireProtocol

@Suite("RequestParser")
struct RequestParserTests {
  @Test("a request is the same wherever it is split in two")
  func everySplit() {
    let words = [
      ["OUTAGE.ACCOUNT", "000000088121", "NEAR", "50"], ["PING"], ["ECHO", ""], ["ECHO", "a\r\nb"],
    ]
    let bytes = words.flatMap(request) + Array("PING inline\r\nPING\n".utf8)
    let expected = Parsed(requests: words + [["PING", "inline"], ["PING"]])
    for split in 0...bytes.count {
      #expect(parse(bytes, pieces: [split]) == expected, "split at \(split)")
    }
  }

  @Test("a request is the same in pieces of any one length", arguments: 1...17)
  func equalPieces(length: Int) {
    let words = [["OUTAGE.POINT", "-121.74", "38.54", "LANG", "es"], ["OUTAGE.MACCOUNT", "1", "2", "3"]]
    let bytes = words.flatMap(request) + Array("  \r\n\"a b\" 'c'\r\n".utf8)
    let pieces = [Int](repeating: length, count: bytes.count)
    #expect(parse(bytes, pieces: pieces) == Parsed(requests: words + [["a b", "c"]]))
  }

  @Test("a pipeline of 10,000 requests comes out in order")
  func longPipeline() {
    let words = (0..<10_000).map { ["OUTAGE.ACCOUNT", String($0)] }
    #expect(parse(words.flatMap(request)) == Parsed(requests: words))
    #expect(
      parse(words.flatMap(request), pieces: [Int](repeating: 16_384, count: 100)) == Parsed(requests: words))
  }

  @Test("of a request that arrives byte by byte, only the unfinished argument is looked at again")
  func byteByByteIsLinear() {
    let bytes = request(["OUTAGE.MACCOUNT"] + (0..<3000).map { "00000000\($0 + 1000)" })
    let parser = RequestParser()
    var progress = RequestProgress()
    bytes.withUnsafeBytes { bytes in
      for count in 1..<bytes.count {
        guard case .needMore = parser.next(in: Bytes(rebasing: bytes[..<count]), &progress) else {
          Issue.record("\(count) bytes are no whole request")
          return
        }
        // "$12", a line end, 12 bytes and a line end, less the last byte.
        #expect(count - Int(progress.scannedByteCount) <= 23, "after \(count) bytes")
      }
      guard case .request(let arguments, bytes.count) = parser.next(in: bytes, &progress) else {
        Issue.record("the whole request was not taken")
        return
      }
      #expect(arguments.count == 3001)
      #expect(progress.isAtStart)
    }
  }

  @Test("an inline command is looked at once per byte")
  func inlineProgress() {
    let bytes = Array("PING hello there\r\n".utf8)
    let parser = RequestParser()
    var progress = RequestProgress()
    bytes.withUnsafeBytes { bytes in
      for count in 1..<bytes.count {
        guard case .needMore = parser.next(in: Bytes(rebasing: bytes[..<count]), &progress) else {
          Issue.record("\(count) bytes are no whole line")
          return
        }
        #expect(Int(progress.scannedByteCount) == count)
      }
    }
    #expect(parse(bytes).requests == [["PING", "hello", "there"]])
  }

  @Test(
    "words of an inline command are quoted as in Redis",
    arguments: [
      ("PING\n", ["PING"]),
      ("  PING \t a  b \r\n", ["PING", "a", "b"]),
      ("ECHO \"a b\"\r\n", ["ECHO", "a b"]),
      ("ECHO 'a \"b'\r\n", ["ECHO", "a \"b"]),
      ("ECHO 'it\\'s'\r\n", ["ECHO", "it's"]),
      ("ECHO \"\\x41\\n\\t\\\"\\\\\"\r\n", ["ECHO", "A\n\t\"\\"]),
      ("ECHO \"\\xZZ\"\r\n", ["ECHO", "xZZ"]),
      ("ECHO \"\"\r\n", ["ECHO", ""]),
      ("ECHO a\"b\"\r\n", ["ECHO", "ab"]),
    ])
  func inlineQuoting(line: String, words: [String]) {
    #expect(parse(Array(line.utf8)) == Parsed(requests: [words]))
  }

  @Test("empty lines and empty arrays get no answer")
  func emptyRequests() {
    #expect(parse(Array("\r\n\n*0\r\n*-1\r\n  \r\nPING\r\n".utf8)) == Parsed(requests: [["PING"]]))
  }

  @Test(
    "what is malformed is a protocol error that says what was expected",
    arguments: [
      ("*x\r\n", "expected '*', a number of arguments"),
      ("*\r\n", "expected '*', a number of arguments"),
      ("*-2\r\n", "expected '*', a number of arguments"),
      ("*1\n$4\nPING\n", "expected '*', a number of arguments"),
      ("*1\rx", "expected '*', a number of arguments"),
      ("*1111111111111111111\r\n", "expected '*', a number of arguments"),
      ("*1\r\n+PING\r\n", "expected '$', found '+'"),
      ("*1\r\n:1\r\n", "expected '$', found ':'"),
      ("*2\r\n$4\r\nPING\r\nx", "expected '$', found 'x'"),
      ("*1\r\n$-1\r\n", "expected '$', a length of 0 or more"),
      ("*1\r\n$\r\n", "expected '$', a length of 0 or more"),
      ("*1\r\n$4x\r\n", "expected '$', a length of 0 or more"),
      ("*1\r\n$9223372036854775807\r\n", "expected '$', a length of 0 or more"),
      ("*1\r\n$4\r\nPINGxx", "expected a line end after 4 bytes"),
      ("*1\r\n$4\r\nPING\rx", "expected a line end after 4 bytes"),
      ("ECHO \"a\r\n", "expected a closing quote"),
      ("ECHO 'a\r\n", "expected a closing quote"),
      ("ECHO \"a\"b\r\n", "expected a closing quote"),
      ("ECHO \"a\\\r\n", "expected a closing quote"),
    ])
  func malformed(text: String, expected: String) {
    for pieces in [[], [Int](repeating: 1, count: text.utf8.count)] {
      let parsed = parse(request(["PING"]) + Array(text.utf8), pieces: pieces)
      #expect(parsed.requests == [["PING"]])
      #expect(parsed.error?.word == .badArgument)
      #expect(parsed.error?.text.contains(expected) == true, "\(parsed.error?.text ?? "no error")")
    }
  }

  @Test("a request of the longest length is taken, one byte more is too big")
  func lengthLimit() {
    let parser = RequestParser(limits: RequestLimits(requestBytesMax: 100))
    // "*1", "$86" and two line ends: 4 + 5 + 2 bytes around the argument.
    let fits = request([String(repeating: "a", count: 89)])
    #expect(fits.count == 100)
    #expect(parse(fits, with: parser).requests.count == 1)
    #expect(parse(fits, pieces: [3, 50], with: parser).requests.count == 1)
    let tooLong = request([String(repeating: "a", count: 90)])
    for split in 0...tooLong.count {
      #expect(parse(tooLong, pieces: [split], with: parser).error?.word == .tooBig, "split at \(split)")
    }
  }

  @Test("a length that is too long is refused before its bytes are there")
  func refusedEarly() {
    #expect(parse(Array("*2\r\n$4\r\nPING\r\n$65536\r\n".utf8)).error?.word == .tooBig)
    #expect(parse(Array("*1\r\n$999999999999999999\r\n".utf8)).error?.word == .tooBig)
    #expect(parse(Array("*8193\r\n".utf8)).error?.word == .tooBig)
  }

  @Test("many short arguments are too big together")
  func manyShortArguments() {
    let parser = RequestParser(limits: RequestLimits(requestBytesMax: 100))
    let bytes = request([String](repeating: "a", count: 20))
    #expect(parse(bytes, with: parser).error?.word == .tooBig)
    #expect(
      parse(bytes, pieces: [Int](repeating: 1, count: bytes.count), with: parser).error?.word == .tooBig)
  }

  @Test("an inline command without an end is too big once it is too long")
  func endlessLine() {
    let parser = RequestParser(limits: RequestLimits(requestBytesMax: 100))
    #expect(parse([UInt8](repeating: 0x61, count: 99), with: parser) == Parsed())
    #expect(parse([UInt8](repeating: 0x61, count: 100), with: parser).error?.word == .tooBig)
    #expect(parse([UInt8](repeating: 0x61, count: 99) + [0x0A], with: parser).requests.count == 1)
  }

  @Test("as many arguments as the limit allows are taken, on a line and in an array")
  func argumentLimit() {
    let parser = RequestParser(limits: RequestLimits(argumentCountMax: 40))
    let words = (0..<40).map(String.init)
    #expect(parse(request(words), with: parser).requests == [words])
    #expect(parse(Array((words.joined(separator: " ") + "\n").utf8), with: parser).requests == [words])
    #expect(parse(request(words + ["x"]), with: parser).error?.word == .tooBig)
    #expect(
      parse(Array(((words + ["x"]).joined(separator: " ") + "\n").utf8), with: parser).error?.word == .tooBig)
  }

  @Test("random bytes, mutated requests and random splits never disagree with the whole, nor crash")
  func fuzz() {
    let seed: UInt64 = UInt64(setting("OUTAGED_FUZZ_SEED", default: 20_261_124))
    var random = SeededGenerator(seed: seed)
    let parser = RequestParser(limits: RequestLimits(requestBytesMax: 300, argumentCountMax: 12))
    let alphabet = Array("*$0123456789-\r\n\r\n\"'\\x ab+:".utf8)
    for iteration in 0..<setting("OUTAGED_FUZZ_ITERATIONS", default: 20_000) {
      var bytes: [UInt8] = []
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
          bytes += (0..<Int.random(in: 0...30, using: &random)).map { _ in
            alphabet.randomElement(using: &random)!
          }
        case 1:
          bytes += (0..<Int.random(in: 0...30, using: &random)).map { _ in
            UInt8.random(in: 0...255, using: &random)
          }
        default:
          let words = (0..<Int.random(in: 1...5, using: &random)).map { _ in
            String(repeating: "w", count: Int.random(in: 0...20, using: &random))
          }
          bytes += request(words)
        }
      }
      if Bool.random(using: &random), !bytes.isEmpty {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[place] = alphabet.randomElement(using: &random)!
        case 1: bytes.remove(at: place)
        default: bytes.insert(alphabet.randomElement(using: &random)!, at: place)
        }
      }
      let whole = parse(bytes, with: parser)
      let pieces = (0..<bytes.count).map { _ in Int.random(in: 1...9, using: &random) }
      let split = parse(bytes, pieces: pieces, with: parser)
      let place: Comment = "seed \(seed), iteration \(iteration), \(bytes)"
      #expect(whole.requests == split.requests, place)
      // The texts may differ: in pieces, less may be there to quote.
      #expect(whole.error?.word == split.error?.word, place)
      if whole.requests != split.requests || whole.error?.word != split.error?.word { return }
    }
  }
}
