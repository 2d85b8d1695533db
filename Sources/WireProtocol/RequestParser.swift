// Finds requests in the bytes of a connection: RESP arrays of bulk strings, and inline commands. A pure state machine, no I/O.

internal import ByteBuffers

/// How large a request may be.
public struct RequestLimits: Sendable {
  /// Bytes of one request, framing included.
  public var requestBytesMax: Int
  /// Arguments of one request, the command's name included.
  public var argumentCountMax: Int

  public init(requestBytesMax: Int = 65_536, argumentCountMax: Int = 8192) {
    precondition(requestBytesMax > 0 && requestBytesMax < 1 << 30 && argumentCountMax > 0)
    self.requestBytesMax = requestBytesMax
    self.argumentCountMax = argumentCountMax
  }
}

/// How far a request that has not arrived in full was looked at, so that each byte is looked at a bounded number of times however
/// finely the request is split. One for each connection; 8 bytes.
public struct RequestProgress: Sendable, BitwiseCopyable {
  /// Bytes that need no second look.
  var scannedByteCount: Int32 = 0
  /// Arguments that are still to come; -1 while the array's header is not known, or the command is an inline one.
  var argumentsLeft: Int32 = -1

  public init() {}

  /// No request has begun.
  public var isAtStart: Bool { scannedByteCount == 0 && argumentsLeft == -1 }
}

/// Parses requests. One serves all connections of a thread, one after the other: it keeps the argument table, so that no request
/// allocates; what belongs to a connection is in its `RequestProgress`.
///
/// ```swift
/// while case .request(let arguments, let byteCount) = parser.next(in: input, &progress) {
///   answer(arguments)
///   input = Bytes(rebasing: input[byteCount...])
/// }
/// ```
public final class RequestParser {
  public enum Outcome {
    /// A whole request in the first `byteCount` bytes. No arguments: an empty line, which gets no answer.
    case request(Arguments, byteCount: Int)
    /// The request goes on behind the end of the input.
    case needMore
    /// What follows cannot be made sense of: answer with the error and close the connection.
    case failed(RequestError)
  }

  public let limits: RequestLimits
  // Invariant: `table` has room for `tableCapacity` elements, which is never more than `limits.argumentCountMax`.
  private var table: UnsafeMutablePointer<Bytes>
  private var tableCapacity: Int
  private var unescaped = ByteBuffer()

  public init(limits: RequestLimits = RequestLimits()) {
    self.limits = limits
    tableCapacity = min(16, limits.argumentCountMax)
    table = .allocate(capacity: tableCapacity)
  }

  deinit { table.deallocate() }

  /// Looks for one request at the front of `input`.
  /// - Parameters:
  ///   - input: all bytes of the connection that belong to no request yet; after `needMore`, the same bytes with more behind them.
  ///   - progress: the connection's own.
  @inline(__always)
  public func next(in input: Bytes, _ progress: inout RequestProgress) -> Outcome {
    guard let start = input.baseAddress, input.count > 0 else { return .needMore }
    if start.load(as: UInt8.self) == UInt8(ascii: "*") {
      return nextArray(start, input.count, &progress)
    }
    return nextInline(input, &progress)
  }
}

// MARK: - Arrays of bulk strings

extension RequestParser {
  /// A number between a type byte and a line end.
  private enum Header {
    case value(Int, nextOffset: Int)
    case incomplete
    case malformed
  }

