// The per-connection state that SpatiaLite needs, owned until the last connection of a pool is closed.

import CSpatiaLite
import GRDB
import Synchronization

/// Loads SpatiaLite into connections.
///
/// Its cache has to outlive the connection (`spatialite_cleanup_ex` comes after `sqlite3_close`). So every connection's
/// configuration holds this object, which ends with the last of them.
final class SpatiaLiteConnections: Sendable {
  private struct Caches: @unchecked Sendable {
    var pointers: [UnsafeMutableRawPointer] = []
  }

  private let caches = Mutex(Caches())

  /// Call it once on every new connection, before it is used.
  func prepare(_ db: Database) throws {
    // SpatiaLite has a fixed number of these in a process (64 in 5.0).
    guard let cache = spatialite_alloc_connection() else {
      throw DatabaseError(
        resultCode: .SQLITE_NOMEM,
        message: "SpatiaLite has no room for another connection in this process")
    }
    spatialite_set_silent_mode(cache)
    spatialite_init_ex(db.sqliteConnection, cache, 0)
    caches.withLock { $0.pointers.append(cache) }
  }

  deinit {
    caches.withLock { for cache in $0.pointers { spatialite_cleanup_ex(cache) } }
  }
}
