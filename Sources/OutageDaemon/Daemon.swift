// The daemon from start to end: lock, store, sockets, signals, drain.

import EventLog
import CMemory
import DiskPace
import Foundation
import LayerStore
import Logging
import OutageModel
import Reactor
import Synchronization
import SystemThreads
import UnixSignals
import WireProtocol

/// Where a daemon finds and offers things.
public struct DaemonOptions: Sendable {
  public var directory: String
  public var querySocket: String
  public var adminSocket: String
  public var feedSocket: String
  public var configurationFile: String?
  /// Take lock and sockets from the daemon that serves the directory, if one does.
  public var takesOver = false

  /// - Parameters:
  ///   - querySocket: `DIR/query.sock` if `nil`.
  ///   - adminSocket: `DIR/admin.sock` if `nil`.
  ///   - feedSocket: `DIR/feed.sock` if `nil`.
  public init(
    directory: String, querySocket: String?, adminSocket: String?, feedSocket: String? = nil,
    configurationFile: String?
  ) {
    self.directory = directory
    self.querySocket = querySocket ?? directory + "/query.sock"
    self.adminSocket = adminSocket ?? directory + "/admin.sock"
    self.feedSocket = feedSocket ?? directory + "/feed.sock"
    self.configurationFile = configurationFile
  }
}

/// The version that `HELLO`, `INFO` and `--version` tell.
public let outagedVersion = "0.1.0"

/// Serves one data directory until it is told to stop.
public struct Daemon: Sendable {
  private let options: DaemonOptions
  private let log: Logger

  /// From SIGTERM to the last connection's end, at most.
  public static let drainMilliseconds: Int64 = 4_000
  /// For so long the reading and building of a layer and the telling of its changes stand back behind callers.
  static let patienceSeconds = 20.0
  /// What is written to the store, the log of changes and the reports' file in a second, at most, while many callers are asking.
  static let mebibytesPerSecond = 24.0

  public init(options: DaemonOptions, log: Logger) {
    self.options = options
    self.log = log
  }

  /// Listens, loads and serves; returns after SIGTERM or SIGINT, when all that was asked is answered.
  /// - Parameter ready: called once when queries are answered.
  /// - Throws: `ConfigurationError`, `SpeechError`, `DirectoryInUse`, `StoreError`, `ReactorError`.
  public func run(ready: @escaping @Sendable () -> Void = {}) async throws {
    OpenFileLimit.raise()
    cmemory_map_large_blocks()
    let configuration = try readConfiguration()
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
    let notifier = SystemdNotifier()
    let takeover = options.takesOver ? try Takeover(adminSocket: options.adminSocket) : nil
    if options.takesOver && takeover == nil { log.notice("nobody serves there: starting without a takeover") }
    let snapshot = SnapshotReading(TerritorySnapshot.path(in: options.directory))
    let callers = CallerWatch()
    let behind = StandingBack(patienceSeconds: Self.patienceSeconds) { callers.areMany }
    let pace = WritingPace(mebibytesPerSecond: Self.mebibytesPerSecond) { !callers.areMany }
    let store = try LayerStore(
      directory: options.directory, keepLayers: configuration.keepLayers, pace: pace)
    let lock =
      if let takeover {
        InstanceLock(adopting: takeover.lockDescriptor)
      } else {
        try InstanceLock(directory: options.directory)
      }

    let control = try ControlPlane(
      directory: options.directory, store: store, configuration: configuration, behind: behind, log: log,
      clock: systemClock)
    let desk = try ReportDesk(
      directory: options.directory, settings: configuration.reports, pace: pace, log: log, clock: systemClock)
    let feed = try ChangeFeed(
      directory: options.directory, settings: configuration.changes, pace: pace, behind: behind, desk: desk,
      log: log, clock: systemClock)
    let monitor = SuspicionMonitor(
      configuration: configuration.suspected, clock: systemClock, log: log,
      serve: { control.serveSuspected($0, $1) })
    desk.journal.observe { monitor.take($0) }
    monitor.restart(configuration.suspected, journal: desk.journal)
    control.observe { territory, now, store in
      monitor.take(territory)
      feed.serve(territory, store: store)
      desk.match(territory, at: now)
    }
    let layerFeeds = try FeedDesk(
      directory: options.directory, control: control, behind: behind, log: log, clock: systemClock)
    control.feeds = layerFeeds
    let source = FigureSource(options, control: control, reports: desk, changes: feed, suspicion: monitor)
    let reactor = try startReactor(configuration, control, desk, feed, source, callers)
    let metrics = MetricsService(source: source, log: log)
    if takeover == nil { metrics.offer(at: configuration.metricsAddress) }
    let listeners = try Listeners(options, takeover: takeover)
    // Callers are told LOADING until the Territory is there, which is better than to be refused; but where another process answers still,
    // they are left to that one.
    if takeover == nil { try listeners.add(to: reactor) }
    let ending = Shared(Ending())
    control.handover.withLock {
      $0 = Handover(
        descriptors: [("lock", lock.descriptor)] + listeners.named.map { ($0, $1.descriptor) },
        isFrozen: { feed.freeze($0) },
        committed: {
          ending.value.withLock { $0.leavesSockets = true }
          kill(getpid(), SIGTERM)
        })
    }
    control.start(reactor, snapshot) { [options, log] error in
      do {
        if let error { throw error }
        if let takeover {
          try listeners.add(to: reactor)
          try takeover.commit()
          metrics.offer(at: configuration.metricsAddress)
          lock.nameHolder()
          feed.lookAgain(afterSeconds: Self.drainMilliseconds / 1000 + 1)
        }
      } catch {
        ending.value.withLock {
          $0.error = error
          // The process that was to be taken over serves on.
          $0.leavesSockets = takeover != nil
        }
        log.critical("the store cannot be served", metadata: ["error": "\(error)"])
        kill(getpid(), SIGTERM)
        return
      }
      log.info("serving", metadata: ["socket": "\(options.querySocket)", "data": "\(options.directory)"])
      notifier.notify(.ready, status: "serving \(options.querySocket)", mainProcess: takeover != nil)
      layerFeeds.start(configuration.feeds)
      ready()
    }

    for await signal in signals {
      guard signal == .sighup else { break }
      notifier.notify(.reloading, status: "reading the configuration")
      do {
        let configuration = try readConfiguration()
        control.reload(configuration)
        desk.reconfigure(configuration.reports)
        feed.reconfigure(configuration.changes)
        monitor.restart(configuration.suspected, journal: desk.journal)
        metrics.offer(at: configuration.metricsAddress)
      } catch {
        log.error("configuration kept as it was", metadata: ["error": "\(error)"])
      }
      notifier.notify(.ready, status: "serving \(options.querySocket)")
    }

    let ended = ending.value.withLock { $0 }
    log.info(ended.leavesSockets ? "handed over, draining" : "draining")
    // The main process is another one then, and whatever becomes of this one is not the service's state.
    if !ended.leavesSockets { notifier.notify(.stopping, status: "draining") }
    // A process that takes over waits for the address.
    metrics.stop()
    layerFeeds.stop()
    feed.drain()
    reactor.drain(withinMilliseconds: Self.drainMilliseconds, acceptingQueued: !ended.leavesSockets)
    reactor.join()
    listeners.close(removingFiles: !ended.leavesSockets)
    monitor.stop()
    control.stop(keepingSnapshot: !ended.leavesSockets)
    feed.stop()
    desk.stop()
    _ = lock
    if let error = ended.error { throw error }
    log.info("stopped")
  }

