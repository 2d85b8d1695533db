// One feed: looks at its source, reads what comes, and decides whether it is published.

import Foundation
import LayerImport
import OutageModel

/// A layer of a feed that can be read.
public struct FeedLayer: Sendable {
  public var outages: [Outage]
  /// The file's name, the command's or the last part of the URL.
  public var source: String
  /// `LayerDigest` of the outages.
  public var contentHash: String
  public var measure: LayerMeasure
  public var report: ImportReport
  /// Reading, checking and hashing.
  public var readMilliseconds: Double
}

/// What came of one look.
public enum FeedEvent: Sendable {
  case nothing
  /// The same content as before.
  case confirmed(at: Timestamp)
  /// To be published, and then told by `didPublish` or `didNotPublish`.
  case layer(FeedLayer)
  case held(FeedHold, String)
}

/// What a feed tells of itself.
public struct FeedStatus: Sendable {
  public var name: String
  public var source: String
  /// When the source was last looked at.
  public var lookedAt: Timestamp?
  /// When the feed last said what is served of it.
  public var confirmedAt: Timestamp?
  public var outages = 0
  public var customers = 0
  /// Why the newest layer is held back, if it is.
  public var hold: (reason: FeedHold, text: String, since: Timestamp)?
  /// Whether `LAYER.ACCEPT` has something to publish.
  public var canAccept = false
  /// The newest snapshot, and what became of it: `publishing`, `published`, `unchanged`, or the guard that holds it.
  public var lastSnapshot = ""
  public var lastOutcome = ""
  public var snapshots = 0
  public var published = 0
  public var unchanged = 0
  public var acceptedByHand = 0
  public var holds: [FeedHold: Int] = [:]
  public var fieldsAppeared = 0
  public var fieldsDisappeared = 0
  public var readMilliseconds = 0.0
}

/// Why `LAYER.ACCEPT` publishes nothing.
public enum FeedError: Error, Equatable, Sendable, CustomStringConvertible {
  case unknown(String, known: [String])
  case nothingHeld(String)
  case unreadable(String, FeedHold, String)

  public var description: String {
    switch self {
    case .unknown(let name, let known):
      "no feed '\(name)', expected \(known.isEmpty ? "one of the key feeds, which the configuration does not have" : "one of \(known.joined(separator: ", "))")"
    case .nothingHeld(let name): "feed \(name): nothing is held"
    case .unreadable(let name, let hold, let text):
      "feed \(name): \(hold.rawValue): there is no layer to accept: \(text)"
    }
  }
}

/// Used by one thread at a time. The current moment comes in as a parameter.
public final class Feed {
  public let configuration: FeedConfiguration
  public private(set) var status: FeedStatus
  /// Failures to get or read a layer, one after another.
  public private(set) var failures = 0
  /// For the log: what was noticed since it was last taken.
  private var notes: [String] = []
  private let source: any FeedSource
  private var guards: FeedGuard
  private var fields = KnownFields()
  private var layerMemory = LayerMemory()
  /// Of the layer that was published last.
  private var contentHash: String?
  /// The newest layer that can be read, if it is not published. A failure to get the next one does not make it go away.
  private var held: (layer: FeedLayer, reason: FeedHold, text: String)?
  private var notStoredAt = Timestamp.earliest
  private let reading: (() -> Void) -> Void
  /// From one attempt to store a layer to the next.
  static let storeAgainSeconds = 10.0

