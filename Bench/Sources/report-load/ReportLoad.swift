// Sends reports at a constant rate over many connections, and tells how long their receipts took.

import ArgumentParser
import ByteBuffers
import CEpoll
import CLoadSystem
import Foundation
import Reactor
import WireProtocol

@main
struct ReportLoad: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report-load",
    abstract: "REPORT.ADD at a constant rate; latency counts from the moment at which a report was due.",
    discussion: "Each connection has one report on its way at a time. The status is 1 if any was refused.")

  @Option(help: "The query socket.")
  var socket: String

  @Option(help: "Reports a second.")
  var rate = 5000.0

  @Option(help: "Seconds.")
  var seconds = 10.0

  @Option(help: "Connections.")
  var connections = 500

  @Option(help: "Reports are about SP-000000000 up to so many service points.")
  var servicePoints = 5000

  @Option(help: "What their calls' ids begin with: another one for each run on the same journal.")
  var calls = "L\(getpid())"

  private struct Line {
    var descriptor: Int32
    var input = [UInt8]()
    var dueAt: Double?
  }

  func run() throws {
    let epoll = cepoll_create()
    var lines: [Line] = []
    for index in 0..<connections {
      let descriptor = try UnixListener.connect(to: socket)
      _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
      guard cepoll_add(epoll, descriptor, cepoll_in, UInt64(index)) == 0 else {
        throw ValidationError("a connection cannot be watched")
      }
      lines.append(Line(descriptor: descriptor))
    }
    let total = Int(rate * seconds)
    var (sent, received, refused) = (0, 0, 0)
    var latencies: [Double] = []
    latencies.reserveCapacity(total)
    var idle = Array(lines.indices)
    let events = cepoll_events(256)
    defer { free(events) }
    var space = [UInt8](repeating: 0, count: 16_384)
    let start = now()
    cload_no_timer_slack()
    while received < total {
      let elapsed = now() - start
      while sent < total, Double(sent) / rate <= elapsed, let index = idle.popLast() {
        lines[index].dueAt = start + Double(sent) / rate
        send(sent, on: lines[index].descriptor)
        sent += 1
      }
      guard elapsed < seconds + 30 else { break }
      let untilNext = sent < total && !idle.isEmpty ? Double(sent) / rate - (now() - start) : 0.1
      let count = cload_wait(epoll, events, 256, Int64(max(0, untilNext) * 1e9))
      for position in 0..<max(0, count) {
        let index = Int(cepoll_token(events, position))
        let read = recv(lines[index].descriptor, &space, space.count, 0)
        guard read > 0 else { throw ValidationError("the daemon closed a connection") }
        lines[index].input += space[..<read]
        let reply = try lines[index].input.withUnsafeBytes { try RESPReply.decode($0) }
        guard let (reply, _) = reply else { continue }
        lines[index].input.removeAll(keepingCapacity: true)
        latencies.append(now() - lines[index].dueAt!)
        received += 1
        if case .error(let text) = reply {
          refused += 1
          if refused == 1 { print("refused: \(text)") }
        }
        idle.append(index)
      }
    }
    let wall = now() - start
    latencies.sort()
    func milliseconds(_ share: Double) -> String {
      latencies.isEmpty
        ? "-"
        : String(
          format: "%.2f", latencies[min(latencies.count - 1, Int(share * Double(latencies.count)))] * 1e3)
    }
    print(
      "reports: sent \(sent), receipts \(received), refused \(refused), \(Int(Double(received) / wall)) a second over "
        + "\(connections) connections; latency in ms: p50 \(milliseconds(0.5)), p99 \(milliseconds(0.99)), "
        + "p99.9 \(milliseconds(0.999)), max \(milliseconds(1))")
    if refused > 0 || received < total { throw ExitCode(1) }
  }

  private func send(_ number: Int, on descriptor: Int32) {
    let servicePoint = "SP-" + String(String(1_000_000_000 + number % servicePoints).dropFirst())
    var request = ByteBuffer()
    request.appendRequest([
      "REPORT.ADD", "SERVICEPOINT", servicePoint, "KIND", "out", "CALL", "\(calls)-\(number)",
    ])
    // One small request on a connection that has nothing on its way: it fits.
    _ = Foundation.send(descriptor, request.bytes.baseAddress, request.count, Int32(MSG_NOSIGNAL))
  }

  private func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
