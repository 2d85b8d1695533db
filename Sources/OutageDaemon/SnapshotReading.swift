// Reads the snapshot file on a thread of its own, so that the store can be opened meanwhile.

import Territory

/// A snapshot file that is being read, from this object's creation on.
public final class SnapshotReading: Sendable {
  private let path: String
  private let reading: WorkBeside<Result<TerritorySnapshot.Content, SnapshotError>>

  /// - Parameter path: of the file, which need not be there.
  public init(_ path: String) {
    self.path = path
    reading = WorkBeside("snapshot") {
      Result { () throws(SnapshotError) in try TerritorySnapshot.read(path) }
    }
  }

  /// Waits for the end, and gives what the file holds; no longer held here then. To be called once.
  /// - Parameter versions: the store's current ones; a file that was made of others is `outOfDate`.
  func content(expecting versions: TerritoryVersions) throws(SnapshotError) -> TerritorySnapshot.Content {
    let read = try reading.value().get()
    guard read.versions == versions else {
      throw .outOfDate(file: path, found: read.versions.text, expected: versions.text)
    }
    return read
  }
}
