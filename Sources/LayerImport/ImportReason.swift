// The stable names of everything that can be wrong with a file or a record, and what each means.

/// Why a file was refused, or a record rejected, repaired or remarked on. The raw values are stable: reports and tests use them.
public enum ImportReason: String, CaseIterable, Sendable, Encodable {
  // Effect.refused
  case unreadableFile, emptyFile, unknownFormat, notJSON, notGeoJSON, notXML, partOfLayer, serverError,
    truncated, damagedGzip, damagedDatabase
  case wrongEncoding, missingPart, missingCRS, unknownCRS, missingColumn, unknownLayer, badProfile, badOption
  case recordTooLarge
  // Effect.rejected
  case missingId, emptyGeometry, notPolygonal, notAPoint, unreadableGeometry, notANumber, zeroZero,
    swappedLonLat
  case cluster, outOfRange, outsideTerritory, unrepairable, badTime, timeWithoutZone, columnCount
  // Effect.repaired
  case unclosedRing, wrongWinding, duplicatePoints, spike, selfIntersection, ringSelfIntersection
  case holeOutsideShell, nestedHoles, nestedShells, duplicateRings, disconnectedInterior, collapsedRing
  case invalidGeometry, antimeridian
  // Effect.remarked
  case zDropped, unknownValue, badNumber, badPhone, duplicateId, emptyLayer, unmappedColumn, crsAssumed

  /// What becomes of the file or the record.
  public enum Effect: String, CaseIterable, Sendable {
    case refused = "the file is refused"
    case rejected = "the record is left out"
    case repaired = "the record is taken, repaired"
    case remarked = "the record is taken, and remarked on"
  }

  public var effect: Effect {
    switch self {
    case .unreadableFile, .emptyFile, .unknownFormat, .notJSON, .notGeoJSON, .notXML, .partOfLayer,
      .serverError, .truncated, .damagedGzip, .damagedDatabase, .wrongEncoding, .missingPart, .missingCRS,
      .unknownCRS, .missingColumn, .unknownLayer,
      .badProfile, .badOption, .recordTooLarge:
      .refused
    case .missingId, .emptyGeometry, .notPolygonal, .notAPoint, .unreadableGeometry, .notANumber, .zeroZero,
      .swappedLonLat, .cluster, .outOfRange, .outsideTerritory, .unrepairable, .badTime, .timeWithoutZone,
      .columnCount:
      .rejected
    case .unclosedRing, .wrongWinding, .duplicatePoints, .spike, .selfIntersection, .ringSelfIntersection,
      .holeOutsideShell, .nestedHoles, .nestedShells, .duplicateRings, .disconnectedInterior, .collapsedRing,
      .invalidGeometry, .antimeridian:
      .repaired
    case .zDropped, .unknownValue, .badNumber, .badPhone, .duplicateId, .emptyLayer, .unmappedColumn,
      .crsAssumed:
      .remarked
    }
  }

  /// What it means, for a person.
  public var meaning: String {
    switch self {
    case .unreadableFile: "the file cannot be read"
    case .emptyFile: "the file has no bytes"
    case .unknownFormat: "the format is not known"
    case .notJSON: "not JSON"
    case .notGeoJSON: "JSON, but not GeoJSON features"
    case .notXML: "not XML"
    case .partOfLayer: "only a part of the layer"
    case .serverError: "an error of the server in place of a layer"
    case .truncated: "the file is cut off"
    case .damagedGzip: "the gzip data is damaged"
    case .damagedDatabase: "the database is damaged"
    case .wrongEncoding: "the text is not in the encoding that it should be in"
    case .missingPart: "a part of the file set is missing"
    case .missingCRS: "the coordinate system is not given"
    case .unknownCRS: "the coordinate system is not known"
    case .missingColumn: "a column that is needed is missing"
    case .unknownLayer: "no such layer"
    case .badProfile: "the profile cannot be used"
    case .badOption: "an option cannot be used"
    case .recordTooLarge: "a record is too large"
    case .missingId: "no id"
    case .emptyGeometry: "no geometry"
    case .notPolygonal: "not a polygon"
    case .notAPoint: "not a point"
    case .unreadableGeometry: "the geometry cannot be read"
    case .notANumber: "a coordinate is not a number"
    case .zeroZero: "at (0, 0), where nothing was geocoded"
    case .swappedLonLat: "longitude and latitude are swapped"
    case .cluster: "stands for several outages and has no area of its own"
    case .outOfRange: "outside the world"
    case .outsideTerritory: "outside the territory's bounds"
    case .unrepairable: "nothing polygonal is left after repair"
    case .badTime: "not a time"
    case .timeWithoutZone: "a local time, and no time zone is given"
    case .badNumber: "not a whole number"
    case .columnCount: "not as many fields as the header has"
    case .unclosedRing: "a ring's last vertex is not its first"
    case .wrongWinding: "a ring is wound the wrong way"
    case .duplicatePoints: "vertices repeated one after another"
    case .spike: "a ring runs out along a line and back on it"
    case .selfIntersection: "edges cross or overlap"
    case .ringSelfIntersection: "a ring touches itself"
    case .holeOutsideShell: "a hole lies outside its shell"
    case .nestedHoles: "a hole lies in a hole"
    case .nestedShells: "a polygon lies in a polygon of the same outage"
    case .duplicateRings: "a ring is there twice"
    case .disconnectedInterior: "holes cut the interior apart"
    case .collapsedRing: "a ring without area is dropped"
    case .invalidGeometry: "the geometry is not valid"
    case .antimeridian: "split at the antimeridian"
    case .zDropped: "heights or measures dropped"
    case .unknownValue: "a value that no table maps, kept as text"
    case .badPhone: "not a telephone number, left out"
    case .duplicateId: "an id is there more than once; the newest is taken"
    case .emptyLayer: "no record at all"
    case .unmappedColumn: "a column that maps to no field"
    case .crsAssumed: "no coordinate system given, WGS 84 assumed"
    }
  }
}
