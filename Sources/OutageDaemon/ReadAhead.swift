// Fetches from memory what the next requests of a pipeline will need, before they are answered.

import CallerAnswer
import Territory
import WireProtocol

/// Looks at the next requests of a connection and has the processor fetch what their answers will read: the index's lines for all of them, then their rows, then
/// the outages' texts. So a pipeline waits for memory a few times and not a few times a request.
///
/// It changes nothing: what it cannot make sense of, it leaves to those who answer.
struct ReadAhead: ~Copyable {
  /// As many cache lines are on their way at once as the processor keeps account of, and a few more.
  static let requestsMax = 16

  /// One look-up that is on its way.
  private struct Lookup {
    var kind: ServicePointTable.KeyKind
    var hash: UInt64
    var row: Int?
  }

  private let requests = RequestParser()
  private let parser: CommandParser
  // Invariant: room for `requestsMax` elements.
  private let lookups: UnsafeMutablePointer<Lookup>

  init(_ parser: CommandParser) {
    self.parser = parser
    lookups = .allocate(capacity: Self.requestsMax)
  }

  deinit { lookups.deallocate() }

  /// - Parameter input: the requests to come, none of which has begun to be parsed.
  /// - Returns: how many requests it has looked at.
  func fetch(_ input: Bytes, _ sheet: AnswerSheet) -> Int {
    let table = sheet.territory.servicePoints
    var (offset, requestCount, lookupCount) = (0, 0, 0)
    while requestCount < Self.requestsMax, offset < input.count, input[offset] == UInt8(ascii: "*") {
      var progress = RequestProgress()
      guard
        case .request(let arguments, let byteCount) = requests.next(
          in: Bytes(rebasing: input[offset...]), &progress)
      else { break }
      offset += byteCount
      requestCount += 1
      guard let (command, key) = parser.lookupKey(arguments) else { continue }
      let kind: ServicePointTable.KeyKind
      switch command {
      case .meter: kind = .meter
      case .servicePoint: kind = .servicePoint
      case .phone: kind = .phone
      default: kind = .account
      }
      var digits: UInt64 = 0
      if kind == .phone {
        guard let known = E164Digits.read(key) else { continue }
        digits = known
      }
      let bytes = key.assumingMemoryBound(to: UInt8.self)
      (lookups + lookupCount).initialize(
        to: Lookup(kind: kind, hash: table.fetchIndex(kind, bytes, digits: digits)))
      lookupCount += 1
    }
    for lookup in 0..<lookupCount {
      lookups[lookup].row = table.fetchRow(lookups[lookup].kind, hash: lookups[lookup].hash)
      if let row = lookups[lookup].row { sheet.fetchCover(ofRow: row) }
    }
    for lookup in 0..<lookupCount {
      if let row = lookups[lookup].row { sheet.fetchTexts(ofRow: row) }
    }
    return requestCount
  }
}

/// The digits of a telephone number that is written in E.164.
enum E164Digits {
  /// `nil` for what is written otherwise.
  @inline(__always)
  static func read(_ number: Bytes) -> UInt64? {
    guard number.first == UInt8(ascii: "+"), (8...16).contains(number.count) else { return nil }
    var digits: UInt64 = 0
    for byte in number.dropFirst() {
      let digit = byte &- 48
      guard digit <= 9 else { return nil }
      digits = digits &* 10 &+ UInt64(digit)
    }
    return digits
  }
}
