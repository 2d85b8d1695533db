// What a data directory holds and serves, for `outaged status` and `LAYER.STATUS`.

import Foundation
import LayerStore
import OutageModel
import Territory

/// The state of the store and, where a daemon serves it, of what it serves.
public struct StatusReport: Sendable {
  public var directory: String
  /// `nil` where no daemon runs.
  public var served: Served?
  public var addresses: LayerVersion?
  /// Newest first.
  public var layers: [LayerVersion]

  public struct Served: Sendable {
    public var layerNumber: Int?
    public var addressNumber: Int
    public var servicePoints: Int
    public var servicePointsOut: Int
    public var outages: Int
    public var isStale: Bool
    public var territoryBytes: Int
    public var processId: Int
  }

  public init(directory: String, store: LayerStore, served: Served?) throws(StoreError) {
    self.directory = directory
    self.served = served
    addresses = try store.currentVersion(of: .addresses)
    layers = try store.versions(of: .outages)
  }

  public var text: String {
    var lines = ["Data directory \(directory)"]
    if let served {
      lines.append(
        "Serving (process \(served.processId)): layer \(served.layerNumber.map(String.init) ?? "none")"
          + "\(served.isStale ? ", STALE" : ""), \(served.outages) outages, \(served.servicePoints) service points, "
          + "\(served.servicePointsOut) of them out, \(served.territoryBytes / 1_048_576) MiB")
    } else {
      lines.append("Not served: no daemon answers on its admin socket")
    }
    if let addresses {
      lines.append(
        "Addresses: load \(addresses.number), \(addresses.recordCount) service points from \(addresses.source), "
          + addresses.publishedAt.iso8601)
    } else {
      lines.append("Addresses: none; `outaged import addresses FILE` brings them")
    }
    lines.append("Outage layers kept, newest first:")
    if layers.isEmpty { lines.append("  none; `outaged publish outages FILE` brings one") }
    for layer in layers {
      lines.append(
        "  \(layer.number)  \(layer.publishedAt.iso8601)  \(layer.recordCount) outages, \(layer.vertexCount) vertices  "
          + "\(layer.source)  sha256 \(layer.sha256.prefix(12))")
    }
    return lines.joined(separator: "\n")
  }

  public func json() -> String {
    encodeJSON(
      Content(
        directory: directory,
        served: served.map {
          ServedContent(
            layer: $0.layerNumber, addressLoad: $0.addressNumber, servicePoints: $0.servicePoints,
            servicePointsOut: $0.servicePointsOut, outages: $0.outages, stale: $0.isStale,
            territoryBytes: $0.territoryBytes, processId: $0.processId)
        }, addresses: addresses.map(VersionContent.init), layers: layers.map(VersionContent.init), text: text)
    )
  }

  private struct Content: Encodable {
    var directory: String
    var served: ServedContent?
    var addresses: VersionContent?
    var layers: [VersionContent]
    var text: String
  }

  private struct ServedContent: Encodable {
    var layer: Int?
    var addressLoad, servicePoints, servicePointsOut, outages: Int
    var stale: Bool
    var territoryBytes, processId: Int
  }
}
