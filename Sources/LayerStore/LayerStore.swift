// The embedded SpatiaLite database of one data directory: the current address load, the outage layers, their versions.

import GRDB
import OutageModel

public final class LayerStore: Sendable {
  public init(directory: String, keepLayers: Int = 20) throws(StoreError) { fatalError() }
  public func currentVersion(of kind: LayerKind) throws(StoreError) -> LayerVersion? { fatalError() }
  public func versions(of kind: LayerKind) throws(StoreError) -> [LayerVersion] { fatalError() }
  public func beginAddressLoad(source: String, sha256: String, at moment: Timestamp) throws(StoreError)
    -> AddressLoad
  { fatalError() }
  public func publishOutages(_ outages: [Outage], source: String, sha256: String, at moment: Timestamp)
    throws(StoreError) -> LayerVersion
  { fatalError() }
  public func rollBack(to number: Int, at moment: Timestamp) throws(StoreError) -> LayerVersion {
    fatalError()
  }
  public func outages(ofVersion number: Int) throws(StoreError) -> [Outage] { fatalError() }
  public func forEachServicePoint(_ body: (ServicePoint) throws -> Void) throws { fatalError() }
  public func close() throws(StoreError) { fatalError() }
}

public final class AddressLoad {
  public func append(_ point: ServicePoint) throws(StoreError) { fatalError() }
  public func commit() throws(StoreError) -> LayerVersion { fatalError() }
  public func abandon() { fatalError() }
}
