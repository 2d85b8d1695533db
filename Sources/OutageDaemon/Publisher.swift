// Brings layers and addresses from files into the store, and builds the Territory that serves them.

import CallerAnswer
import Foundation
import LayerImport
import LayerStore
import OutageModel
import PointLocation
import SystemThreads
import Territory

/// What a publish or a roll-back did, or would do.
public struct PublishOutcome: Sendable {
  /// `nil` for a dry run.
  public var version: LayerVersion?
  /// The number of the layer that was served before; `nil` if there was none.
  public var previousNumber: Int?
  public var difference: TerritoryDifference
  /// Of the file; `nil` for a roll-back.
  public var report: ImportReport?
  public var timings: [PhaseTiming]
}

/// How long a part of the work took, beyond those before it: the store works beside the index.
public struct PhaseTiming: Sendable, Encodable {
  public var phase: String
  public var milliseconds: Double

  init(_ phase: String, _ duration: Duration) {
    self.phase = phase
    milliseconds = (duration / .seconds(1) * 1e6).rounded() / 1e3
  }
}

/// The slow path, for one data directory: import, store, build. It knows nothing of sockets, so that the command line uses it where no daemon
/// runs. Used on one thread at a time.
public final class Publisher {
  public let store: LayerStore
  public private(set) var territory = Territory() {
    didSet { territory.shareCoordinates() }
  }
  /// Of what the Territory was made.
  public private(set) var versions = TerritoryVersions(addresses: nil, outages: nil)
  /// What the snapshot that the Territory was taken from says of its outages; for the first rendering to take.
  public var renderedBefore: RenderedOutages?
  /// Where the snapshot lies that the Territory was taken from; for whoever moves it to huge pages.
  var mappedSnapshot: MappedFile?
  private let clock: () -> Timestamp
  /// Of the layer that was read last: most of it is in the next one too.
  private var memory = LayerMemory()

  /// - Parameter clock: the current moment; a version's own is taken in whole seconds.
  public init(store: LayerStore, clock: @escaping () -> Timestamp) {
    self.store = store
    self.clock = {
      let seconds = clock().millisecondsSinceEpoch / 1000
      return Timestamp(secondsSinceEpoch: seconds)
    }
  }

  /// Takes the Territory from a snapshot file where that is the store's current state, and builds it of what the store holds otherwise.
  /// - Parameter snapshot: the file as it is being read; `nil` to build without one.
  /// - Returns: why a snapshot was not used; `nil` if it was, or was not to be.
  @discardableResult
  public func load(snapshot: SnapshotReading? = nil) throws -> SnapshotError? {
    versions = TerritoryVersions(
      addresses: try store.currentVersion(of: .addresses), outages: try store.currentVersion(of: .outages))
    var problem: SnapshotError?
    if let snapshot {
      do throws(SnapshotError) {
        let content = try snapshot.content(expecting: versions)
        territory = content.territory
        renderedBefore = content.rendered
        mappedSnapshot = content.file
        return nil
      } catch {
        problem = error
      }
    }
    // Nothing is served yet that would have to share them.
    let processors = Processors(count: ProcessInfo.processInfo.activeProcessorCount, perform: concurrently)
    territory = Territory(servicePoints: try loadServicePoints(), outages: try loadOutages(), processors)
    return problem
  }

  /// Takes over the store's current address load, with the outage layer that is served.
  /// - Returns: whether there was a new one.
  public func reloadAddresses() throws -> Bool {
    let current = try store.currentVersion(of: .addresses)
    guard current?.number ?? 0 != territory.servicePoints.addressVersion else { return false }
    let next = Territory(servicePoints: try loadServicePoints(), outages: territory.outages)
    versions.addresses = current
    territory = next
    return true
  }

  /// Reads an outage layer and, unless it is a dry run, stores it and makes it the Territory's.
  /// - Throws: `ImportError` or `StoreError`; the Territory stays as it is.
  public func publish(
    file: String, options: ImportOptions, isDryRun: Bool, progress: (ImportProgress) -> Void = { _ in }
  ) throws -> PublishOutcome {
    var timer = PhaseTimer()
    let (outages, report) = try LayerImporter.readOutages(
      file, options: options, memory: &memory, progress: progress)
    timer.end("read, check and repair")
    return try publish(
      outages, report: report, isDryRun: isDryRun, &timer,
      commit: storing(source: (file as NSString).lastPathComponent, sha256: report.sha256))
  }

