// The R-tree of the current addresses, for maps: packed in one go after a load, not grown row by row during it.

import GRDB
import OutageModel

/// Writes SpatiaLite's `idx_service_point_geom`, an R*Tree table of SQLite, through its shadow tables.
///
/// Growing it row by row costs several times what the rows themselves do. The nodes are laid by Sort-Tile-Recursive packing
/// (Leutenegger, Lopez and Edgington, ICDE 1997), in SQLite's format (`rtree.c`): 16 bits depth (root only), 16 bits number
/// of cells, then a 64-bit id and four 32-bit floats (x from, to, y from, to) a cell, all big-endian; node 1 is the root.
///
/// While `geometry_columns.spatial_index_enabled` is 0, maps do without it: it is so from the moment when a load becomes
/// current until its index is whole, so that a kill in between makes maps slower, never wrong.
enum SpatialIndex {
  static func isEnabled(_ db: Database) throws -> Bool {
    try Bool.fetchOne(
      db, sql: "SELECT spatial_index_enabled FROM geometry_columns WHERE f_table_name = 'service_point'")
      ?? false
  }

  /// Part of the transaction that makes another load current.
  static func disable(_ db: Database) throws {
    try enable(db, false)
    try StoreSchema.setExtent(db, table: "service_point", rowCount: 0, nil)
  }

  private static func enable(_ db: Database, _ enabled: Bool) throws {
    try db.execute(
      sql: "UPDATE geometry_columns SET spatial_index_enabled = ? WHERE f_table_name = 'service_point'",
      arguments: [enabled])
  }

  /// Packs the tree of an address load, in short transactions. Only for the holder of the `.addressLoad` lock.
  static func pack(_ store: LayerStore, _ version: LayerVersion) throws(StoreError) {
    let rows = VersionRows(number: version.number)
    let (entries, bounds) = try store.read("index the addresses") { db in
      let (entries, bounds) = try read(rows, db)
      guard entries.count == version.recordCount else {
        throw LayerStore.damage([
          "address load \(version.number) has \(entries.count) service points, expected \(version.recordCount)"
        ])
      }
      return (entries, bounds)
    }
    let nodeSizeBytes = try store.batch("clear the spatial index") { db in try clear(db) }
    let tree = PackedTree(entries, rows, nodeSizeBytes: nodeSizeBytes)
    try inSlices(store, tree.nodes.count, per: max(1, store.limits.batchRows / tree.fanOut)) { db, slice in
      let insert = try RowStatement(
        db, "INSERT INTO idx_service_point_geom_node (nodeno, data) VALUES (?, ?)")
      for index in slice {
        insert.bind(Int64(PackedTree.firstNumber + index), at: 1)
        tree.nodes[index].withUnsafeBytes { insert.bind($0, at: 2) }
        try insert.run()
      }
    }
    try inSlices(store, tree.parents.count, per: store.limits.batchRows) { db, slice in
      let insert = try RowStatement(
        db, "INSERT INTO idx_service_point_geom_parent (nodeno, parentnode) VALUES (?, ?)")
      for index in slice {
        insert.bind(Int64(PackedTree.firstNumber + index), at: 1)
        insert.bind(Int64(tree.parents[index]), at: 2)
        try insert.run()
      }
    }
    try inSlices(store, tree.nodeOfPlace.count, per: store.limits.batchRows) { db, slice in
      let insert = try RowStatement(
        db, "INSERT INTO idx_service_point_geom_rowid (rowid, nodeno) VALUES (?, ?)")
      for place in slice where tree.nodeOfPlace[place] != 0 {
        insert.bind(rows.fid(place: place), at: 1)
        insert.bind(Int64(tree.nodeOfPlace[place]), at: 2)
        try insert.run()
      }
    }
    // The root comes last, so that the tree is empty until it is whole.
    try store.batch("finish the spatial index") { db in
      let update = try RowStatement(db, "UPDATE idx_service_point_geom_node SET data = ? WHERE nodeno = 1")
      tree.root.withUnsafeBytes { update.bind($0, at: 1) }
      try update.run()
      try enable(db, true)
      try StoreSchema.setExtent(db, table: "service_point", rowCount: entries.count, bounds)
    }
  }

  private static func inSlices(
    _ store: LayerStore, _ count: Int, per sliceCount: Int, _ body: (Database, Range<Int>) throws -> Void
  ) throws(StoreError) {
    for start in stride(from: 0, to: count, by: sliceCount) {
      try store.batch("write the spatial index") { db in
        try body(db, start..<min(start + sliceCount, count))
      }
    }
  }

  private static func read(_ rows: VersionRows, _ db: Database) throws -> ([PackedTree.Entry], Bounds) {
    let select = try RowStatement(db, "SELECT fid, geom FROM service_point WHERE fid >= ? AND fid < ?")
    select.bind(rows.fids.lowerBound, at: 1)
    select.bind(rows.fids.upperBound, at: 2)
    defer { select.reset() }
    var entries: [PackedTree.Entry] = []
    var bounds = Bounds()
    while try select.next() {
      let fid = select.int64(at: 0)
      guard let position = select.withBlob(at: 1, { GeometryBlob.point($0) }) else {
        throw LayerStore.damage(["service_point \(fid): its geom is no POINT of EPSG:4326"])
      }
      bounds.add(position)
      entries.append(
        PackedTree.Entry(
          x: Float(position.lonDegrees), y: Float(position.latDegrees),
          place: UInt32(VersionRows.place(of: fid))))
    }
    return (entries, bounds)
  }