  private func nextArray(
    _ start: UnsafeRawPointer, _ byteCount: Int, _ progress: inout RequestProgress
  ) -> Outcome {
    if !progress.isAtStart {
      // The rest of a request that came in pieces: find its end first, then take it in one pass.
      switch scan(start, byteCount, &progress) {
      case .some(let outcome): return outcome
      case .none: progress = RequestProgress()
      }
    }
    guard case .value(let argumentCount, var offset) = Self.header(start, 1, byteCount) else {
      return scan(start, byteCount, &progress) ?? .needMore
    }
    if argumentCount <= 0 {
      return argumentCount >= -1
        ? .request(Arguments(base: table, count: 0), byteCount: offset)
        : .failed(badArrayLength(start, byteCount))
    }
    guard argumentCount <= limits.argumentCountMax else {
      return .failed(tooManyArguments(argumentCount))
    }
    if _slowPath(argumentCount > tableCapacity) { growTable(toHold: argumentCount) }
    let table = self.table
    var index = 0
    repeat {
      guard offset < byteCount, start.load(fromByteOffset: offset, as: UInt8.self) == UInt8(ascii: "$"),
        case .value(let length, let bodyOffset) = Self.header(start, offset + 1, byteCount),
        length >= 0, bodyOffset + length + 2 <= byteCount,
        start.load(fromByteOffset: bodyOffset + length, as: UInt8.self) == 0x0D,
        start.load(fromByteOffset: bodyOffset + length + 1, as: UInt8.self) == 0x0A
      else {
        // Incomplete or malformed: the scan tells which, and remembers the place.
        return scan(start, byteCount, &progress) ?? .needMore
      }
      table[index] = Bytes(start: start + bodyOffset, count: length)
      offset = bodyOffset + length + 2
      index &+= 1
    } while index < argumentCount
    guard offset <= limits.requestBytesMax else { return .failed(tooLong(offset)) }
    return .request(Arguments(base: table, count: argumentCount), byteCount: offset)
  }

  /// Goes on from `progress` to the request's end without taking the arguments.
  /// - Returns: `nil` if the request is whole.
  @inline(never)
  private func scan(
    _ start: UnsafeRawPointer, _ byteCount: Int, _ progress: inout RequestProgress
  ) -> Outcome? {
    var offset = Int(progress.scannedByteCount)
    if progress.argumentsLeft < 0 {
      switch Self.header(start, 1, byteCount) {
      case .incomplete: return .needMore
      case .malformed: return .failed(badArrayLength(start, byteCount))
      case .value(let argumentCount, let nextOffset):
        guard argumentCount >= -1 else { return .failed(badArrayLength(start, byteCount)) }
        guard argumentCount <= limits.argumentCountMax else {
          return .failed(tooManyArguments(argumentCount))
        }
        offset = nextOffset
        progress.argumentsLeft = Int32(max(0, argumentCount))
      }
    }
    while progress.argumentsLeft > 0 {
      progress.scannedByteCount = Int32(offset)
      guard offset < byteCount else { return .needMore }
      let type = start.load(fromByteOffset: offset, as: UInt8.self)
      guard type == UInt8(ascii: "$") else {
        return .failed(
          RequestError(
            .badArgument,
            "protocol error: expected '$', found "
              + RequestError.quoted(Bytes(start: start + offset, count: 1))))
      }
      switch Self.header(start, offset + 1, byteCount) {
      case .incomplete: return .needMore
      case .malformed: return .failed(badBulkLength(start + offset, byteCount - offset))
      case .value(let length, let bodyOffset):
        guard length >= 0 else { return .failed(badBulkLength(start + offset, byteCount - offset)) }
        // Said as soon as the length is known, so that no more of it is read.
        let end = bodyOffset.addingReportingOverflow(length)
        guard !end.overflow, end.partialValue <= limits.requestBytesMax - 2 else {
          return .failed(tooLong(end.overflow ? Int.max : end.partialValue + 2))
        }
        guard end.partialValue + 2 <= byteCount else { return .needMore }
        guard start.load(fromByteOffset: end.partialValue, as: UInt8.self) == 0x0D,
          start.load(fromByteOffset: end.partialValue + 1, as: UInt8.self) == 0x0A
        else {
          return .failed(
            RequestError(
              .badArgument,
              "protocol error: expected a line end after \(length) bytes of a bulk string, found "
                + RequestError.quoted(Bytes(start: start + end.partialValue, count: 2))))
        }
        offset = end.partialValue + 2
        progress.argumentsLeft -= 1
      }
    }
    return nil
  }