  /// Stores a layer that was read already, such as a feed's, and makes it the Territory's.
  /// - Parameters:
  ///   - outages: ids are unique, areas valid and not empty.
  ///   - source: what `outaged status` names as the layer's origin.
  ///   - sha256: of what was read, lower-case hexadecimal.
  /// - Throws: `StoreError`; the Territory stays as it is.
  public func publish(_ outages: [Outage], source: String, sha256: String) throws -> PublishOutcome {
    var timer = PhaseTimer()
    return try publish(
      outages, report: nil, isDryRun: false, &timer, commit: storing(source: source, sha256: sha256))
  }

  /// Stores the outages of a table that takes the place of the current one.
  private func storing(
    source: String, sha256: String
  ) -> @Sendable (OutageTable) throws(StoreError) -> LayerVersion {
    let (store, current, now) = (store, territory.outages, clock())
    return { table throws(StoreError) in
      try store.publishOutages(
        table.outages, changes: OutageChanges(from: current, to: table), source: source, sha256: sha256,
        at: now)
    }
  }

  /// Publishes the content of a kept version again, under a new number.
  /// - Throws: `StoreError.noSuchVersion` among others; the Territory stays as it is.
  public func rollBack(to number: Int, isDryRun: Bool) throws -> PublishOutcome {
    var timer = PhaseTimer()
    let outages = try store.outages(ofVersion: number)
    timer.end("read version \(number)")
    let (store, now) = (store, clock())
    return try publish(outages, report: nil, isDryRun: isDryRun, &timer) { _ throws(StoreError) in
      try store.rollBack(to: number, at: now)
    }
  }

  /// - Parameter commit: makes the outages the store's current layer; called on another thread.
  private func publish(
    _ outages: [Outage], report: ImportReport?, isDryRun: Bool, _ timer: inout PhaseTimer,
    commit: @escaping @Sendable (OutageTable) throws(StoreError) -> LayerVersion
  ) throws -> PublishOutcome {
    let before = territory
    let table = OutageTable(layer: nil, outages: outages, previous: before.outages)
    timer.end("compare")
    // It is indexed while it is stored, and served when it is on the disk.
    let storing =
      isDryRun
      ? nil
      : WorkBeside("store") {
        Result { () throws(StoreError) in try commit(table) }
      }
    let built = Territory(servicePoints: before.servicePoints, outages: table, previous: before)
    timer.end("index and join")
    let difference = TerritoryDifference(from: before, to: built, at: clock())
    timer.end("difference")
    let version = try storing?.value().get()
    if !isDryRun {
      timer.end("store")
      versions.outages = version
      territory = built.published(as: version)
    }
    return PublishOutcome(
      version: version, previousNumber: before.outages.layer?.number, difference: difference, report: report,
      timings: timer.phases)
  }

  private func loadServicePoints() throws -> ServicePointTable {
    var builder = ServicePointTableBuilder()
    let number = try store.currentVersion(of: .addresses)?.number ?? 0
    try store.forEachServicePoint { builder.append($0) }
    return builder.build(addressVersion: number)
  }

  private func loadOutages() throws -> OutageTable {
    guard let layer = try store.currentVersion(of: .outages) else {
      return OutageTable(layer: nil, outages: [])
    }
    return OutageTable(layer: layer, outages: try store.outages(ofVersion: layer.number))
  }
}

extension OutageChanges {
  /// - Returns: `nil` if nothing was published before.
  fileprivate init?(from old: OutageTable, to new: OutageTable) {
    guard let layer = old.layer else { return nil }
    let comparison = new.comparison(with: old)
    var isKept = [Bool](repeating: false, count: old.count)
    var written: [Int] = []
    for number in 0..<new.count {
      if comparison.isSame[number] {
        isKept[Int(comparison.oldNumbers[number])] = true
      } else {
        written.append(number)
      }
    }
    self.init(
      since: layer.number, ended: isKept.indices.filter { !isKept[$0] }.map { old.outages[$0].outageId },
      written: written)
  }
}

/// Takes the time of one phase after another.
private struct PhaseTimer {
  private(set) var phases: [PhaseTiming] = []
  private var start = ContinuousClock.now

  mutating func end(_ phase: String) {
    let now = ContinuousClock.now
    phases.append(PhaseTiming(phase, now - start))
    start = now
  }
}