  private struct Ending {
    var error: (any Error)?
    /// Another process serves on with the same sockets.
    var leavesSockets = false
  }

  private func readConfiguration() throws(ConfigurationError) -> DaemonConfiguration {
    guard let file = options.configurationFile else { return DaemonConfiguration() }
    return try DaemonConfiguration(file: file)
  }

  private func startReactor(
    _ configuration: DaemonConfiguration, _ control: ControlPlane, _ desk: ReportDesk, _ feed: ChangeFeed,
    _ source: FigureSource, _ callers: CallerWatch
  ) throws(ReactorError) -> Reactor {
    var limits = ReactorLimits()
    limits.connectionsMax = configuration.maxConnections
    limits.requestMilliseconds = Int64(configuration.halfRequestTimeoutSeconds) * 1000
    limits.writeStallMilliseconds = Int64(configuration.unreadReplyTimeoutSeconds) * 1000
    let parser = CommandParser()
    let loopCount = configuration.eventLoops ?? min(64, ProcessInfo.processInfo.activeProcessorCount)
    let initialState = control.initialState
    let services = Services(
      admin: { control.carryOut($0, for: $1, on: $2) }, report: { desk.take($0, from: $1, on: $2) },
      metrics: { MetricsReport.text(source.figures) },
      feed: { feed.carryOut($0, $1, for: $2, on: $3) }, feedIsGone: { feed.forget($0) })
    return try Reactor(loopCount: loopCount, limits: limits) { loop in
      callers.add(loop.counters)
      let counters = RequestCounters()
      source.add(DaemonFigures.Loop(counters: loop.counters, requests: counters))
      let responder = QueryResponder(
        state: initialState, parser: parser, identity: ServerIdentity(version: outagedVersion),
        counters: counters, information: { InfoReport(figures: source.figures).text($0) })
      return SocketHandler(loop: loop, responder: responder, parser: parser, services: services)
    }
  }
}

/// The current moment by the system's clock.
public let systemClock: @Sendable () -> Timestamp = {
  var time = timespec()
  clock_gettime(CLOCK_REALTIME, &time)
  return Timestamp(millisecondsSinceEpoch: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
}

/// A value behind a lock, for closures to share.
private final class Shared<Value>: Sendable {
  let value: Mutex<Value>

  init(_ value: sending Value) { self.value = Mutex(value) }
}
