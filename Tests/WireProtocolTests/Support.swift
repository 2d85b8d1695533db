// What the suites share: bytes from text, and a parser driven to its end.

import ByteBuffers
import Glibc
import WireProtocol

/// An array of bulk strings.
func request(_ words: [String]) -> [UInt8] {
  var buffer = ByteBuffer()
  buffer.appendRequest(words)
  return Array(buffer.bytes)
}

/// What a connection got from its parser: the requests, and the error that ended them.
struct Parsed: Equatable {
  var requests: [[String]] = []
  var error: RequestError?
}

/// Feeds a connection's bytes to the parser in pieces of the given lengths (the rest in one), as a reactor would.
func parse(
  _ bytes: [UInt8], pieces: [Int] = [], with parser: RequestParser = RequestParser()
) -> Parsed {
  var parsed = Parsed()
  var progress = RequestProgress()
  var pending: [UInt8] = []
  var offset = 0
  var pieces = pieces[...]
  while offset < bytes.count {
    let length = min(pieces.popFirst() ?? bytes.count, bytes.count - offset)
    pending += bytes[offset..<offset + length]
    offset += length
    var consumed = 0
    var isWaiting = false
    pending.withUnsafeBytes { pending in
      while !isWaiting {
        switch parser.next(in: Bytes(rebasing: pending[consumed...]), &progress) {
        case .request(let arguments, let byteCount):
          let words = (0..<arguments.count).map { String(decoding: arguments[$0], as: UTF8.self) }
          if !words.isEmpty { parsed.requests.append(words) }
          consumed += byteCount
        case .needMore:
          isWaiting = true
        case .failed(let error):
          parsed.error = error
          isWaiting = true
        }
      }
    }
    if parsed.error != nil { return parsed }
    pending.removeFirst(consumed)
  }
  return parsed
}

/// A number from the environment, for runs that go on for longer than a test should.
func setting(_ name: String, default value: Int) -> Int {
  getenv(name).flatMap { Int(String(cString: $0)) } ?? value
}
