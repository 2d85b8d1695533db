// The daemon's slow half: publishes, roll-backs, renderings, and the swap of what the event loops answer from.

import CMemory
import CallerAnswer
import Feeds
import Foundation
import LayerImport
import LayerStore
import Logging
import OutageModel
import Reactor
import Synchronization
import SystemThreads
import Territory
import WireProtocol

/// Everything here but `summary` and `stop` happens on the control thread; that, and not a lock, makes it safe to share.
final class ControlPlane: @unchecked Sendable {
  /// What `INFO` tells of the territory; read from any thread.
  struct Summary: Sendable {
    var status: StatusReport.Served?
    var asOf: Timestamp?
    var publishCount = 0
    var failedPublishCount = 0
    /// Of all publishes; the last loop's taking the new layer included.
    var publishSeconds = 0.0
    var lastPublishSeconds = 0.0
    var lastError: String?
    var startedAt: Timestamp
  }

  let summary: Mutex<Summary>
  let thread: ControlThread
  let directory: String
  let publisher: Publisher
  let snapshots: SnapshotKeeper
  let clock: @Sendable () -> Timestamp
  let log: Logger
  var configuration: DaemonConfiguration
  private var settings: AnswerSettings
  private var state: ServedState
  private var servicePointsOut = 0
  /// What reports tell of and the OMS does not; served beside its layer, and not stored.
  private var suspected: [Outage] = []
  /// The Territory with both, and the one without that it was built from.
  private var withSuspected: (base: Territory, territory: Territory)?
  var reactor: Reactor?
  private var settingsChanged = false
  private var confirmation: (layerNumber: Int, freshness: LayerFreshness)?
  /// Set before the control thread has anything to do.
  var feeds: FeedDesk?

  init(
    directory: String, store: LayerStore, configuration: DaemonConfiguration, behind: StandingBack,
    log: Logger, clock: @escaping @Sendable () -> Timestamp
  ) throws {
    thread = ControlThread(
      name: "control", niceness: ControlThread.layerNiceness, isWaitedFor: true, behind: behind)
    self.directory = directory
    self.configuration = configuration
    self.clock = clock
    self.log = log
    settings = try configuration.answerSettings()
    publisher = Publisher(store: store, clock: clock)
    snapshots = SnapshotKeeper(
      path: TerritorySnapshot.path(in: directory), store: store, log: log)
    state = ServedState(
      sheet: nil, nearMetres: configuration.nearMetres, defaultCountryCode: configuration.defaultCountryCode)
    summary = Mutex(Summary(startedAt: clock()))
  }

  /// Called with the Territory of each rendering, which is one after each publish and one whenever the clock has changed something: on the
  /// control thread, so that it should only hand it on. Set before `start`.
  private let didRender = Mutex<[@Sendable (Territory, Timestamp, LayerStore) -> Void]>([])

  func observe(_ observer: @escaping @Sendable (Territory, Timestamp, LayerStore) -> Void) {
    didRender.withLock { $0.append(observer) }
  }

  /// Set before anything is served: what a takeover gets, and what is done when it has it.
  let handover = Mutex<Handover?>(nil)
  /// The connection of the process that takes over; on the control thread only.
  var successor: ConnectionID?

  /// What a loop answers with until it is told of another.
  var initialState: ServedState { state }

  /// Takes the snapshot, or builds the Territory of what is stored, and serves it.
  /// - Parameters:
  ///   - snapshot: the file as it is being read.
  ///   - done: called on the control thread, with the error if it cannot be built.
  func start(
    _ reactor: Reactor, _ snapshot: SnapshotReading, _ done: @escaping @Sendable ((any Error)?) -> Void
  ) {
    thread.submit { [self] in
      self.reactor = reactor
      var needsSnapshot = false
      do {
        if let problem = try publisher.load(snapshot: snapshot) {
          log.notice("built from the store, as the snapshot is of no use", metadata: ["reason": "\(problem)"])
          needsSnapshot = true
        }
        countServicePointsOut()
        let file = publisher.mappedSnapshot
        render(keepingSnapshot: needsSnapshot) { [thread, snapshots] in
          thread.submit {
            done(nil)
            if let file { snapshots.moveToHugePages(file) }
          }
        }
        (publisher.renderedBefore, publisher.mappedSnapshot) = (nil, nil)
      } catch {
        done(error)
      }
    }
  }

