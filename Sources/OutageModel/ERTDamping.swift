// How often a moving restoration time is told: an ERT that flaps must not ring anybody's phone nine times an hour.

/// The rule by which a changed ERT is told at once, or held back until its time has come. What is held is the difference to what was
/// told last: an ERT that moves back is not told at all, and the last state always is, sooner or later.
public struct ERTDamping: Hashable, Sendable {
  /// A smaller move than this is told only after `settleSeconds`.
  public var minimumMoveSeconds: Int
  /// From one telling to the next, at least.
  public var minimumIntervalSeconds: Int
  /// From a telling to the next where the move is small.
  public var settleSeconds: Int

  /// The defaults: three tellings an hour at most.
  public init(
    minimumMoveSeconds: Int = 600, minimumIntervalSeconds: Int = 1200, settleSeconds: Int = 3600
  ) {
    self.minimumMoveSeconds = minimumMoveSeconds
    self.minimumIntervalSeconds = minimumIntervalSeconds
    self.settleSeconds = settleSeconds
  }

  /// Every move is told at once.
  public static let none = ERTDamping(minimumMoveSeconds: 0, minimumIntervalSeconds: 0, settleSeconds: 0)

  /// The moment from which the move is to be told; `nil` if there is none. An ERT that comes or goes counts as a large move.
  public func dueAt(told: Timestamp?, toldAt: Timestamp, new: Timestamp?) -> Timestamp? {
    guard told != new else { return nil }
    var isLarge = true
    if let told, let new {
      isLarge = new.seconds(since: told).magnitude >= Double(minimumMoveSeconds)
    }
    let wait = isLarge ? minimumIntervalSeconds : max(minimumIntervalSeconds, settleSeconds)
    return toldAt.adding(seconds: Int64(wait))
  }
}
