// What the caller of an import chooses, and what it is told while the import runs.

/// The box, in WGS 84 degrees, that every position of a territory lies in.
public struct TerritoryBounds: Hashable, Sendable {
  public var west, south, east, north: Double

  public init(west: Double, south: Double, east: Double, north: Double) {
    (self.west, self.south, self.east, self.north) = (west, south, east, north)
  }

  func contains(_ lonDegrees: Double, _ latDegrees: Double) -> Bool {
    let inLongitude =
      west <= east ? lonDegrees >= west && lonDegrees <= east : lonDegrees >= west || lonDegrees <= east
    return inLongitude && latDegrees >= south && latDegrees <= north
  }
}

/// The options of one import; every one of them may be left as it is.
public struct ImportOptions: Sendable, Equatable {
  /// Field of the model to column of the file, such as `["outageId": "INCIDENT_NO"]`; goes before what is recognised.
  public var mapping: [String: String] = [:]
  /// A JSON file that keeps a mapping, spellings and options (Docs/FORMATS.md).
  public var profileFile: String?
  /// The coordinate system in place of the file's own, as PROJ knows it: `EPSG:2227`, or WKT.
  public var crs: String?
  /// The IANA time zone of times without an offset, such as `America/Los_Angeles`.
  public var timeZoneName: String?
  /// The zone where neither `timeZoneName` nor the profile gives one; without any, a time without an offset is `timeWithoutZone`.
  public var defaultTimeZoneName: String?
  /// Of telephone numbers without one; digits only.
  public var defaultCountryCode = "1"
  /// Records that lie outside are rejected. `west` above `east` is a box across the antimeridian.
  public var territoryBounds: TerritoryBounds?
  /// If more of the records than this are rejected, the import throws `ImportError.tooManyRejected`.
  public var maxRejectedFraction = 0.01
  /// A column that was asked for and is not there is warned of, and its field stays empty: a feed's shape changes without notice.
  public var toleratesMissingColumns = false
  /// The table of a file that has several layers.
  public var layerName: String?
  /// Of CSV and DBF text, as iconv knows it: `UTF-8`, `ISO-8859-1`, `CP1252`.
  public var encoding: String?

  public init() {}
}

/// How far an import is. Bytes are those of the file, also where it is compressed.
public struct ImportProgress: Hashable, Sendable {
  public var recordsRead = 0
  public var bytesRead = 0
  public var bytesTotal = 0

  public init(recordsRead: Int = 0, bytesRead: Int = 0, bytesTotal: Int = 0) {
    (self.recordsRead, self.bytesRead, self.bytesTotal) = (recordsRead, bytesRead, bytesTotal)
  }
}