  /// Serves these suspected outages from now on, in place of those before.
  /// - Parameter done: called on the control thread with the time that it took.
  func serveSuspected(_ outages: [Outage], _ done: @escaping @Sendable (Duration) -> Void) {
    thread.submit { [self] in
      suspected = outages
      withSuspected = nil
      let start = ContinuousClock.now
      render {}
      done(.now - start)
    }
  }

  /// Ends the threads. The loops must have ended.
  /// - Parameter keepingSnapshot: whether to bring the snapshot up to what was served first.
  func stop(keepingSnapshot: Bool) {
    thread.stop()
    if keepingSnapshot { snapshots.flush() }
    snapshots.stop()
  }

  /// Runs `work` on the control thread, where the publisher may be used: to hang something on what it does, or to look at what it has.
  func withPublisher(_ work: @escaping @Sendable (Publisher) -> Void) {
    thread.submit { [self] in work(publisher) }
  }

  /// Publishes a layer that was read already: a feed's way in.
  /// - Parameters:
  ///   - next: called on the control thread with the outages that are current; gives all outages of the next layer, or `nil` if there is nothing to do.
  ///   - source: what `outaged status` names as the layer's origin.
  ///   - sha256: of what was read, lower-case hexadecimal.
  ///   - done: called when no loop answers from the old layer any more, or with the error; with `nil` where there was nothing to do.
  func publish(
    source: String, sha256: String, _ next: @escaping @Sendable ([Outage]) throws -> [Outage]?,
    done: @escaping @Sendable (Result<PublishOutcome?, any Error>) -> Void
  ) {
    thread.submit { [self] in
      do {
        try checkNoHandover()
        guard let outages = try next(publisher.territory.outages.outages) else { return done(.success(nil)) }
        let outcome = try publisher.publish(outages, source: source, sha256: sha256)
        serve(outcome) { done(.success($0)) }
      } catch {
        noteFailure(error, "layer not published")
        done(.failure(error))
      }
    }
  }

  /// Counts the served layer's age from what its feeds last confirmed, for as long as that layer is served.
  func confirm(_ freshness: LayerFreshness, ofLayer number: Int) {
    thread.submit { [self] in
      guard publisher.territory.outages.layer?.number == number else { return }
      confirmation = (number, freshness)
      render {}
    }
  }

  /// Takes a new configuration; the old one stays if this one cannot be used.
  func reload(_ configuration: DaemonConfiguration) {
    thread.submit { [self] in
      do {
        settings = try configuration.answerSettings()
        self.configuration = configuration
        settingsChanged = true
        feeds?.apply(configuration.feeds)
        render {}
        log.info("configuration reloaded")
      } catch {
        log.error("configuration kept as it was", metadata: ["error": "\(error)"])
      }
    }
  }

  // MARK: On the control thread

  @discardableResult
  func noteFailure(_ error: any Error, _ message: Logger.Message) -> String {
    let text = "\(error)"
    summary.withLock {
      $0.failedPublishCount += 1
      $0.lastError = text
    }
    log.error(message, metadata: ["error": "\(text)"])
    return text
  }

  /// - Parameter done: called when no loop answers from the old layer any more, with the time that this took among the others.
  func serve(_ outcome: PublishOutcome, _ done: @escaping @Sendable (PublishOutcome) -> Void) {
    servicePointsOut = outcome.difference.servicePointsOut
    summary.withLock { $0.publishCount += 1 }
    log.info(
      "layer published",
      metadata: [
        "version": "\(outcome.version?.number ?? 0)", "outages": "\(publisher.territory.outages.count)",
        "servicePointsOut": "\(servicePointsOut)",
      ])
    let start = ContinuousClock.now
    render(keepingSnapshot: true) { [self] in
      var outcome = outcome
      outcome.timings.append(PhaseTiming("render and swap", .now - start))
      let seconds = outcome.timings.reduce(0) { $0 + $1.milliseconds } / 1000
      summary.withLock {
        $0.publishSeconds += seconds
        $0.lastPublishSeconds = seconds
      }
      done(outcome)
    }
  }

