// Keeps the snapshot file up with what is served, behind everything else that the daemon does.

import CMemory
import CallerAnswer
import Foundation
import LayerStore
import Logging
import Synchronization
import Territory

/// Writes the newest Territory that it was given, on a thread of its own. Of several that come while it writes or rests, the last one is written.
final class SnapshotKeeper: Sendable {
  private struct Wish: Sendable {
    var territory: Territory
    var versions: TerritoryVersions
    var rendered: RenderedOutages?
  }

  private let path: String
  private let store: LayerStore
  private let log: Logger
  private let thread = ControlThread(name: "snapshot", niceness: 15)
  private let wish = Mutex<Wish?>(nil)
  private let lastEnd = Mutex<ContinuousClock.Instant?>(nil)
  private let pace = WritingPace()

  /// Between two writings, so that a layer that changes every few seconds does not keep the disk busy.
  static let restSeconds = 10.0

  init(path: String, store: LayerStore, log: Logger) {
    self.path = path
    self.store = store
    self.log = log
  }

  /// Has the Territory written soon.
  /// - Parameter rendered: what is said of its outages.
  func keep(_ territory: Territory, _ versions: TerritoryVersions, _ rendered: RenderedOutages?) {
    wish.withLock { $0 = Wish(territory: territory, versions: versions, rendered: rendered) }
    let rest = lastEnd.withLock { $0.map { Self.restSeconds - (.now - $0) / .seconds(1) } ?? 0 }
    thread.schedule(afterSeconds: rest) { [self] in write() }
  }

  /// Ends the thread; what is not written by then is not.
  func stop() { thread.stop() }

  /// Writes what is still to be written, without pauses from now on, and returns when that is done. From any thread but its own.
  func flush() {
    pace.hurry(true)
    defer { pace.hurry(false) }
    let isDone = DispatchSemaphore(value: 0)
    thread.submit { [self] in
      write()
      isDone.signal()
    }
    isDone.wait()
  }

  private func write() {
    let next = wish.withLock { wish in
      defer { wish = nil }
      return wish
    }
    guard let next else { return }
    let start = ContinuousClock.now
    do {
      let byteCount = try TerritorySnapshot.write(
        next.territory, next.versions, next.rendered, to: path, at: pace)
      log.debug(
        "snapshot written",
        metadata: [
          "file": "\(path)", "bytes": "\(byteCount)",
          "milliseconds": "\(Int((ContinuousClock.now - start) / .milliseconds(1)))",
        ])
    } catch {
      log.warning("snapshot not written; the next start reads the store", metadata: ["error": "\(error)"])
    }
    do {
      try store.clearDroppedLayers()
    } catch {
      log.warning("room of dropped layers not given back", metadata: ["error": "\(error)"])
    }
    // The next start would read the store's log through.
    store.bringLogIn()
    store.releaseMemory()
    // By now nobody holds the Territory before: the feed of changes has moved on, too.
    cmemory_give_back()
    lastEnd.withLock { $0 = .now }
  }
}
