// Where the feeds' layers come together: one thread a feed looks and reads, and the control thread publishes what they have between them.

import CallerAnswer
import Feeds
import Foundation
import LayerImport
import LayerStore
import Logging
import OutageModel
import Synchronization
import SystemThreads
import Territory

/// Keeps each feed's share of the layer.
///
/// The layer is all feeds' outages together; of two with one id that of the feed that stands first in the configuration counts. What is
/// published by hand replaces it as a whole, until a feed brings something new.
///
/// All state but the runners is the control thread's.
final class FeedDesk: @unchecked Sendable {
  private let control: ControlPlane
  fileprivate let behind: StandingBack
  private let log: Logger
  private let clock: @Sendable () -> Timestamp
  private let memoryFile: String
  private let scratchDirectory: String
  private let runners = Mutex<[FeedRunner]>([])
  private var memory = Memory()
  private var shares: [String: [Outage]] = [:]

  /// What outlives the daemon, `feeds.json` in the data directory.
  private struct Memory: Codable {
    /// The layer that is made of the feeds' outages.
    var layer = 0
    var feeds: [String: FeedMemory] = [:]
  }

  /// - Throws: if the data directory has no room for a directory.
  init(
    directory: String, control: ControlPlane, behind: StandingBack, log: Logger,
    clock: @escaping @Sendable () -> Timestamp
  ) throws {
    self.control = control
    self.behind = behind
    self.log = log
    self.clock = clock
    memoryFile = directory + "/feeds.json"
    scratchDirectory = directory + "/feeds"
  }

  /// From any thread.
  var statuses: [FeedStatus] { runners.withLock { $0 }.map(\.status) }

  /// Starts the feeds, once the Territory of what is stored is served.
  func start(_ feeds: [FeedConfiguration]) {
    control.withPublisher { [self] publisher in
      recall(publisher.territory.outages)
      apply(feeds)
    }
  }

  func stop() { for runner in runners.withLock({ $0 }) { runner.stop() } }

  /// Takes a new list of feeds: those that stay as they are go on. On the control thread.
  func apply(_ feeds: [FeedConfiguration]) {
    if !feeds.isEmpty {
      do {
        try FileManager.default.createDirectory(
          atPath: scratchDirectory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      } catch {
        log.error("no room for what feeds bring", metadata: ["error": "\(error)"])
      }
    }
    let old = runners.withLock { $0 }
    let new = feeds.map { feed in
      old.first { $0.configuration == feed }
        ?? FeedRunner(feed, memory: memory.feeds[feed.name], scratchDirectory, self, log, clock)
    }
    runners.withLock { $0 = new }
    for runner in old where !new.contains(where: { $0 === runner }) { runner.stop() }
    for runner in new where !old.contains(where: { $0 === runner }) { runner.start() }
    let names = Set(feeds.map(\.name))
    shares = shares.filter { names.contains($0.key) }
    memory.feeds = memory.feeds.filter { names.contains($0.key) }
  }

  /// Carries out `LAYER.ACCEPT`. From any thread.
  func accept(_ name: String, _ reply: @escaping @Sendable (Result<String, FeedFailure>) -> Void) {
    let runners = runners.withLock { $0 }
    guard let runner = runners.first(where: { $0.configuration.name == name }) else {
      return reply(
        .failure(FeedFailure(FeedError.unknown(name, known: runners.map { $0.configuration.name }))))
    }
    runner.accept(reply)
  }

  // MARK: For the runners

  /// Publishes a feed's layer with what the others have.
  /// - Parameter done: called on the control thread when the layer is served.
  func publish(
    _ layer: FeedLayer, of feed: FeedConfiguration,
    _ done: @escaping @Sendable (Result<PublishOutcome, any Error>) -> Void
  ) {
    control.publish(source: "\(feed.name): \(layer.source)", sha256: layer.report.sha256) { [self] _ in
      var shares = shares
      shares[feed.name] = layer.outages
      return together(shares)
    } done: { [self] result in
      control.withPublisher { [self] publisher in
        switch result {
        case .failure(let error): done(.failure(error))
        case .success(let outcome):
          guard let outcome, let number = outcome.version?.number else { return }
          shares[feed.name] = layer.outages
          memory.layer = number
          memory.feeds[feed.name] = FeedMemory(
            contentHash: layer.contentHash, measure: layer.measure, outageIds: layer.outages.map(\.outageId))
          remember()
          tellFreshness()
          done(.success(outcome))
        }
      }
    }
  }

  /// A feed has said again what it said before.
  func confirm(_ feed: FeedConfiguration, at moment: Timestamp) {
    control.withPublisher { [self] publisher in
      guard memory.feeds[feed.name] != nil else { return }
      memory.feeds[feed.name]?.measure.confirmedAt = moment
      tellFreshness()
    }
  }

  // MARK: On the control thread

  private func together(_ shares: [String: [Outage]]) -> [Outage] {
    let names = runners.withLock { $0 }.map { $0.configuration.name }
    let parts = names.compactMap { shares[$0] }
    guard parts.count > 1 else { return parts.first ?? [] }
    var ids: Set<String> = []
    var doubleCount = 0
    let outages = parts.joined().filter {
      let isFirst = ids.insert($0.outageId).inserted
      if !isFirst { doubleCount += 1 }
      return isFirst
    }
    if doubleCount > 0 {
      log.warning(
        "outages of several feeds have one id: the first feed's are taken",
        metadata: ["outages": "\(doubleCount)"])
    }
    return outages
  }

  /// The layer is as old as the feed that has been silent longest.
  private func tellFreshness() {
    let ages = runners.withLock { $0 }.compactMap { runner -> (Timestamp, Timestamp)? in
      guard let at = memory.feeds[runner.configuration.name]?.measure.confirmedAt else { return nil }
      return (at, at.adding(seconds: Int64(runner.configuration.staleAfterSeconds)))
    }
    guard let asOf = ages.map(\.0).min(), let staleAt = ages.map(\.1).min() else { return }
    control.confirm(LayerFreshness(asOf: asOf, staleAt: staleAt), ofLayer: memory.layer)
  }

  private func remember() {
    do {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys]
      try encoder.encode(memory).write(to: URL(fileURLWithPath: memoryFile), options: .atomic)
    } catch {
      log.error(
        "feeds.json not written: after a restart each feed is read anew", metadata: ["error": "\(error)"])
    }
  }

