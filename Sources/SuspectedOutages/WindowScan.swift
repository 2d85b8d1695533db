// The most different things that any window of a given length has seen.

import OutageModel

/// The scan over all windows that end at an event: how many different keys does the fullest one hold?
/// - Parameters:
///   - events: in any order.
///   - windowMilliseconds: a window holds what is less than this before its end.
func mostInOneWindow<Key: Hashable>(
  _ events: [(at: Timestamp, key: Key)], windowMilliseconds: Int64
) -> Int {
  let events = events.sorted { $0.at < $1.at }
  var counts: [Key: Int] = [:]
  var most = 0
  var first = 0
  for event in events {
    while events[first].at.millisecondsSinceEpoch <= event.at.millisecondsSinceEpoch - windowMilliseconds {
      let left = counts[events[first].key]! - 1
      counts[events[first].key] = left == 0 ? nil : left
      first += 1
    }
    counts[event.key, default: 0] += 1
    most = max(most, counts.count)
  }
  return most
}
