import OutageModel
public struct TerritoryBounds: Sendable { public var west, south, east, north: Double; public init(west: Double, south: Double, east: Double, north: Double) { self.west = west; self.south = south; self.east = east; self.north = north } }
public struct ImportOptions: Sendable {
  public init() {}
  public var mapping: [String: String] = [:]; public var profileFile: String?; public var crs: String?; public var timeZoneName: String?
  public var defaultCountryCode = "1"; public var territoryBounds: TerritoryBounds?; public var maxRejectedFraction = 0.01
  public var layerName: String?; public var encoding: String?
}
public struct ImportProgress: Sendable { public var recordsRead = 0; public var bytesRead = 0; public var bytesTotal = 0 }
public struct ImportReport: Sendable, Encodable { public var sha256 = ""; public var text: String { "" }; public func json() -> String { "{}" } }
public struct CheckReport: Sendable { public var text: String { "" }; public func json() -> String { "{}" } }
public enum ImportError: Error { case tooManyRejected(ImportReport) }
public enum LayerImporter {
  public static func readAddresses(_ file: String, options: ImportOptions, progress: (ImportProgress) -> Void, _ body: (ServicePoint) throws -> Void) throws -> ImportReport { ImportReport() }
  public static func readOutages(_ file: String, options: ImportOptions, progress: (ImportProgress) -> Void) throws(ImportError) -> (outages: [Outage], report: ImportReport) { ([], ImportReport()) }
  public static func check(_ file: String, options: ImportOptions) throws(ImportError) -> CheckReport { CheckReport() }
}