  /// - Parameters:
  ///   - memory: what was known of the feed when the daemon ended.
  ///   - scratchDirectory: where what a command or a server gives is put; must be there.
  ///   - reading: calls the reading and checking of a snapshot, at the priority that it is to have.
  ///   - monotonicSeconds: a clock that only goes forward, for waiting until a file has settled.
  public init(
    _ configuration: FeedConfiguration, memory: FeedMemory? = nil, scratchDirectory: String,
    reading: @escaping (() -> Void) -> Void = { $0() }, monotonicSeconds: @escaping () -> Double
  ) {
    self.reading = reading
    self.configuration = configuration
    let path = "\(scratchDirectory)/\(configuration.name).layer"
    switch configuration.source {
    case .directory(let directory, let pattern):
      source = DirectorySource(
        path: directory, pattern: pattern, settleSeconds: configuration.settleSeconds, clock: monotonicSeconds
      )
    case .command(let words):
      source = CommandSource(
        words, timeoutSeconds: configuration.timeoutSeconds, sizeBytesMax: configuration.sizeBytesMax,
        outputPath: path)
    case .url(let url):
      // The configuration's reader has seen that it is one.
      source = HTTPSource(
        URL(string: url) ?? URL(fileURLWithPath: "/"), timeoutSeconds: configuration.timeoutSeconds,
        sizeBytesMax: configuration.sizeBytesMax, outputPath: path)
    }
    guards = FeedGuard(configuration.guards, last: memory?.measure)
    contentHash = memory?.contentHash
    status = FeedStatus(name: configuration.name, source: configuration.source.text)
    status.confirmedAt = memory?.measure.confirmedAt
    status.outages = memory?.measure.outages ?? 0
    status.customers = memory?.measure.customers ?? 0
  }

  public func takeNotes() -> [String] {
    defer { notes = [] }
    return notes
  }

  /// Looks at the source once and reads what is there.
  public func look(at now: Timestamp) -> FeedEvent {
    status.lookedAt = now
    switch source.look() {
    case .nothing:
      // A directory that is there again.
      if status.hold?.reason == .unreachable { showHeld(at: now) }
      return reconsider(at: now) ?? .nothing
    case .unchanged:
      failures = 0
      guard let held else {
        clearHold()
        return confirm(at: now)
      }
      showHeld(at: now)
      return reconsider(at: now) ?? .held(held.reason, held.text)
    case .failed(let hold, let text): return fail(hold, text, at: now)
    case .file(let path, let name, let asOf):
      return read(path, name: name, asOf: min(asOf ?? now, now), at: now)
    }
  }

  private func read(_ path: String, name: String, asOf: Timestamp, at now: Timestamp) -> FeedEvent {
    status.snapshots += 1
    status.lastSnapshot = name
    let start = ContinuousClock.now
    var options = configuration.options
    options.toleratesMissingColumns = true
    var outcome: Result<OutageReading, ImportError>?
    reading {
      outcome = Result { () throws(ImportError) in
        try LayerImporter.readLayer(path, options: options, memory: &layerMemory)
      }
    }
    let reading: OutageReading
    do throws(ImportError) {
      reading = try outcome!.get()
    } catch {
      return fail(Self.hold(for: error), "\(error)", at: now)
    }
    noteFields(reading.columns, name)
    var measure = LayerMeasure(reading.outages, at: now)
    measure.confirmedAt = asOf
    let layer = FeedLayer(
      outages: reading.outages, source: name, contentHash: LayerDigest.hexadecimal(of: reading.outages),
      measure: measure, report: reading.report,
      readMilliseconds: (ContinuousClock.now - start) / .milliseconds(1))
    status.readMilliseconds = layer.readMilliseconds
    failures = 0
    source.wasRead()
    if reading.report.hasTooManyRejected {
      return hold(.tooManyRejected, ImportError.tooManyRejected(reading.report).description, layer, at: now)
    }
    if layer.contentHash == contentHash {
      clearHold()
      return confirm(at: asOf)
    }
    if let verdict = guards.verdict(on: layer.measure, at: now) {
      return hold(verdict.hold, "\(name): \(verdict.text)", layer, at: now)
    }
    status.lastOutcome = "publishing"
    return .layer(layer)
  }

  private static func hold(for error: ImportError) -> FeedHold {
    switch error.reason {
    case .truncated, .damagedGzip, .emptyFile, .partOfLayer: .halfFile
    case .unreadableFile: .unreachable
    default: .unreadable
    }
  }

