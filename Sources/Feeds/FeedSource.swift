// Where a feed's layers come from.

import OutageModel

/// What one look at a source gave.
public enum SourceReading: Sendable {
  /// No new file, or none that is ready.
  case nothing
  /// The source says itself that nothing has changed.
  case unchanged
  /// A file with a layer, and what it is called; as of `asOf`, if that is known.
  case file(path: String, name: String, asOf: Timestamp?)
  case failed(FeedHold, String)
}

/// Looked at by one thread at a time.
protocol FeedSource: AnyObject {
  func look() -> SourceReading
  /// The file of the last look was a whole layer: it need not be fetched again.
  func wasRead()
}

extension FeedConfiguration.Source {
  /// What messages call it.
  public var text: String {
    switch self {
    case .directory(let path, let pattern): pattern.map { "\(path)/\($0)" } ?? path
    case .command(let words): words.joined(separator: " ")
    case .url(let url): url
    }
  }
}
