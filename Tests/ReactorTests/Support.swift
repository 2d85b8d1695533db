// What the suites share: a line protocol to serve, blocking clients, a clock that is set by hand, and ways to wait without sleeping.

import ByteBuffers
import CEpoll
import Glibc
import Synchronization
import Testing

@testable import Reactor

/// Things that happened, in order, which a test can wait for.
final class EventLog<Event: Sendable>: Sendable {
  private struct State {
    var events: [Event] = []
    var waiting: [(isMet: @Sendable ([Event]) -> Bool, answer: Answer<[Event]>)] = []
  }

  private let state = Locked(State())

  var events: [Event] { state.withLock { $0.events } }

  func append(_ event: Event) {
    state.withLock { state in
      state.events.append(event)
      let events = state.events
      state.waiting.removeAll { waiter in
        guard waiter.isMet(events) else { return false }
        waiter.answer.set(events)
        return true
      }
    }
  }

  /// Blocks until the events meet the condition.
  @discardableResult
  func wait(until isMet: @escaping @Sendable ([Event]) -> Bool) -> [Event] {
    let answer = Answer<[Event]>()
    let met: [Event]? = state.withLock { state in
      if isMet(state.events) { return state.events }
      state.waiting.append((isMet, answer))
      return nil
    }
    return met ?? answer.wait()
  }
}

/// A clock that stands until a test moves it.
final class ManualClock: Sendable {
  private let milliseconds = Atomic<Int64>(1_000)

  var now: Int64 { milliseconds.load(ordering: .sequentiallyConsistent) }

  /// Moves the clock, and waits until each loop has noticed.
  func advance(_ amount: Int64, _ reactor: Reactor) {
    milliseconds.add(amount, ordering: .sequentiallyConsistent)
    reactor.barrier()
  }
}

extension Reactor {
  /// Returns when each loop has done all that was ready before the call.
  func barrier() {
    // A job runs among the events of its turn; what was ready with it is done when the next turn's job runs.
    for _ in 0..<2 {
      for loop in loops {
        let answer = Answer<Bool>()
        guard loop.submit({ _ in answer.set(true) }) else { continue }
        _ = answer.wait()
      }
    }
  }

  /// Runs `body` on the first loop's thread and waits for its result.
  func onFirstLoop<Value: Sendable>(_ body: @escaping @Sendable (EventLoop) -> Value) -> Value {
    let answer = Answer<Value>()
    loops[0].submit { answer.set(body($0)) }
    return answer.wait()
  }

  func total(_ counter: (LoopCounters) -> UInt64) -> Int {
    loops.reduce(0) { $0 + Int(counter($1.counters)) }
  }
}

/// What a handler reports.
enum Observed: Sendable, Hashable {
  case opened(ConnectionID, tag: Int)
  case handled(String, ConnectionID)
  case deferred(ConnectionID)
  case closed(ConnectionID, CloseReason)

  var closeReason: CloseReason? {
    if case .closed(_, let reason) = self { reason } else { nil }
  }

  var deferredID: ConnectionID? {
    if case .deferred(let id) = self { id } else { nil }
  }
}

/// Serves lines: `echo X`, `big N` (N bytes), `defer`, `quit`; anything else is answered with itself.
final class LineHandler: ConnectionHandler {
  private let log: EventLog<Observed>

  init(_ log: EventLog<Observed>) {
    self.log = log
  }

  func opened(_ connection: ConnectionID, listenerTag: Int) {
    log.append(.opened(connection, tag: listenerTag))
  }

  func handle(
    _ input: UnsafeRawBufferPointer, of connection: ConnectionID, budget: TurnBudget, output: inout ByteBuffer
  ) -> Verdict {
    var verdict = Verdict(consumedByteCount: 0, requestCount: 0, next: .wait)
    while verdict.requestCount < budget.requestCount, output.count < budget.outputByteCount {
      guard let end = input[verdict.consumedByteCount...].firstIndex(of: 0x0A) else { return verdict }
      let line = String(decoding: input[verdict.consumedByteCount..<end], as: UTF8.self)
      verdict.consumedByteCount = end + 1
      verdict.requestCount += 1
      log.append(.handled(line, connection))
      let words = line.split(separator: " ")
      switch words.first {
      case "big":
        for _ in 0..<Int(words[1])! { output.append(UInt8(ascii: "b")) }
        output.append("\n")
      case "defer":
        log.append(.deferred(connection))
        verdict.next = .deferred
        return verdict
      case "quit":
        output.append("bye\n")
        verdict.next = .close
        return verdict
      default:
        output.append(utf8Of: words.first == "echo" ? String(line.dropFirst(5)) : line)
        output.append("\n")
      }
    }
    verdict.next = .more
    return verdict
  }

