// Decides whether a new layer of a feed is believed.

import OutageModel

/// Why a snapshot is not published, or not yet.
public enum FeedHold: String, Sendable, CaseIterable {
  /// The directory, the command or the server gives nothing.
  case unreachable
  /// The file ends within a record, or says itself that it is a part.
  case halfFile
  /// The file as a whole is no layer.
  case unreadable
  /// More records were rejected than the feed may have.
  case tooManyRejected
  /// No outage, where there were many.
  case emptied
  /// Far fewer outages or customers than a short time ago.
  case dropped
  /// The store did not take it.
  case notStored
}

/// A layer in a few numbers, and when it was last known to be the feed's.
public struct LayerMeasure: Sendable, Equatable, Codable {
  public var outages: Int
  /// Of all outages together.
  public var customers: Int
  var confirmedAtMilliseconds: Int64
  public var confirmedAt: Timestamp {
    get { Timestamp(millisecondsSinceEpoch: confirmedAtMilliseconds) }
    set { confirmedAtMilliseconds = newValue.millisecondsSinceEpoch }
  }

  public init(outages: Int, customers: Int, confirmedAt: Timestamp) {
    (self.outages, self.customers) = (outages, customers)
    confirmedAtMilliseconds = confirmedAt.millisecondsSinceEpoch
  }

  public init(_ outages: [Outage], at now: Timestamp) {
    self.init(
      outages: outages.count, customers: outages.reduce(0) { $0 + ($1.customersAffected ?? 0) },
      confirmedAt: now)
  }
}

/// Compares layers with those that were accepted a short time before.
public struct FeedGuard: Sendable {
  public let settings: FeedGuardSettings
  /// Accepted layers, the newest last.
  private(set) var accepted: [LayerMeasure]

  /// - Parameter last: the layer that was accepted before the daemon was started anew.
  public init(_ settings: FeedGuardSettings, last: LayerMeasure? = nil) {
    self.settings = settings
    accepted = last.map { [$0] } ?? []
  }

  /// - Returns: why the layer is held, with the figures; `nil` if it is believed.
  public func verdict(on layer: LayerMeasure, at now: Timestamp) -> (hold: FeedHold, text: String)? {
    guard let last = accepted.last else { return nil }
    if layer.outages == 0, last.outages >= settings.dropOutagesMin {
      return (.emptied, "0 outages where there were \(last.outages)")
    }
    for before in accepted where now.seconds(since: before.confirmedAt) <= Double(settings.dropWindowSeconds)
    {
      guard before.outages >= settings.dropOutagesMin else { continue }
      let seconds = Int(now.seconds(since: before.confirmedAt))
      for (what, now, was) in [
        ("outages", layer.outages, before.outages), ("customers", layer.customers, before.customers),
      ] where Double(was - now) > settings.dropFractionMax * Double(was) {
        return (.dropped, "\(now) \(what) where there were \(was) \(seconds) s before")
      }
    }
    return nil
  }

  public mutating func accept(_ layer: LayerMeasure) {
    accepted.append(layer)
    accepted.removeAll {
      layer.confirmedAt.seconds(since: $0.confirmedAt) > Double(settings.dropWindowSeconds)
    }
    // One a second for the longest window that makes sense; the oldest go first.
    if accepted.count > 4096 { accepted.removeFirst(accepted.count - 4096) }
  }

  /// The newest accepted layer is still the feed's.
  public mutating func confirm(at now: Timestamp) {
    guard !accepted.isEmpty else { return }
    accepted[accepted.count - 1].confirmedAt = now
  }
}
