// Remembers the areas of the layer before, so that an area that has not changed is not checked again.

import OutageModel

/// The areas of the layer that was read last, by the SHA-256 of their coordinates as they came. From one layer of a feed to the next most
/// areas stay as they are; to hash one costs a tenth of what it costs to check it.
public struct AreaCache: Sendable {
  struct Key: Hashable {
    private let words: (UInt64, UInt64, UInt64, UInt64)

    /// - Parameter demandsWinding: what is reported as repaired depends on it.
    init(_ geometry: RawGeometry, demandsWinding: Bool) {
      let hash = FileHash()
      geometry.coordinates.withUnsafeBytes { hash.update($0) }
      geometry.ringStarts.withUnsafeBytes { hash.update($0) }
      geometry.polygonStarts.withUnsafeBytes { hash.update($0) }
      withUnsafeBytes(of: demandsWinding) { hash.update($0) }
      let digest = hash.digest()
      words = digest.withUnsafeBytes {
        (
          $0.load(fromByteOffset: 0, as: UInt64.self), $0.load(fromByteOffset: 8, as: UInt64.self),
          $0.load(fromByteOffset: 16, as: UInt64.self), $0.load(fromByteOffset: 24, as: UInt64.self)
        )
      }
    }

    static func == (a: Key, b: Key) -> Bool { a.words == b.words }
    func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
  }

  struct CheckedArea {
    var area: OutageArea
    var repairs: [AreaFault]
  }

  private var before: [Key: CheckedArea] = [:]
  private var now: [Key: CheckedArea] = [:]
  /// Areas of the layer read last that were known.
  public private(set) var hits = 0

  public init() {}

  mutating func begin() {
    (before, now) = (now, [:])
    hits = 0
  }

  mutating func known(_ key: Key) -> CheckedArea? {
    guard let area = before[key] ?? now[key] else { return nil }
    now[key] = area
    hits += 1
    return area
  }

  mutating func add(_ area: CheckedArea, _ key: Key) { now[key] = area }
}
