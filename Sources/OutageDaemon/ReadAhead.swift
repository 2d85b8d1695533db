// Fetches from memory what the next requests will need, before they are answered.

import CallerAnswer
import Territory
import WireProtocol

/// Looks at the next requests of a connection, or at those of connections that wait together, and has the processor fetch what their answers will read: the
/// index's lines for all of them, then their rows, then the outages' texts. So all of them wait for memory a few times, and not each of them.
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

  /// Looks at the requests at the front of one connection's input.
  /// - Parameter input: the requests to come, none of which has begun to be parsed.
  /// - Returns: how many requests it has looked at.
  func fetch(_ input: Bytes, _ sheet: AnswerSheet) -> Int {
    var (offset, requestCount, lookupCount) = (0, 0, 0)
    while requestCount < Self.requestsMax, offset < input.count,
      let byteCount = look(at: Bytes(rebasing: input[offset...]), sheet, &lookupCount)
    {
      offset += byteCount
      requestCount += 1
    }
    fetchRows(lookupCount, sheet)
    return requestCount
  }

  /// Looks at the first request of each of several connections, `requestsMax` of them at most.
  func fetchFirst(of inputs: UnsafeBufferPointer<Bytes>, _ sheet: AnswerSheet) {
    var lookupCount = 0
    for index in 0..<min(inputs.count, Self.requestsMax) { _ = look(at: inputs[index], sheet, &lookupCount) }
    fetchRows(lookupCount, sheet)
  }

  /// Notes what one request looks up, and begins to fetch the index's line.
  /// - Returns: the request's size; `nil` where there is no whole one.
  @inline(__always)
  private func look(at input: Bytes, _ sheet: AnswerSheet, _ lookupCount: inout Int) -> Int? {
    var progress = RequestProgress()
    guard input.first == UInt8(ascii: "*"),
      case .request(let arguments, let byteCount) = requests.next(in: input, &progress)
    else { return nil }
    guard let (command, key) = parser.lookupKey(arguments) else { return byteCount }
    let kind: ServicePointTable.KeyKind
    switch command {
    case .meter: kind = .meter
    case .servicePoint: kind = .servicePoint
    case .phone: kind = .phone
    default: kind = .account
    }
    var digits: UInt64 = 0
    if kind == .phone {
      guard let known = E164Digits.read(key) else { return byteCount }
      digits = known
    }
    let bytes = key.assumingMemoryBound(to: UInt8.self)
    let hash = sheet.withServicePoints { $0.fetchIndex(kind, bytes, digits: digits) }
    (lookups + lookupCount).initialize(to: Lookup(kind: kind, hash: hash))
    lookupCount += 1
    return byteCount
  }

  private func fetchRows(_ lookupCount: Int, _ sheet: AnswerSheet) {
    sheet.withServicePoints { table in
      for lookup in 0..<lookupCount {
        lookups[lookup].row = table.fetchRow(lookups[lookup].kind, hash: lookups[lookup].hash)
        if let row = lookups[lookup].row { sheet.fetchCover(ofRow: row) }
      }
    }
    for lookup in 0..<lookupCount {
      if let row = lookups[lookup].row { sheet.fetchTexts(ofRow: row) }
    }
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
