// The numbered record of one hand-over: an outage layer or an address load.

/// What kind of hand-over a version numbers. Each kind counts from 1 on its own.
public enum LayerKind: String, CaseIterable, Sendable, Codable {
  case outages, addresses
}

/// One outage layer or address load that was put into the store.
public struct LayerVersion: Hashable, Sendable, Codable {
  public var kind: LayerKind
  /// 1, 2, 3, ... within its kind; a roll-back publishes the old content under a new number.
  public var number: Int
  /// When it was published.
  public var publishedAt: Timestamp
  /// The file's name as it was handed over, or `rollback of N`.
  public var source: String
  /// Of the file's bytes, lower-case hexadecimal.
  public var sha256: String
  /// Accepted records: outages or service points.
  public var recordCount: Int
  /// Vertices of all areas; 0 for addresses.
  public var vertexCount: Int

  public init(
    kind: LayerKind, number: Int, publishedAt: Timestamp, source: String, sha256: String,
    recordCount: Int, vertexCount: Int
  ) {
    self.kind = kind
    self.number = number
    self.publishedAt = publishedAt
    self.source = source
    self.sha256 = sha256
    self.recordCount = recordCount
    self.vertexCount = vertexCount
  }
}
