// kill -9 of the daemon while reports are taken: every acknowledged one is there afterwards, none twice.

import Foundation
import OutageDaemon
import Synchronization
import TestSupport
import Testing
import WireProtocol

@Suite(.serialized) struct ReportKillTests {
  static let seed: UInt64 = 20_261_124

  /// What the callers know of their reports.
  private final class Callers: Sendable {
    struct State: Sendable {
      /// From call to the number in its receipt.
      var acknowledged: [String: Int] = [:]
      var failures: [String] = []
    }
    let state = Mutex(State())
    let threadsLeft = DispatchSemaphore(value: 0)
    let firstReceipts = DispatchSemaphore(value: 0)

    /// One report after another on a connection of its own, until the daemon is gone. A call without a receipt is tried again in the next round.
    func call(_ socket: String, caller: Int, _ pending: PendingCall, round: Int) {
      defer { threadsLeft.signal() }
      guard let client = try? SocketClient(path: socket, timeoutSeconds: 60) else { return }
      for number in 0..<Int.max {
        let call = pending.call.withLock { $0 } ?? "R\(round)-\(caller)-\(number)"
        pending.call.withLock { $0 = call }
        // The place follows from the call, so that a second try is the same report.
        let place = call.utf8.reduce(0) { ($0 * 31 + Int($1)) % 5100 }
        let servicePoint = "SP-" + String(String(1_000_000_000 + place).dropFirst())
        guard
          let reply = try? client.ask([
            "REPORT.ADD", "SERVICEPOINT", servicePoint, "KIND", "out", "CALL", call,
          ])
        else { return }
        guard let text = reply.text, let range = text.firstMatch(of: /"report":(\d+)/),
          let report = Int(range.output.1)
        else {
          state.withLock { $0.failures.append("\(reply)") }
          return
        }
        pending.call.withLock { $0 = nil }
        state.withLock { $0.acknowledged[call] = report }
        if number == 0 { firstReceipts.signal() }
      }
    }
  }

  /// `make test` does with a few kills; `make kill-reports` sets `OUTAGED_REPORT_KILLS` to a hundred.
  @Test func `every acknowledged report is there after kill -9 under load, and none twice`() throws {
    let kills = ProcessInfo.processInfo.environment["OUTAGED_REPORT_KILLS"].flatMap { Int($0) } ?? 4
    let callerCount = kills > 10 ? 100 : 24
    let scratch = try fixtureDirectory()
    let callers = Callers()
    let pending = (0..<callerCount).map { _ in PendingCall() }
    var random = SeededGenerator(seed: Self.seed)
    for round in 0..<kills {
      let daemon = try RunningDaemon(data: scratch.path)
      for caller in 0..<callerCount {
        let thread = Thread { [socket = daemon.querySocket] in
          callers.call(socket, caller: caller, pending[caller], round: round)
        }
        thread.start()
      }
      // Receipts come; then, somewhere in the next tenths of a second, nothing does.
      callers.firstReceipts.wait()
      usleep(UInt32.random(in: 1_000...250_000, using: &random))
      daemon.signal(SIGKILL)
      daemon.process.waitUntilExit()
      for _ in 0..<callerCount { callers.threadsLeft.wait() }
      while callers.firstReceipts.wait(timeout: .now()) == .success {}
      #expect(callers.state.withLock { $0.failures } == [], "seed \(Self.seed), round \(round)")
    }
    let daemon = try RunningDaemon(data: scratch.path)
    let feed = try SocketClient(path: daemon.data + "/feed.sock", timeoutSeconds: 60)
    var stored: [String: Int] = [:]
    var next = 0
    var last = 0
    while true {
      guard case .array(let parts) = try feed.ask(["REPORT.READ", String(next), "COUNT", "10000"]),
        case .integer(let following) = parts[0], case .array(let texts) = parts[1]
      else {
        Issue.record("no page")
        return
      }
      if texts.isEmpty { break }
      next = following
      for text in texts {
        struct Report: Decodable { var sequence: Int, callId: String }
        let report = try JSONDecoder().decode(Report.self, from: Data((text.text ?? "").utf8))
        #expect(report.sequence > last)
        last = report.sequence
        #expect(
          stored.updateValue(report.sequence, forKey: report.callId) == nil, "\(report.callId) is there twice"
        )
      }
    }
    let acknowledged = callers.state.withLock { $0.acknowledged }
    #expect(acknowledged.count > kills * 10)
    var missing = 0
    for (call, report) in acknowledged where stored[call] != report { missing += 1 }
    #expect(
      missing == 0,
      "seed \(Self.seed): \(missing) of \(acknowledged.count) acknowledged reports are not there")
    // What is there beyond them was on its way when the daemon was killed.
    #expect(stored.count - acknowledged.count <= callerCount)
    print("kills: \(kills), acknowledged: \(acknowledged.count), stored: \(stored.count)")
  }

  /// The call of one caller that has no receipt yet.
  private final class PendingCall: Sendable {
    let call = Mutex<String?>(nil)
  }
}