  /// Finds out which of the served outages are whose.
  private func recall(_ table: OutageTable) {
    guard let data = FileManager.default.contents(atPath: memoryFile),
      let memory = try? JSONDecoder().decode(Memory.self, from: data), memory.layer == table.layer?.number
    else { return }
    self.memory = memory
    let outages = Dictionary(table.outages.map { ($0.outageId, $0) }) { first, _ in first }
    for (name, feed) in memory.feeds { shares[name] = feed.outageIds.compactMap { outages[$0] } }
  }
}

/// Why `LAYER.ACCEPT` did nothing.
struct FeedFailure: Error, CustomStringConvertible {
  let description: String
  init(_ error: any Error) {
    description = "\(error)".split(whereSeparator: \.isNewline).joined(separator: "; ")
  }
}

/// One feed on a thread of its own, whose priority is as low as the control thread's.
final class FeedRunner: @unchecked Sendable {
  let configuration: FeedConfiguration
  private let desk: FeedDesk
  private let log: Logger
  private let clock: @Sendable () -> Timestamp
  private let thread: ControlThread
  private let sharedStatus: Mutex<FeedStatus>
  /// The thread's.
  private let feed: Feed
  private var toldHold: String?

  init(
    _ configuration: FeedConfiguration, memory: FeedMemory?, _ scratchDirectory: String, _ desk: FeedDesk,
    _ log: Logger,
    _ clock: @escaping @Sendable () -> Timestamp
  ) {
    self.configuration = configuration
    self.desk = desk
    self.clock = clock
    var log = log
    log[metadataKey: "feed"] = "\(configuration.name)"
    self.log = log
    let start = ContinuousClock.now
    // What fetches a snapshot may be another program, or threads that stay: they do not stand back.
    feed = Feed(
      configuration, memory: memory, scratchDirectory: scratchDirectory,
      reading: { [behind = desk.behind] in behind.during($0) },
      monotonicSeconds: { (ContinuousClock.now - start) / .seconds(1) })
    sharedStatus = Mutex(feed.status)
    thread = ControlThread(
      name: "feed \(configuration.name)", niceness: ControlThread.layerNiceness, isWaitedFor: true)
  }

  /// From any thread.
  var status: FeedStatus { sharedStatus.withLock { $0 } }

  func start() { thread.submit { [self] in look() } }
  func stop() { thread.stop() }

  func accept(_ reply: @escaping @Sendable (Result<String, FeedFailure>) -> Void) {
    thread.submit { [self] in
      do throws(FeedError) {
        let layer = try feed.accept(at: clock())
        log.warning("held layer accepted by hand", metadata: ["source": "\(layer.source)"])
        publish(layer) { reply($0) }
      } catch {
        reply(.failure(FeedFailure(error)))
      }
      tell()
    }
  }

  // MARK: On the feed's thread

  private func look() {
    let event = feed.look(at: clock())
    for note in feed.takeNotes() { log.notice("\(note)") }
    switch event {
    case .nothing: lookAgain()
    case .confirmed(let moment):
      desk.confirm(configuration, at: moment)
      lookAgain()
    case .held(let hold, let text):
      if toldHold != hold.rawValue + text {
        log.error("snapshot held", metadata: ["guard": "\(hold.rawValue)", "found": "\(text)"])
      }
      toldHold = hold.rawValue + text
      lookAgain()
    case .layer(let layer):
      publish(layer) { [self] _ in thread.submit { [self] in lookAgain() } }
    }
    if feed.status.hold == nil { toldHold = nil }
    tell()
  }

  private func publish(
    _ layer: FeedLayer, _ done: @escaping @Sendable (Result<String, FeedFailure>) -> Void
  ) {
    desk.publish(layer, of: configuration) { [self] result in
      thread.submit { [self] in
        switch result {
        case .success(let outcome):
          feed.didPublish(layer)
          log.info(
            "snapshot published",
            metadata: [
              "source": "\(layer.source)", "layer": "\(outcome.version?.number ?? 0)",
              "outages": "\(layer.measure.outages)", "readMilliseconds": "\(Int(layer.readMilliseconds))",
              "publishMilliseconds": "\(Int(outcome.timings.reduce(0) { $0 + $1.milliseconds }))",
            ])
        case .failure(let error): feed.didNotPublish(layer, error, at: clock())
        }
        tell()
        done(result.map { $0.json() }.mapError(FeedFailure.init))
      }
    }
  }

  private func lookAgain() {
    let wait = FeedPace.wait(for: configuration, failures: feed.failures, random: .random(in: 0...1))
    thread.schedule(afterSeconds: wait) { [self] in look() }
  }

  private func tell() {
    let status = feed.status
    sharedStatus.withLock { $0 = status }
  }
}
