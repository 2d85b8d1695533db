// `outaged changes`: prints what changes for whom, once or for as long as it runs.

import ArgumentParser
import Foundation
import OutageDaemon
import OutageModel
import WireProtocol

extension ChangeKind: ExpressibleByArgument {}

struct Changes: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints the changes of service points: outages begun and over, ERTs moved, lines down.",
    discussion: """
      Examples:
        outaged changes --from 0 --json
        outaged changes --follow --json --consumer notifier | send-messages
        outaged changes --follow --kind wireDown --kind outageStarted --critical

      With --consumer it goes on where that consumer has stopped, and notes each batch as dealt with when the reader of its
      output has taken it. With --follow it waits for what comes, also while the daemon is restarted.
      """)

  @Option(name: .customLong("data"), help: "The data directory.")
  var directory = "var/outaged"

  @Option(help: "The feed socket; DIR/feed.sock if it is not given.")
  var feedSocket: String?

  @Option(help: "The number to begin with; 0 for the oldest that is kept.")
  var from: Int?

  @Option(help: "Goes on behind what this consumer has acknowledged, and acknowledges what is printed.")
  var consumer: String?

  @Option(help: "Only changes of this kind. May be repeated.")
  var kind: [ChangeKind] = []

  @Flag(help: "Only those of medical-baseline customers.")
  var critical = false

  @Option(help: "Only those of service points on this feeder.")
  var feeder: String?

  @Flag(help: "Wait for what comes, until it is stopped.")
  var follow = false

  @Flag(help: "Print each change as a JSON object on a line.")
  var json = false

  /// Changes of one read.
  private static let batch = 1000
  private static let blockMilliseconds = 10_000
  private static let reconnectSeconds: UInt32 = 1

  func run() throws {
    let socket = feedSocket ?? directory + "/feed.sock"
    var next = from.map(String.init) ?? (consumer == nil ? "0" : ">")
    var client: SocketClient?
    while true {
      do {
        let connected = try client ?? SocketClient(path: socket, timeoutSeconds: 60)
        client = connected
        let page = try Page(connected.ask(request(from: next)))
        for event in page.events { print(json ? event : try Self.line(event)) }
        fflush(nil)
        let isLast = page.events.isEmpty
        next = String(page.next)
        if let consumer, page.next > 1 {
          _ = try connected.ask(["CHANGES.ACK", consumer, String(page.next - 1)])
        }
        if isLast && !follow { return }
      } catch is ClientError where follow {
        // The daemon is being restarted, perhaps: it goes on with the same number.
        client = nil
        sleep(Self.reconnectSeconds)
      } catch {
        throw Failure(error)
      }
    }
  }

  private func request(from next: String) -> [String] {
    var words = ["CHANGES.READ", next, "COUNT", String(Self.batch)]
    if follow { words += ["BLOCK", String(Self.blockMilliseconds)] }
    if let consumer { words += ["CONSUMER", consumer] }
    for kind in kind { words += ["KIND", kind.rawValue] }
    if critical { words.append("CRITICAL") }
    if let feeder { words += ["FEEDER", feeder] }
    return words
  }

  /// What a read has brought.
  private struct Page {
    var next: Int
    var events: [String]

    init(_ reply: RESPReply) throws {
      if case .error(let text) = reply { throw Failure(text: text) }
      guard case .array(let parts) = reply, parts.count == 2, case .integer(let next) = parts[0],
        case .array(let events) = parts[1]
      else { throw Failure(text: "CHANGES.READ: the daemon answered \(reply)") }
      self.next = next
      self.events = events.compactMap(\.text)
    }
  }

  /// A change for a person: number, time, kind and service point, then what else there is.
  private static func line(_ event: String) throws -> String {
    let fields = try JSONSerialization.jsonObject(with: Data(event.utf8)) as? [String: Any] ?? [:]
    let first = ["sequence", "at", "kind", "servicePointId"]
    let rest = fields.keys.filter { !first.contains($0) }.sorted().map { "\($0)=\(fields[$0]!)" }
    return (first.compactMap { fields[$0].map { "\($0)" } } + rest).joined(separator: "  ")
  }
}
