// What some content is known by, as a key of dictionaries: the SHA-256 of an area, the fingerprint of a record.

/// Two contents with one hash are taken for one content.
struct ContentHash: Hashable, Sendable {
  private let words: (UInt64, UInt64, UInt64, UInt64)

  init(_ digest: (UInt64, UInt64, UInt64, UInt64)) { words = digest }

  /// Of an area as it came.
  /// - Parameter demandsWinding: what is reported as repaired depends on it.
  init(of geometry: RawGeometry, demandsWinding: Bool) {
    let hash = FileHash()
    geometry.coordinates.withUnsafeBytes { hash.update($0) }
    geometry.ringStarts.withUnsafeBytes { hash.update($0) }
    geometry.polygonStarts.withUnsafeBytes { hash.update($0) }
    withUnsafeBytes(of: demandsWinding) { hash.update($0) }
    words = hash.digest().withUnsafeBytes { $0.loadUnaligned(as: (UInt64, UInt64, UInt64, UInt64).self) }
  }

  static func == (a: ContentHash, b: ContentHash) -> Bool { a.words == b.words }
  func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}
