// When a feed is looked at again.

/// The waits between looks: the interval, and after failures ever longer ones.
public enum FeedPace {
  /// The longest wait after failures, unless the interval is longer.
  public static let waitSecondsMax = 300.0

  /// Doubles with each failure. Jitter of a quarter either way keeps many daemons from asking a server that comes back all at once
  /// (Floyd, Jacobson: "The synchronization of periodic routing messages", 1994); a directory is local and needs none.
  /// - Parameters:
  ///   - failures: one after another, up to now.
  ///   - random: from 0 to 1.
  /// - Returns: seconds.
  public static func wait(
    for feed: FeedConfiguration, failures: Int, random: Double
  ) -> Double {
    if case .directory = feed.source { return feed.intervalSeconds }
    var wait = feed.intervalSeconds
    for _ in 0..<min(failures, 16) { wait = min(wait * 2, max(Self.waitSecondsMax, feed.intervalSeconds)) }
    return wait * (failures > 0 ? 0.75 + 0.5 * random : 0.975 + 0.05 * random)
  }
}
