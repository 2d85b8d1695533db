// What `INFO feeds` says, for tests that wait for it.

import Foundation
import OutageDaemon
import Testing
import WireProtocol

/// The figures of one feed.
func feedFigures(_ daemon: RunningDaemon, _ feed: String) throws -> [String: String] {
  let lines = (try daemon.client().ask(["INFO", "feeds"]).text ?? "").split(whereSeparator: \.isNewline)
  let line = lines.first { $0.hasPrefix("feed_\(feed):") } ?? ""
  return Dictionary(
    line.dropFirst("feed_\(feed):".count).split(separator: ",").map {
      let parts = $0.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      return (parts[0], parts.count > 1 ? parts[1] : "")
    }
  ) { $1 }
}

/// The figures once they are as wanted.
@discardableResult
func waitForFeed(
  _ daemon: RunningDaemon, _ feed: String, until isWanted: ([String: String]) -> Bool
) throws -> [String: String] {
  var figures: [String: String] = [:]
  for _ in 0..<6000 {
    figures = try feedFigures(daemon, feed)
    if isWanted(figures) { return figures }
    guard daemon.process.isRunning else { break }
    usleep(10_000)
  }
  Issue.record("feed \(feed) did not come to what was awaited: \(figures)\n\(daemon.log.suffix(2000))")
  return figures
}