  private func noteFields(_ columns: [String], _ name: String) {
    let change = fields.compare(columns)
    status.fieldsAppeared += change.appeared.count
    status.fieldsDisappeared += change.disappeared.count
    for column in change.appeared { notes.append("\(name): field \(column) has appeared") }
    for column in change.disappeared { notes.append("\(name): field \(column) has disappeared") }
  }

  // MARK: Holding

  private func fail(_ reason: FeedHold, _ text: String, at now: Timestamp) -> FeedEvent {
    failures += 1
    show(reason, text, at: now)
    status.holds[reason, default: 0] += 1
    status.lastOutcome = reason.rawValue
    return .held(reason, text)
  }

  private func hold(_ reason: FeedHold, _ text: String, _ layer: FeedLayer, at now: Timestamp) -> FeedEvent {
    held = (layer, reason, text)
    status.holds[reason, default: 0] += 1
    status.lastOutcome = reason.rawValue
    showHeld(at: now)
    return .held(reason, text)
  }

  private func show(_ reason: FeedHold, _ text: String, at now: Timestamp) {
    status.hold = (reason, text, status.hold.map { $0.reason == reason ? $0.since : now } ?? now)
    status.canAccept = held != nil
  }

  private func showHeld(at now: Timestamp) {
    if let held { show(held.reason, held.text, at: now) } else { clearHold() }
  }

  private func clearHold() {
    held = nil
    status.hold = nil
    status.canAccept = false
  }

  /// A drop is believed when it has lasted for the window, and what could not be stored is tried again.
  private func reconsider(at now: Timestamp) -> FeedEvent? {
    guard let held else { return nil }
    switch held.reason {
    case .dropped where guards.verdict(on: held.layer.measure, at: now) == nil:
      notes.append("\(held.layer.source): the drop has lasted, and is believed")
      return .layer(held.layer)
    case .notStored where now.seconds(since: notStoredAt) >= Self.storeAgainSeconds: return .layer(held.layer)
    default: return nil
    }
  }

  /// The layer that is held, whatever the guard says; to be published as one that came.
  public func accept(at now: Timestamp) throws(FeedError) -> FeedLayer {
    guard let held else {
      if let hold = status.hold { throw .unreadable(configuration.name, hold.reason, hold.text) }
      throw .nothingHeld(configuration.name)
    }
    status.acceptedByHand += 1
    return held.layer
  }

  // MARK: Outcome

  private func confirm(at moment: Timestamp) -> FeedEvent {
    status.unchanged += 1
    status.lastOutcome = "unchanged"
    let confirmedAt = max(moment, status.confirmedAt ?? moment)
    status.confirmedAt = confirmedAt
    guards.confirm(at: confirmedAt)
    return .confirmed(at: confirmedAt)
  }

  public func didPublish(_ layer: FeedLayer) {
    clearHold()
    contentHash = layer.contentHash
    guards.accept(layer.measure)
    status.published += 1
    status.lastOutcome = "published"
    status.confirmedAt = layer.measure.confirmedAt
    status.outages = layer.measure.outages
    status.customers = layer.measure.customers
  }

  /// The layer is held, and may be accepted later.
  public func didNotPublish(_ layer: FeedLayer, _ error: any Error, at now: Timestamp) {
    notStoredAt = now
    _ = hold(.notStored, "\(error)", layer, at: now)
  }
}

/// What outlives the daemon of one feed.
public struct FeedMemory: Codable, Sendable, Equatable {
  public var contentHash: String
  public var measure: LayerMeasure
  /// Of the outages that are the feed's.
  public var outageIds: [String]

  public init(contentHash: String, measure: LayerMeasure, outageIds: [String]) {
    self.contentHash = contentHash
    self.measure = measure
    self.outageIds = outageIds
  }
}
