// The two coordinate systems that the fixtures are written in.

import OutageModel

/// WGS 84 as it is, or EPSG:2227 (NAD83 / California zone 3, US survey feet) through PROJ.
final class CoordinateSystem {
  let epsg: Int
  private let database: Database?
  private var known: [LonLat: FlatPosition] = [:]

  static let wgs84 = 4326
  static let californiaZone3Feet = 2227

  init(epsg: Int) throws(FixtureError) {
    self.epsg = epsg
    if epsg == Self.wgs84 {
      database = nil
    } else {
      let database = try Database()
      try database.run("SELECT InitSpatialMetadata(1, 'EMPTY')")
      for code in [Self.wgs84, epsg] { try database.run("SELECT InsertEpsgSrid(\(code))") }
      self.database = database
    }
  }

  /// Feet are rounded to four decimals (0.03 mm).
  func project(_ position: LonLat) throws(FixtureError) -> FlatPosition {
    guard let database else { return FlatPosition(x: position.lonDegrees, y: position.latDegrees) }
    if let known = known[position] { return known }
    let sql = "SELECT ST_X(p), ST_Y(p) FROM (SELECT ST_Transform(MakePoint(?, ?, 4326), \(epsg)) AS p)"
    let row = try database.run(sql, [.real(position.lonDegrees), .real(position.latDegrees)]) ?? []
    guard row.count == 2, case .real(let x) = row[0], case .real(let y) = row[1] else {
      throw .database(message: "no transformation to EPSG:\(epsg)", statement: sql)
    }
    let projected = FlatPosition(x: (x * 1e4).rounded() / 1e4, y: (y * 1e4).rounded() / 1e4)
    known[position] = projected
    return projected
  }

  /// The text of a .prj file, in Esri's wording.
  var esriWKT: String {
    epsg == Self.wgs84
      ? #"GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]"#
      : #"PROJCS["NAD_1983_StatePlane_California_III_FIPS_0403_Feet",GEOGCS["GCS_North_American_1983",DATUM["D_North_American_1983",SPHEROID["GRS_1980",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Lambert_Conformal_Conic"],PARAMETER["False_Easting",6561666.666666666],PARAMETER["False_Northing",1640416.666666667],PARAMETER["Central_Meridian",-120.5],PARAMETER["Standard_Parallel_1",37.06666666666667],PARAMETER["Standard_Parallel_2",38.43333333333333],PARAMETER["Latitude_Of_Origin",36.5],UNIT["Foot_US",0.3048006096012192]]"#
  }
}