  func closed(_ connection: ConnectionID, because reason: CloseReason) {
    log.append(.closed(connection, reason))
  }
}

/// A new directory, removed with all that is in it at the end.
final class TemporaryDirectory {
  let path: String

  init() {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? P_tmpdir
    var template = Array("\(parent)/reactor-XXXXXX".utf8CString)
    path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
  }

  deinit {
    guard let directory = opendir(path) else { return }
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { unlink("\(path)/\(name)") }
    }
    closedir(directory)
    rmdir(path)
  }
}

/// A reactor with the line protocol on a socket of its own; drained at the end.
final class LineServer {
  let reactor: Reactor
  let log = EventLog<Observed>()
  let clock = ManualClock()
  let listener: UnixListener
  let path: String
  private let directory = TemporaryDirectory()

  init(
    loops: Int = 1, limits: ReactorLimits = ReactorLimits(),
    accept: @escaping @Sendable (Int32) -> Int32 = { cepoll_accept($0) }
  ) throws {
    let log = log
    let clock = clock
    path = directory.path + "/s"
    reactor = try Reactor(
      loopCount: loops, limits: limits, clock: { clock.now }, accept: accept,
      makeHandler: { _ in LineHandler(log) })
    listener = try UnixListener(path: path, mode: 0o600)
    try reactor.add(listener, tag: 7)
  }

  deinit {
    reactor.drain(withinMilliseconds: 0)
    reactor.join()
    listener.close()
  }

  func connect() throws -> Client { try Client(path) }
}

/// A blocking client. What it waits for in vain fails after a minute instead of hanging.
final class Client {
  let descriptor: Int32
  private var received: [UInt8] = []

  init(_ path: String) throws {
    descriptor = try UnixListener.connect(to: path)
    var limit = timeval(tv_sec: 60, tv_usec: 0)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
    }
  }

  deinit { close(descriptor) }

  /// - Returns: whether all was sent.
  @discardableResult
  func send(_ text: String) -> Bool { send(Array(text.utf8)) }

  @discardableResult
  func send(_ bytes: [UInt8]) -> Bool {
    var offset = 0
    while offset < bytes.count {
      let sent = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress! + offset, bytes.count - offset, Int32(MSG_NOSIGNAL))
      }
      guard sent > 0 else { return false }
      offset += sent
    }
    return true
  }

  /// Sends without waiting for room.
  /// - Returns: the bytes that were taken.
  func sendWhatFits(_ bytes: [UInt8]) -> Int {
    var offset = 0
    while offset < bytes.count {
      let sent = bytes.withUnsafeBytes {
        Glibc.send(
          descriptor, $0.baseAddress! + offset, bytes.count - offset,
          Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
      }
      guard sent > 0 else { break }
      offset += sent
    }
    return offset
  }

  /// The next line without its end; `nil` at the end of the stream.
  func line() -> String? {
    while true {
      if let end = received.firstIndex(of: 0x0A) {
        defer { received.removeFirst(end + 1) }
        return String(decoding: received[..<end], as: UTF8.self)
      }
      guard receive() else { return nil }
    }
  }

  /// Everything up to the end of the stream; `nil` if it ended in an error.
  func rest() -> String? {
    while receive() {}
    return isAtEnd ? String(decoding: received, as: UTF8.self) : nil
  }

  func take(_ count: Int) -> [UInt8] {
    while received.count < count, receive() {}
    defer { received.removeFirst(min(count, received.count)) }
    return Array(received.prefix(count))
  }

  func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  private(set) var isAtEnd = false

  private func receive() -> Bool {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &bytes, bytes.count, 0)
    if count > 0 { received += bytes[..<count] }
    if count == 0 { isAtEnd = true }
    return count > 0
  }
}
