// Keeps the snapshot file up with what is served, behind everything else that the daemon does.

import CMemory
import CallerAnswer
import DiskPace
import Foundation
import LayerStore
import Logging
import Synchronization
import Territory

/// Writes the newest Territory that it was given, on a thread of its own.
///
/// One that comes while it writes another ends that, so that no older Territory than the one that is served is kept in memory. But for the first one, it
/// begins when no other has come for a while, as they often come one soon after another; it waits a minute at most.
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
  private let pace = WritingPace()

  private struct State: Sendable {
    var wish: Wish?
    var hasCome = false
    var isWriting = false
    /// When the first Territory came since which none was written.
    var unwrittenSince: ContinuousClock.Instant?
  }

  private let state = Mutex(State())

  /// A layer that is replaced within this time is not written: the disk is not to be busy with each.
  static let restSeconds = 10.0
  /// When none was written for this time, the next one does not wait, and is written to its end.
  static let overdueSeconds = 60.0

  init(path: String, store: LayerStore, log: Logger) {
    self.path = path
    self.store = store
    self.log = log
  }

  /// Has the Territory written soon.
  /// - Parameter rendered: what is said of its outages.
  func keep(_ territory: Territory, _ versions: TerritoryVersions, _ rendered: RenderedOutages?) {
    let (isOverdue, isAtOnce) = state.withLock { state in
      state.wish = Wish(territory: territory, versions: versions, rendered: rendered)
      let since = state.unwrittenSince ?? .now
      let isOverdue = .now - since > .seconds(Self.overdueSeconds)
      defer { (state.hasCome, state.unwrittenSince) = (true, since) }
      return (isOverdue, !state.hasCome || isOverdue && !state.isWriting)
    }
    if !isOverdue { pace.isGivenUp = true }
    thread.schedule(afterSeconds: isAtOnce ? 0 : Self.restSeconds) { [self] in write() }
  }

  /// Has what is served of a snapshot moved to huge pages, where the system has any.
  func moveToHugePages(_ file: MappedFile) {
    if MappedFile.isWorthMoving { thread.submit { file.moveToHugePages() } }
  }

  /// Ends the thread; what is not written by then is not.
  func stop() { thread.stop() }

  /// Writes what is still to be written, without pauses from now on, and returns when that is done. From any thread but its own.
  func flush() {
    pace.isHurried = true
    defer { pace.isHurried = false }
    let isDone = DispatchSemaphore(value: 0)
    thread.submit { [self] in
      write()
      isDone.signal()
    }
    isDone.wait()
  }

  private func write() {
    defer { state.withLock { $0.isWriting = false } }
    guard writeWish() else { return }
    // What follows takes its time; the Territory that was written may be the one before by then, and is held no more.
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
  }

  /// Writes the Territory that was wished for last.
  /// - Returns: whether that has ended, well or not; not so where none was wished for, or another has come meanwhile.
  private func writeWish() -> Bool {
    pace.isGivenUp = false
    let next = state.withLock { state in
      defer { (state.isWriting, state.wish) = (state.wish != nil, nil) }
      return state.wish
    }
    guard let next else { return false }
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
    } catch  where pace.isGivenUp {
      // Another has come, or this one itself just now; its turn is set.
      state.withLock { if $0.wish == nil { $0.wish = next } }
      return false
    } catch {
      log.warning("snapshot not written; the next start reads the store", metadata: ["error": "\(error)"])
    }
    state.withLock { $0.unwrittenSince = $0.wish == nil ? nil : .now }
    return true
  }
}
