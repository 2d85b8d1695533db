// `outage-load run`: one run, its table, plot, log and figures.

import ArgumentParser
import Foundation
import LoadGeneration
import WireProtocol

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Ask, and check every answer.",
    discussion: """
      Closed loop without --rate or --storm: each connection asks as many requests as --depth says at once, and again when all are \
      answered. Open loop with --rate: requests start at a constant rate and their latency counts from the moment at which they were due. \
      The status is 1 if any answer was wrong or failed.
      """)

  @Option(help: "The query socket.")
  var socket: String

  @Option(help: "The plan that outage-load plan has written.")
  var plan: String

  @Option(help: "The admin socket, for publishing.")
  var adminSocket: String?

  @Option(help: "Connections.")
  var connections = 50

  @Option(help: "Requests in flight on a connection: exactly in a closed loop, at most in an open one.")
  var depth = 1

  @Option(help: "Threads.")
  var threads = 1

  @Option(help: "Seconds.")
  var seconds = 5.0

  @Option(help: "End when so many requests have been sent, if that is sooner.")
  var requests: Int?

  @Option(help: "Open loop: requests a second.")
  var rate: Double?

  @Flag(
    help: "Open loop: a storm's calls, from 800 a day to 80,000 an hour and beyond, 3 to 6 questions each.")
  var storm = false

  @Option(help: "How much faster than real time the storm is told: it lasts five hours.")
  var compression = 300.0

  @Option(help: "How far beyond 80,000 calls an hour the storm goes.")
  var peakFactor = 4.0

  @Option(help: "Real seconds between the questions of a call.")
  var gapSeconds = 8.0

  @Option(help: "Shares of account, phone, point, unknown and report requests.")
  var mix = "account=60,phone=20,point=15,unknown=5"

  @Option(help: "Exponent of Zipf's law by which customers are drawn; 0: all alike.")
  var zipf = 0.0

  @Option(help: "The seed of all draws.")
  var seed: UInt64 = 1

  @Option(help: "Connections closed and opened anew, a second.")
  var churn = 0.0

  @Option(help: "Publish a layer every so many seconds, starting with the second one named by --publish.")
  var publishEvery: Double?

  @Option(
    help: "Numbers of the plan's layers, in the order in which they are published; the first before the run.")
  var publish = "0,1"

  @Flag(help: "Publish nothing before the run: the first layer of --publish is served already.")
  var alreadyPublished = false

  @Option(help: "The feed socket: all acknowledged reports are read back from it after the run.")
  var feedSocket: String?

  @Option(help: "Another command in place of OUTAGE.ACCOUNT, such as GET; answers are not checked then.")
  var verb: String?

  @Flag(help: "Do not check answers.")
  var unchecked = false

  @Option(help: "Seconds of one interval of plot and log.")
  var interval = 0.5

  @Option(help: "The plot's and the table's title.")
  var title: String?

  @Option(help: "Write latency over time here, as SVG.")
  var svg: String?

  @Option(help: "Write an HdrHistogram log here.")
  var hlog: String?

  @Option(help: "Write the figures here, as JSON.")
  var json: String?

  func validate() throws {
    guard RequestMix(mix) != nil else {
      throw ValidationError(
        "--mix: found '\(mix)', expected shares such as account=60,phone=20,point=15,unknown=5")
    }
    guard rate == nil || !storm else { throw ValidationError("--rate and --storm exclude each other") }
    guard connections > 0, depth > 0, threads > 0, connections >= threads, interval > 0, seconds > 0 else {
      throw ValidationError(
        "--connections (at least as many as threads), --depth, --threads, --interval, --seconds: expected positive numbers"
      )
    }
    if publishEvery != nil, adminSocket == nil {
      throw ValidationError("--publish-every needs --admin-socket")
    }
  }

  func run() throws {
    let plan = try LoadPlan(contentsOf: plan)
    let order = publish.split(separator: ",").compactMap { Int($0) }
    guard !order.isEmpty, order.allSatisfy(plan.layers.indices.contains) else {
      throw ValidationError(
        "--publish: found '\(publish)', expected layers of the plan, 0 to \(plan.layers.count - 1)")
    }
    let checks = verb == nil && !unchecked
    let table = RequestTable(plan, verb: verb, seed: seed)
    let versions = LayerVersions()
    var publisher: LayerPublisher?
    if let adminSocket, checks || publishEvery != nil {
      publisher = LayerPublisher(adminSocket: adminSocket, layers: plan.layers, versions: versions)
    }
    if let publisher, !alreadyPublished {
      let first = publisher.publish(order[0], beginning: monotonicNanoseconds())
      if let error = first.error { throw RunError(description: "the first publish failed: \(error)") }
    } else if checks {
      try learnVersion(versions, layer: order[0])
    }

    let pid = try AdminClient(path: socket).serverPid
    let clients = (0..<threads).map { thread in
      LoadClient(
        settings(thread), table: table, plan: plan, versions: versions, share: thread, shareCount: threads)
    }
    for client in clients { client.connect() }
    let before = ServerAccounting(pid: pid)
    let beginning = monotonicNanoseconds()
    let startedAt = Date().timeIntervalSince1970
    let publishing = publisher.flatMap { publisher in
      publishEvery.map { interval in
        RunningThread { publisher.run(order: order, everySeconds: interval, beginning: beginning) }
      }
    }
    let runs = clients.map { client in RunningThread { client.run(beginning: beginning) } }
    var result = runs[0].value
    for run in runs.dropFirst() { result.merge(run.value) }
    let lastPid = try AdminClient(path: socket).serverPid
    let after = ServerAccounting(pid: lastPid)
    publisher?.stop()
    publishing?.value

    if let feedSocket {
      let faults = try result.reports.faults(feedSocket: feedSocket)
      result.wrongCount += faults.count
      result.examples = faults.prefix(5) + result.examples
    }

    let report = RunReport(
      title: title ?? heading, result: result, before: lastPid == pid ? before : nil, after: after,
      publishes: Array((publisher?.records ?? []).dropFirst(alreadyPublished ? 0 : 1)), startedAt: startedAt)
    print(report.text)
    if let svg { try write(report.plot.svg, to: svg) }
    if let hlog { try write(report.histogramLog, to: hlog) }
    if let json { try write(report.json, to: json) }
    if result.wrongCount + result.failedCount > 0 { throw ExitCode(1) }
  }

  private var heading: String {
    let load =
      rate.map { "\(Int($0)) requests/s" } ?? (storm ? "a storm's calls" : "closed loop")
    return "\(load), \(connections) connections x \(depth)"
  }

  private func settings(_ thread: Int) -> LoadSettings {
    var settings = LoadSettings(socketPath: socket)
    settings.connectionCount = connections / threads + (thread < connections % threads ? 1 : 0)
    settings.depth = depth
    if let rate {
      settings.pace = .open(.constant(perSecond: rate, seconds: seconds))
    } else if storm {
      settings.pace = .calls(
        .storm(compression: compression, peakFactor: peakFactor), gapSeconds: gapSeconds / compression)
    } else {
      settings.pace = .closed(seconds: seconds)
    }
    settings.mix = RequestMix(mix)!
    settings.zipfExponent = zipf
    settings.seed = seed
    settings.churnPerSecond = churn / Double(threads)
    settings.checksAnswers = verb == nil && !unchecked
    settings.intervalSeconds = interval
    if let requests { settings.requestCountMax = requests / threads }
    return settings
  }

  /// The served layer is taken to be that of `layer`.
  private func learnVersion(_ versions: LayerVersions, layer: Int) throws {
    let reply = try AdminClient(path: socket).ask(["INFO", "outages"])
    let line = (reply.text ?? "").split(whereSeparator: \.isNewline).first { $0.hasPrefix("layer_version:") }
    guard let number = line.flatMap({ Int($0.dropFirst("layer_version:".count)) }) else {
      throw RunError(description: "\(socket): INFO tells no layer version: \(reply)")
    }
    versions.publishEnded(layer: layer, version: number)
  }

  private func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }
}

/// Why a run could not begin.
struct RunError: Error, CustomStringConvertible {
  var description: String
}

/// A thread and its result.
final class RunningThread<Value>: @unchecked Sendable {
  // Written once by the thread, before the condition says so; read after that.
  private var result: Value?
  private let condition = NSCondition()

  /// - Parameter work: what it uses is its own until `value` has been read.
  init(_ work: @escaping () -> Value) {
    let box = Box(work)
    let thread = Thread { [self] in
      let value = box.work()
      condition.withLock {
        result = value
        condition.broadcast()
      }
    }
    thread.start()
  }

  /// Waits for it.
  var value: Value {
    condition.withLock {
      while result == nil { condition.wait() }
      return result!
    }
  }

  private struct Box: @unchecked Sendable {
    let work: () -> Value
    init(_ work: @escaping () -> Value) { self.work = work }
  }
}
