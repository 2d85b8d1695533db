// Which layer file each version number stands for, as publisher and clients learn it.

import Synchronization

/// Shared between the thread that publishes and those that check answers.
public final class LayerVersions: Sendable {
  private struct State {
    var layerOfVersion: [Int: Int] = [:]
    /// The layer that is being published: its number is not known yet, and answers may come from it already.
    var inFlight: Int?
  }

  private let state = Mutex(State())
  private let acknowledgedVersion = Atomic<Int>(0)

  public init() {}

  /// The newest version whose publish was acknowledged: who asks from now on must be answered from it, or from a newer one.
  public var acknowledged: Int { acknowledgedVersion.load(ordering: .acquiring) }

  public func publishBegins(layer: Int) {
    state.withLock { $0.inFlight = layer }
  }

  /// - Parameter version: the number that the server gave; `nil` if it refused.
  public func publishEnded(layer: Int, version: Int?) {
    state.withLock {
      $0.inFlight = nil
      if let version { $0.layerOfVersion[version] = layer }
    }
    if let version { acknowledgedVersion.store(version, ordering: .releasing) }
  }

  /// The layer of a version; `nil` for one that nobody has published.
  public func layer(ofVersion version: Int) -> Int? {
    state.withLock {
      if let layer = $0.layerOfVersion[version] { return layer }
      guard let layer = $0.inFlight, version > $0.layerOfVersion.keys.max() ?? 0 else { return nil }
      return layer
    }
  }
}
