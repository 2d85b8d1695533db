// The file opens as a map: SpatiaLite, which is what QGIS asks, finds the layers, their extent, and reads their geometry.

import CSpatiaLite
import Foundation
import GRDB
import GRDBSQLite
import OutageModel
import TestSupport
import Testing

@testable import LayerStore

@Suite struct StoreMapTests {
  let directory = TemporaryDirectory()

  func filled() throws -> LayerStore {
    let store = try LayerStore(directory: directory.path)
    try store.load(Fixture.servicePoints(100, prefix: "OLD-", seed: 5))
    try store.publish(Fixture.outages(9, seed: 5))
    try store.load(Fixture.servicePoints(3_000))
    try store.publish(Fixture.outages(40))
    return store
  }

  /// What QGIS's SpatiaLite provider lists.
  struct Layer: Hashable {
    var name: String
    var geometryType: Int32
    var srid: Int32
    var hasIndex: Bool
    var rowCount: Int32
    var extent: [Double]
  }

  func layers(_ store: LayerStore) throws -> [Layer] {
    try store.read("list layers") { db in
      let list = try #require(
        gaiaGetVectorLayersList(db.sqliteConnection, nil, nil, GAIA_VECTORS_LIST_OPTIMISTIC))
      defer { gaiaFreeVectorLayersList(list) }
      var layers: [Layer] = []
      var next = list.pointee.First
      while let layer = next?.pointee {
        if layer.LayerType == GAIA_VECTOR_VIEW {
          let extent = layer.ExtentInfos?.pointee
          layers.append(
            Layer(
              name: String(cString: layer.TableName), geometryType: layer.GeometryType, srid: layer.Srid,
              hasIndex: layer.SpatialIndex == GAIA_SPATIAL_INDEX_RTREE, rowCount: extent?.Count ?? -1,
              extent: extent.map { [$0.MinX, $0.MinY, $0.MaxX, $0.MaxY] } ?? []))
        }
        next = layer.Next
      }
      return layers
    }
  }

  func extent(_ coordinates: [Double]) -> [Double] {
    let degrees = [0, 1].map { axis in
      stride(from: axis, to: coordinates.count, by: 2).map { coordinates[$0] }
    }
    return degrees.map { $0.min()! } + degrees.map { $0.max()! }
  }

  @Test func `SpatiaLite lists the current addresses and the current outage layer, with their extents`()
    throws
  {
    let positions = Fixture.servicePoints(3_000).flatMap { [$0.position.lonDegrees, $0.position.latDegrees] }
    #expect(
      Set(try layers(try filled())) == [
        Layer(
          name: "current_service_point", geometryType: GAIA_VECTOR_POINT, srid: 4326, hasIndex: true,
          rowCount: 3_000, extent: extent(positions)),
        Layer(
          name: "current_outage", geometryType: GAIA_VECTOR_MULTIPOLYGON, srid: 4326, hasIndex: false,
          rowCount: 40, extent: extent(Fixture.outages(40).flatMap(\.area.coordinates))),
      ])
  }

  @Test func `a layer that is rolled back to has its own extent again`() throws {
    let store = try filled()
    let number = try #require(try store.currentVersion(of: .outages)).number
    try store.publish(Fixture.outages(2))
    try store.rollBack(to: number, at: Fixture.moment)
    let outages = try layers(store).first { $0.name == "current_outage" }
    #expect(outages?.rowCount == 40)
    #expect(outages?.extent == extent(Fixture.outages(40).flatMap(\.area.coordinates)))
  }

  @Test func `SpatiaLite reads every geometry, and would write the same bytes`() throws {
    try filled().read("read geometries") { db in
      #expect(
        try Int.fetchOne(
          db,
          sql: """
            SELECT count(*) FROM current_service_point
              WHERE GeometryType(geom) = 'POINT' AND Srid(geom) = 4326 AND IsValid(geom)
                AND geom = MakePoint(ST_X(geom), ST_Y(geom), 4326)
            """) == 3_000)
      #expect(
        try Int.fetchOne(
          db,
          sql: """
            SELECT count(*) FROM current_outage
              WHERE GeometryType(geom) = 'MULTIPOLYGON' AND Srid(geom) = 4326 AND IsValid(geom)
                AND geom = GeomFromWKB(AsBinary(geom), 4326)
            """) == 40)
      let first = Fixture.outages(1)[0]
      let polygons = try Row.fetchOne(
        db,
        sql: """
          SELECT NumGeometries(geom), NumInteriorRings(GeometryN(geom, 1)), started_at
            FROM current_outage WHERE outage_id = 'OMS-0'
          """)
      #expect(polygons?[0] == first.area.polygonCount)
      #expect(polygons?[1] == first.area.rings(ofPolygon: 0).count - 1)
    }
  }

  @Test(arguments: [0, 1, 50, 51, 52, 51 * 51, 51 * 51 + 1, 8_000])
  func `the packed index is a sound R-tree, and finds what a scan finds`(count: Int) throws {
    let store = try LayerStore(directory: directory.path)
    try store.load(Fixture.servicePoints(count, prefix: "OLD-", seed: 9))
    try store.load(Fixture.servicePoints(count))
    var random = SeededGenerator(seed: 11)
    try store.read("ask the index") { db in
      #expect(try SpatialIndex.isEnabled(db))
      #expect(try String.fetchOne(db, sql: "SELECT rtreecheck('idx_service_point_geom')") == "ok")
      #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM idx_service_point_geom") == count)
      for _ in 0..<20 {
        let west = Double.random(in: -122...(-121), using: &random)
        let south = Double.random(in: 38...39, using: &random)
        let arguments: StatementArguments = [west, south, west + 0.2, south + 0.2]
        let scanned = try String.fetchSet(
          db,
          sql:
            "SELECT service_point_id FROM current_service_point WHERE MbrIntersects(geom, BuildMbr(?, ?, ?, ?))",
          arguments: arguments)
        let indexed = try String.fetchSet(
          db,
          sql: """
            SELECT service_point_id FROM current_service_point WHERE MbrIntersects(geom, BuildMbr(?1, ?2, ?3, ?4))
              AND fid IN (SELECT rowid FROM SpatialIndex
                WHERE f_table_name = 'current_service_point' AND search_frame = BuildMbr(?1, ?2, ?3, ?4))
            """, arguments: arguments)
        #expect(scanned == indexed)
      }
    }
  }

  @Test func `an outage layer of none has an empty map`() throws {
    let store = try filled()
    try store.publish([])
    #expect(
      try store.read("count") { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM current_outage") } == 0)
  }

  static let commandLine = ["/usr/bin/spatialite", "/usr/local/bin/spatialite"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  @Test(
    .enabled(if: commandLine != nil, "the spatialite command line (apt: spatialite-bin) is not installed"))
  func `the spatialite command line reads both layers`() throws {
    _ = try filled()
    let process = Process()
    process.executableURL = URL(filePath: try #require(Self.commandLine))
    process.arguments = [
      "-silent", directory.file,
      """
      SELECT (SELECT count(*) FROM current_service_point WHERE ST_Within(geom, BuildMbr(-122, 38, -121, 39))),
        (SELECT count(*) FROM current_outage WHERE Area(geom) > 0), CheckSpatialIndex('service_point', 'geom');
      """,
    ]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = Pipe()
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    #expect(text == "3000|40|1\n")
  }
}
