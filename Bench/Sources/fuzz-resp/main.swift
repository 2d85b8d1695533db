// Throws seeded nonsense at the protocol: whole and in pieces it must mean the same, every answer must be a reply, nothing may grow.

import ByteBuffers
import Glibc
import WireProtocol

/// SplitMix64 (Steele, Lea, Flood 2014).
private struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

/// Inputs that are requests, nearly requests, or not at all.
private struct InputGenerator {
  private static let words =
    CommandTable.all.flatMap { [$0.name] + $0.subcommands.map(\.name) } + [
      "NEAR", "LANG", "EXPLAIN", "es", "50", "-121.74", "38.5", "000000000042", "", "3", "2", "nan", "1e-5",
      "save",
      "LIB-NAME", "lib-ver", "on", "AUTH", "SETNAME", "{\"dryRun\":true}", "\u{e9}\0\r\n",
      String(repeating: "9", count: 300),
    ]
  private static let bytes = Array("*$0123456789-+:%\r\n\r\n \"'\\x".utf8)

  mutating func fill(_ input: inout [UInt8], _ random: inout SeededGenerator) {
    input.removeAll(keepingCapacity: true)
    for _ in 0...random.below(4) {
      switch random.below(8) {
      case 0: for _ in 0..<random.below(40) { input.append(Self.bytes[random.below(Self.bytes.count)]) }
      case 1: for _ in 0..<random.below(40) { input.append(UInt8(truncatingIfNeeded: random.next())) }
      case 2:
        for _ in 0...random.below(5) {
          input += Self.words[random.below(Self.words.count)].utf8
          input.append(0x20)
        }
        input += [0x0D, 0x0A]
      default:
        let count = 1 + random.below(6)
        input += "*\(count)\r\n".utf8
        for _ in 0..<count {
          let word = Self.words[random.below(Self.words.count)]
          input += "$\(word.utf8.count)\r\n\(word)\r\n".utf8
        }
      }
    }
    for _ in 0..<random.below(3) where !input.isEmpty {
      let place = random.below(input.count)
      switch random.below(3) {
      case 0: input[place] = UInt8(truncatingIfNeeded: random.next())
      case 1: input.remove(at: place)
      default: input.insert(Self.bytes[random.below(Self.bytes.count)], at: place)
      }
    }
  }
}

/// A connection without a socket.
private struct Subject: ~Copyable {
  let requests = RequestParser(limits: RequestLimits(requestBytesMax: 600, argumentCountMax: 8))
  let commands = CommandParser()
  let server = ServerIdentity(version: "0")
  var output = ByteBuffer()

  /// Answers the input in pieces of up to `pieceMax` bytes.
  /// - Returns: the number of requests, and the first word of the error that ended it.
  mutating func run(
    _ input: [UInt8], pieceMax: Int, role: CommandSpec.Role, _ random: inout SeededGenerator
  ) -> (requestCount: Int, error: RequestError.Word?) {
    var session = SessionState(id: 1)
    output.removeAll()
    var consumed = 0
    var available = 0
    var requestCount = 0
    while available < input.count {
      available = min(input.count, available + 1 + random.below(pieceMax))
      var isWaiting = false
      var failure: RequestError?
      input.withUnsafeBytes { input in
        while !isWaiting && failure == nil {
          switch requests.next(in: Bytes(rebasing: input[consumed..<available]), &session.progress) {
          case .needMore: isWaiting = true
          case .failed(let error): failure = error
          case .request(let arguments, let byteCount):
            precondition(byteCount > 0 && consumed + byteCount <= available, "consumed what is not there")
            consumed += byteCount
            if arguments.count > 0 {
              requestCount += 1
              answer(arguments, role, &session)
            }
          }
        }
      }
      if let failure {
        output.appendError(failure)
        return (requestCount, failure.word)
      }
    }
    return (requestCount, nil)
  }

  private mutating func answer(
    _ arguments: Arguments, _ role: CommandSpec.Role, _ session: inout SessionState
  ) {
    do throws(RequestError) {
      switch try commands.parse(arguments, role: role) {
      case .session(let command):
        _ = session.answer(command, by: server, parser: commands, into: &output)
      case .points(let positions):
        for index in 0..<positions.count { _ = try positions.position(index) }
        output.appendArrayHeader(0)
      case .point(let lonDegrees, let latDegrees, _):
        precondition(abs(lonDegrees) <= 180 && abs(latDegrees) <= 90, "a position that is none")
        output.appendNull(session.version)
      default: output.appendNull(session.version)
      }
    } catch {
      output.appendError(error)
    }
  }

  /// Reads all replies back.
  /// - Returns: their number; `nil` if one is malformed or cut short.
  func replyCount() -> Int? {
    var rest = output.bytes
    var count = 0
    while !rest.isEmpty {
      guard let (_, byteCount) = try? RESPReply.decode(rest) else { return nil }
      rest = Bytes(rebasing: rest[byteCount...])
      count += 1
    }
    return count
  }
}

private func residentBytes() -> Int {
  guard let file = fopen("/proc/self/statm", "r") else { return 0 }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 128)
  guard fgets(&line, 128, file) != nil else { return 0 }
  let fields = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self).split(
    separator: " ")
  return (Int(fields[1]) ?? 0) * sysconf(Int32(_SC_PAGESIZE))
}

private func fail(_ what: String, _ input: [UInt8], seed: UInt64, iteration: Int) -> Never {
  print("\(what): seed \(seed), iteration \(iteration), input \(input)")
  exit(1)
}

let arguments = CommandLine.arguments
let iterationCount = arguments.count > 1 ? Int(arguments[1]) ?? 0 : 1_000_000
let seed = arguments.count > 2 ? UInt64(arguments[2]) ?? 1 : 1
let secondsMax = arguments.count > 3 ? Int(arguments[3]) ?? 0 : 3600
guard iterationCount > 0 else {
  print("usage: fuzz-resp [INPUTS [SEED [SECONDS]]]")
  exit(2)
}

private var random = SeededGenerator(state: seed)
private var generator = InputGenerator()
private var subject = Subject()
private var input: [UInt8] = []
private var requestTotal = 0
private var residentAtStart = 0
private let startedAt = time(nil)
private var iteration = 0
while iteration < iterationCount {
  if iteration % 4096 == 0, time(nil) - startedAt >= secondsMax { break }
  // All buffers have their size by then.
  if iteration == min(100_000, iterationCount / 10) { residentAtStart = residentBytes() }
  generator.fill(&input, &random)
  let role: CommandSpec.Role = random.below(2) == 0 ? .query : .admin
  let whole = subject.run(input, pieceMax: max(1, input.count * 1000), role: role, &random)
  let expected = whole.requestCount + (whole.error == nil ? 0 : 1)
  guard subject.replyCount() == expected else {
    fail("expected \(expected) well-formed replies", input, seed: seed, iteration: iteration)
  }
  let split = subject.run(input, pieceMax: 1 + random.below(9), role: role, &random)
  guard split == whole else {
    fail("whole \(whole), in pieces \(split)", input, seed: seed, iteration: iteration)
  }
  requestTotal += whole.requestCount
  iteration += 1
}
let grown = residentBytes() - residentAtStart
print("\(iteration) inputs, \(requestTotal) requests, seed \(seed): no fault; memory grew by \(grown) bytes")
if grown > 4_000_000 { exit(1) }
