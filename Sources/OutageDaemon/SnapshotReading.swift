// Reads the snapshot file on a thread of its own, so that the store can be opened meanwhile.

import Foundation
import Reactor
import Synchronization
import Territory

/// A snapshot file that is being read, from this object's creation on.
public final class SnapshotReading: Sendable {
  private typealias Found = Result<TerritorySnapshot.Content, SnapshotError>

  private let path: String
  private let found = Mutex<Found?>(nil)
  private let isDone = DispatchSemaphore(value: 0)

  /// - Parameter path: of the file, which need not be there.
  public init(_ path: String) {
    self.path = path
    let thread = Thread { [self] in
      nameThread("snapshot")
      let result: Found
      do throws(SnapshotError) {
        result = .success(try TerritorySnapshot.read(path))
      } catch {
        result = .failure(error)
      }
      found.withLock { $0 = result }
      isDone.signal()
    }
    thread.stackSize = 8 << 20
    thread.start()
  }

  /// Waits for the end, and gives what the file holds; no longer held here then. To be called once.
  /// - Parameter versions: the store's current ones; a file that was made of others is `outOfDate`.
  func content(expecting versions: TerritoryVersions) throws(SnapshotError) -> TerritorySnapshot.Content {
    isDone.wait()
    let result = found.withLock { found in
      defer { found = nil }
      return found
    }
    guard let result else { preconditionFailure("a snapshot is handed out once") }
    let read = try result.get()
    guard read.versions == versions else {
      throw .outOfDate(file: path, found: read.versions.text, expected: versions.text)
    }
    return read
  }
}