  /// Leaves an empty tree, and gives the size of its nodes: SQLite reads it off the root.
  private static func clear(_ db: Database) throws -> Int {
    let table = "idx_service_point_geom_node"
    let size = try Int.fetchOne(db, sql: "SELECT length(data) FROM \(table) WHERE nodeno = 1")
    guard let size, size >= 64 else { throw LayerStore.damage(["\(table) has no root"]) }
    try db.execute(
      sql: """
        DELETE FROM idx_service_point_geom_node;
        DELETE FROM idx_service_point_geom_parent;
        DELETE FROM idx_service_point_geom_rowid;
        INSERT INTO idx_service_point_geom_node (nodeno, data) VALUES (1, zeroblob(\(size)));
        """)
    return size
  }
}

/// The nodes of a whole tree, level by level from the leaves.
private struct PackedTree {
  struct Entry {
    var x: Float
    var y: Float
    var place: UInt32
  }

  /// Of the first of `nodes`; the root is 1.
  static let firstNumber = 2
  private static let headerSizeBytes = 4
  private static let cellSizeBytes = 24

  let fanOut: Int
  /// All but the root.
  private(set) var nodes: [[UInt8]] = []
  /// The number of each of `nodes`' parent.
  private(set) var parents: [Int] = []
  private(set) var root: [UInt8] = []
  /// The number of the leaf that holds a place; 0 where the place is free.
  private(set) var nodeOfPlace: [UInt32] = []

  init(_ entries: [Entry], _ rows: VersionRows, nodeSizeBytes: Int) {
    fanOut = (nodeSizeBytes - Self.headerSizeBytes) / Self.cellSizeBytes
    let sorted = Self.tiled(entries, fanOut: fanOut)
    var level = sorted.map { (id: rows.fid(place: Int($0.place)), box: Box($0)) }
    var depth = 0
    while level.count > fanOut {
      var above: [(id: Int64, box: Box)] = []
      for start in stride(from: 0, to: level.count, by: fanOut) {
        let cells = level[start..<min(start + fanOut, level.count)]
        let number = Self.firstNumber + nodes.count
        nodes.append(Self.node(cells, depth: 0, sizeBytes: nodeSizeBytes))
        if depth > 0 { parents.append(contentsOf: cells.map { _ in number }) }
        above.append((Int64(number), cells.reduce(into: Box()) { $0.add($1.box) }))
      }
      level = above
      depth += 1
    }
    root = Self.node(level[...], depth: depth, sizeBytes: nodeSizeBytes)
    if depth > 0 { parents.append(contentsOf: level.map { _ in 1 }) }

    nodeOfPlace = [UInt32](repeating: 0, count: Int(entries.last?.place ?? 0) + 1)
    for (index, entry) in sorted.enumerated() {
      nodeOfPlace[Int(entry.place)] = depth == 0 ? 1 : UInt32(Self.firstNumber + index / fanOut)
    }
  }

  /// Sorted by longitude into strips about as many as the leaves in one, and each strip by latitude.
  private static func tiled(_ entries: [Entry], fanOut: Int) -> [Entry] {
    var entries = entries
    let leaves = (entries.count + fanOut - 1) / fanOut
    let stripRows = max(1, Int(Double(leaves).squareRoot().rounded(.up))) * fanOut
    entries.sort { $0.x < $1.x }
    for start in stride(from: 0, to: entries.count, by: stripRows) {
      entries[start..<min(start + stripRows, entries.count)].sort { $0.y < $1.y }
    }
    return entries
  }

  private static func node(_ cells: ArraySlice<(id: Int64, box: Box)>, depth: Int, sizeBytes: Int) -> [UInt8]
  {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(sizeBytes)
    func append(_ value: some FixedWidthInteger) {
      withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }
    append(UInt16(depth))
    append(UInt16(cells.count))
    for cell in cells {
      append(cell.id)
      for edge in [cell.box.west, cell.box.east, cell.box.south, cell.box.north] { append(edge.bitPattern) }
    }
    bytes.append(contentsOf: repeatElement(0, count: sizeBytes - bytes.count))
    return bytes
  }
}

private struct Box {
  var west = Float.infinity
  var east = -Float.infinity
  var south = Float.infinity
  var north = -Float.infinity

  init() {}

  /// A float to either side, so that the box holds the position that was rounded to `entry`.
  init(_ entry: PackedTree.Entry) {
    (west, east) = (entry.x.nextDown, entry.x.nextUp)
    (south, north) = (entry.y.nextDown, entry.y.nextUp)
  }

  mutating func add(_ other: Box) {
    west = min(west, other.west)
    east = max(east, other.east)
    south = min(south, other.south)
    north = max(north, other.north)
  }
}