  /// Reads `[-]digits CR LF`, the digits from `offset` on. At most 19 digits; leading zeros count.
  @inline(__always)
  private static func header(_ start: UnsafeRawPointer, _ offset: Int, _ byteCount: Int) -> Header {
    var offset = offset
    var value = 0
    let first = offset
    while offset < byteCount {
      let byte = start.load(fromByteOffset: offset, as: UInt8.self)
      let digit = byte &- 0x30
      if digit < 10 {
        // 18 digits fit into 63 bits whatever they are.
        guard offset &- first < 18 else { return .malformed }
        value = value &* 10 &+ Int(digit)
        offset &+= 1
        continue
      }
      if byte == 0x0D {
        guard offset > first else { return .malformed }
        guard offset &+ 1 < byteCount else { return .incomplete }
        guard start.load(fromByteOffset: offset &+ 1, as: UInt8.self) == 0x0A else { return .malformed }
        return .value(value, nextOffset: offset &+ 2)
      }
      if byte == UInt8(ascii: "-"), offset == first { return negativeHeader(start, offset, byteCount) }
      return .malformed
    }
    return .incomplete
  }

  /// `-1` is the only negative number that the protocol knows.
  @inline(never)
  private static func negativeHeader(
    _ start: UnsafeRawPointer, _ offset: Int, _ byteCount: Int
  ) -> Header {
    for (index, expected) in [UInt8(ascii: "-"), UInt8(ascii: "1"), 0x0D, 0x0A].enumerated() {
      guard offset + index < byteCount else { return .incomplete }
      guard start.load(fromByteOffset: offset + index, as: UInt8.self) == expected else { return .malformed }
    }
    return .value(-1, nextOffset: offset + 4)
  }

  @inline(never)
  private func growTable(toHold argumentCount: Int) {
    let capacity = min(limits.argumentCountMax, max(argumentCount, 2 * tableCapacity))
    table.deallocate()
    table = .allocate(capacity: capacity)
    tableCapacity = capacity
  }
}

// MARK: - Inline commands

extension RequestParser {
  /// Words on a line, for people with `nc` or `socat`: separated by white space, quoted as Redis does (`"a\x20\n"`, `'b c'`).
  @inline(never)
  private func nextInline(_ input: Bytes, _ progress: inout RequestProgress) -> Outcome {
    var end = Int(progress.scannedByteCount)
    while end < input.count, input[end] != 0x0A { end += 1 }
    guard end < limits.requestBytesMax else { return .failed(tooLong(end + 1)) }
    guard end < input.count else {
      progress.scannedByteCount = Int32(end)
      return .needMore
    }
    progress = RequestProgress()
    let lineEnd = end > 0 && input[end - 1] == 0x0D ? end - 1 : end
    do {
      let count = try splitWords(Bytes(rebasing: input[..<lineEnd]))
      return .request(Arguments(base: table, count: count), byteCount: end + 1)
    } catch {
      return .failed(error)
    }
  }

  private func splitWords(_ line: Bytes) throws(RequestError) -> Int {
    unescaped.removeAll()
    // No word is longer unescaped than escaped: the memory does not move under the words that point into it.
    unescaped.reserve(line.count)
    var count = 0
    var offset = 0
    while true {
      while offset < line.count, Self.isSpace(line[offset]) { offset += 1 }
      guard offset < line.count else { return count }
      let wordStart = unescaped.count
      while offset < line.count, !Self.isSpace(line[offset]) {
        switch line[offset] {
        case UInt8(ascii: "\""): offset = try takeDoubleQuoted(line, offset + 1)
        case UInt8(ascii: "'"): offset = try takeSingleQuoted(line, offset + 1)
        case let byte:
          unescaped.append(byte)
          offset += 1
        }
      }
      guard count < limits.argumentCountMax else { throw tooManyArguments(count + 1) }
      if count == tableCapacity { keepingTable(count) }
      table[count] = Bytes(rebasing: unescaped.bytes[wordStart...])
      count += 1
    }
  }

