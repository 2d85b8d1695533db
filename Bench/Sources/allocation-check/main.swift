// Proves that a lookup allocates nothing: the whole daemon in this process, a million requests, and every allocation of its loops counted.
//
//     allocation-check DATA-DIRECTORY [REQUESTS]
//
// The directory holds the fixture territory (`make check-allocations` makes one). Ends with status 1 if a loop has allocated.

import ByteBuffers
import CAllocationCount
import Foundation
import Logging
import OutageDaemon
import Reactor
import WireProtocol

let arguments = CommandLine.arguments
guard arguments.count >= 2 else {
  print("usage: allocation-check DATA-DIRECTORY [REQUESTS]")
  exit(2)
}
let directory = arguments[1]
let requestCount = arguments.count > 2 ? Int(arguments[2]) ?? 1_000_000 : 1_000_000

/// Every kind of lookup: covered and not, several service points, unknown, other languages, a distance.
let words: [[String]] = [
  ["OUTAGE.ACCOUNT", "000000000098"], ["OUTAGE.ACCOUNT", "000000000001", "LANG", "es-MX"],
  ["OUTAGE.ACCOUNT", "nobody"], ["OUTAGE.PHONE", "+15305550007"], ["OUTAGE.METER", "M70000001"],
  ["OUTAGE.SERVICEPOINT", "SP-000000001"], ["OUTAGE.POINT", "-121.74", "38.54", "NEAR", "2000"],
  ["OUTAGE.POINT", "-121.7405", "38.5449"],
  ["OUTAGE.MACCOUNT", "000000000098", "000000000002", "000000000003"],
  // More than are found at once.
  ["OUTAGE.MPOINT"] + (0..<40).flatMap { ["\(-121.75 + 0.0005 * Double($0))", "38.5449"] },
]

/// One connection that asks all of them, pipelined.
final class Asker {
  private let descriptor: Int32
  private var request = ByteBuffer()
  private var input = ByteBuffer(capacity: 1 << 20)
  private(set) var errorCount = 0

  init(_ path: String) throws {
    descriptor = try UnixListener.connect(to: path)
    for _ in 0..<4 { for line in words { request.appendRequest(line) } }
  }

  var requestCount: Int { 4 * words.count }

  func send() {
    let sent = Foundation.send(descriptor, request.bytes.baseAddress, request.count, Int32(MSG_NOSIGNAL))
    precondition(sent == request.count, "the daemon took \(sent) of \(request.count) bytes")
  }

  func receive() throws {
    var left = requestCount
    while left > 0 {
      if let (reply, byteCount) = try RESPReply.decode(input.bytes) {
        if case .error = reply { errorCount += 1 }
        input.removeFirst(byteCount)
        left -= 1
        continue
      }
      input.reserve(65_536)
      let count = recv(descriptor, input.freeSpace.baseAddress, input.freeSpace.count, 0)
      precondition(count > 0, "the daemon closed the connection")
      input.didFill(count)
    }
  }
}

let isReady = DispatchSemaphore(value: 0)
let options = DaemonOptions(
  directory: directory, querySocket: nil, adminSocket: nil, configurationFile: nil)
Task.detached {
  do {
    try await Daemon(options: options, log: Logger(label: "outaged")).run { isReady.signal() }
  } catch {
    print("the daemon does not serve: \(error)")
    exit(2)
  }
}
isReady.wait()

let askers = try (0..<8).map { _ in try Asker(directory + "/query.sock") }
@MainActor func ask(_ count: Int) throws {
  for _ in 0..<(count + askers.count * askers[0].requestCount - 1) / (askers.count * askers[0].requestCount) {
    for asker in askers { asker.send() }
    for asker in askers { try asker.receive() }
  }
}

// Buffers reach the size that they keep.
try ask(20_000)
let before = callocationcount_by_loops()
try ask(requestCount)
let allocated = callocationcount_by_loops() - before
let errorCount = askers.reduce(0) { $0 + $1.errorCount }
print(
  "\(requestCount) requests of \(words.count) kinds: \(allocated) allocations by the event loops"
    + " (\(before) before, from their start on), \(errorCount) error replies")
// A counter that counts nothing would prove nothing: the loops have allocated while they started.
exit(allocated == 0 && errorCount == 0 && before > 0 ? 0 : 1)