  private func keepSnapshot() {
    // Suspected outages are not kept, and their texts are numbered otherwise.
    let rendered = state.sheet.flatMap { $0.territory === publisher.territory ? $0.rendered : nil }
    snapshots.keep(publisher.territory, publisher.versions, rendered)
  }

  func countServicePointsOut() {
    servicePointsOut = publisher.territory.servicePointsOut(at: clock())
  }

  /// Renders the current Territory for this moment, has every loop take it, and sets the clock for the next time.
  /// - Parameters:
  ///   - keepingSnapshot: has the snapshot written: set on its way before anybody is answered from it, who may end the daemon then.
  ///   - done: called when no loop answers from the old one any more.
  func render(keepingSnapshot: Bool = false, _ done: @escaping @Sendable () -> Void) {
    guard let reactor else { return }
    let now = clock()
    let territory = territoryWithSuspected()
    let layer = publisher.territory.outages.layer
    let freshness = confirmation.flatMap { $0.layerNumber == layer?.number ? $0.freshness : nil }
    let sheet =
      state.sheet.flatMap {
        $0.territory === territory && !settingsChanged
          ? AnswerSheet($0, confirmedBy: freshness, at: now) : nil
      }
      ?? AnswerSheet(
        territory: territory, settings: settings, freshness: freshness, at: now,
        rendered: state.sheet?.rendered ?? publisher.renderedBefore,
        // Before the first there is nobody to be disturbed.
        sideBySide: state.sheet == nil)
    settingsChanged = false
    let hasNewTerritory = state.sheet?.territory !== sheet.territory
    let retired = RetiredState(state)
    let next = ServedState(
      sheet: sheet, nearMetres: configuration.nearMetres, defaultCountryCode: configuration.defaultCountryCode
    )
    state = next
    if keepingSnapshot { keepSnapshot() }
    let (served, asOf) = (served(), freshness?.asOf ?? layer?.publishedAt)
    let left = LoopCount(reactor.loops.count)
    for loop in reactor.loops {
      loop.submit { [self] loop in
        (loop.handler as? SocketHandler)?.serve(next)
        guard left.decrement() == 0 else { return }
        // The last reference to the old state goes there and not on a loop, which has better things to do than to free it; and before whoever is
        // told now can ask for the next layer, which would have to be built beside it.
        thread.submit {
          retired.release()
          if hasNewTerritory { cmemory_give_back() }
        }
        // Told when it is so: whoever reads that nothing is being loaded is answered by every loop.
        summary.withLock {
          $0.status = served
          $0.asOf = asOf
        }
        done()
      }
    }
    for observer in didRender.withLock({ $0 }) { observer(publisher.territory, now, publisher.store) }
    let wait = sheet.validUntil.seconds(since: now)
    thread.schedule(afterSeconds: wait) { [self] in render {} }
  }

  /// Joins the suspected outages to the OMS's, which stay as they are joined.
  private func territoryWithSuspected() -> Territory {
    let base = publisher.territory
    if suspected.isEmpty { return base }
    if let withSuspected, withSuspected.base === base { return withSuspected.territory }
    let territory = Territory(
      servicePoints: base.servicePoints,
      outages: OutageTable(layer: base.outages.layer, outages: base.outages.outages + suspected),
      previous: base)
    withSuspected = (base, territory)
    return territory
  }

  func served() -> StatusReport.Served {
    let territory = publisher.territory
    return StatusReport.Served(
      layerNumber: territory.outages.layer?.number, addressNumber: territory.servicePoints.addressVersion,
      servicePoints: territory.servicePoints.rowCount, servicePointsOut: servicePointsOut,
      outages: territory.outages.count, isStale: state.sheet?.isStale ?? true,
      territoryBytes: territory.byteCount, processId: Int(getpid()))
  }
}

/// Holds a state until it is released. Closures that are dropped on a loop hold this, and not the state.
private final class RetiredState: Sendable {
  private let state: Mutex<ServedState?>

  init(_ state: ServedState) { self.state = Mutex(state) }

  func release() { state.withLock { $0 = nil } }
}

/// Counts loops down from any thread.
private final class LoopCount: Sendable {
  private let left: Mutex<Int>

  init(_ count: Int) { left = Mutex(count) }

  func decrement() -> Int {
    left.withLock {
      $0 -= 1
      return $0
    }
  }
}
