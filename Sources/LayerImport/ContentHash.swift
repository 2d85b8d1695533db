// What some content is known by, as a key of dictionaries: the SHA-256 of an area, the fingerprint of a record.

/// Two contents with one hash are taken for one content.
struct ContentHash: Hashable, Sendable {
  private let words: (UInt64, UInt64, UInt64, UInt64)

  init(_ digest: (UInt64, UInt64, UInt64, UInt64)) { words = digest }

  static func == (a: ContentHash, b: ContentHash) -> Bool { a.words == b.words }
  func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}