  private func keepingTable(_ count: Int) {
    let words = Array(UnsafeBufferPointer(start: table, count: count))
    growTable(toHold: count + 1)
    table.update(from: words, count: count)
  }

  private func takeDoubleQuoted(_ line: Bytes, _ start: Int) throws(RequestError) -> Int {
    var offset = start
    while offset < line.count {
      switch line[offset] {
      case UInt8(ascii: "\""):
        return try endOfQuotes(line, offset + 1)
      case UInt8(ascii: "\\") where offset + 3 < line.count && line[offset + 1] == UInt8(ascii: "x"):
        guard let high = Self.hexDigit(line[offset + 2]), let low = Self.hexDigit(line[offset + 3]) else {
          fallthrough
        }
        unescaped.append(high << 4 | low)
        offset += 4
      case UInt8(ascii: "\\") where offset + 1 < line.count:
        unescaped.append(Self.escaped(line[offset + 1]))
        offset += 2
      case let byte:
        unescaped.append(byte)
        offset += 1
      }
    }
    throw unbalancedQuotes
  }

  private func takeSingleQuoted(_ line: Bytes, _ start: Int) throws(RequestError) -> Int {
    var offset = start
    while offset < line.count {
      if line[offset] == UInt8(ascii: "'") { return try endOfQuotes(line, offset + 1) }
      if line[offset] == UInt8(ascii: "\\"), offset + 1 < line.count, line[offset + 1] == UInt8(ascii: "'") {
        offset += 1
      }
      unescaped.append(line[offset])
      offset += 1
    }
    throw unbalancedQuotes
  }

  /// A closing quote ends the word: white space or the line's end must follow.
  private func endOfQuotes(_ line: Bytes, _ offset: Int) throws(RequestError) -> Int {
    guard offset == line.count || Self.isSpace(line[offset]) else { throw unbalancedQuotes }
    return offset
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || (0x09...0x0D).contains(byte)
  }

  private static func escaped(_ byte: UInt8) -> UInt8 {
    switch byte {
    case UInt8(ascii: "n"): 0x0A
    case UInt8(ascii: "r"): 0x0D
    case UInt8(ascii: "t"): 0x09
    case UInt8(ascii: "b"): 0x08
    case UInt8(ascii: "a"): 0x07
    default: byte
    }
  }

  private static func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - 0x30
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - 0x57
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - 0x37
    default: nil
    }
  }
}

// MARK: - What is wrong

extension RequestParser {
  private func tooLong(_ byteCount: Int) -> RequestError {
    RequestError(
      .tooBig,
      "a request of at most \(limits.requestBytesMax) bytes is served, found one of \(byteCount) or more")
  }

  private func tooManyArguments(_ count: Int) -> RequestError {
    RequestError(
      .tooBig, "a request of at most \(limits.argumentCountMax) arguments is served, found \(count)")
  }

  private func badArrayLength(_ start: UnsafeRawPointer, _ byteCount: Int) -> RequestError {
    RequestError(
      .badArgument,
      "protocol error: expected '*', a number of arguments and a line end, found "
        + firstLine(start, byteCount))
  }

  private func badBulkLength(_ start: UnsafeRawPointer, _ byteCount: Int) -> RequestError {
    RequestError(
      .badArgument,
      "protocol error: expected '$', a length of 0 or more and a line end, found "
        + firstLine(start, byteCount))
  }

  private var unbalancedQuotes: RequestError {
    RequestError(
      .badArgument, "protocol error: expected a closing quote, followed by white space or the line's end")
  }

  private func firstLine(_ start: UnsafeRawPointer, _ byteCount: Int) -> String {
    RequestError.quoted(
      Bytes(rebasing: Bytes(start: start, count: min(byteCount, 32)).prefix { $0 != 0x0D && $0 != 0x0A }))
  }
}
