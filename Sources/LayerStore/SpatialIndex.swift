// The R-tree of the current addresses, for maps: packed in one go after a load, not grown row by row during it.

import GRDB
import OutageModel

/// Writes SpatiaLite's `idx_service_point_geom`, an R*Tree table of SQLite, through its shadow tables.
///
/// Growing it row by row costs several times what the rows themselves do. The nodes are laid by Sort-Tile-Recursive packing
/// (Leutenegger et al., ICDE 1997). Their format is SQLite's (`rtree.c`): 16 bits depth (root only), 16 bits number of
/// cells, then a 64-bit id and four 32-bit floats (x from, to, y from, to) a cell, all big-endian; node 1 is the root.
///
/// While `geometry_columns.spatial_index_enabled` is 0, maps do without it: it is so from the moment when a load becomes
/// current until its index is whole, so that a kill in between makes maps slower, never wrong.
enum SpatialIndex {
  private static let cellSizeBytes = 24
  private static let headerSizeBytes = 4
  /// Rows that one transaction writes.
  private static let sliceRows = 65_536

  static func disable(_ db: Database) throws {
    try enable(db, false)
  }

  private static func enable(_ db: Database, _ enabled: Bool) throws {
    try db.execute(
      sql: "UPDATE geometry_columns SET spatial_index_enabled = ? WHERE f_table_name = 'service_point'",
      arguments: [enabled])
  }

  static func isEnabled(_ db: Database) throws -> Bool {
    try Bool.fetchOne(
      db, sql: "SELECT spatial_index_enabled FROM geometry_columns WHERE f_table_name = 'service_point'")
      ?? false
  }
}

extension LayerStore {
  /// Packs the R-tree of the addresses in `rows`, in short transactions. Only for the holder of the `.addressLoad` lock.
  func packSpatialIndex(of rows: VersionRows) throws(StoreError) {
    try SpatialIndex.pack(self, rows)
  }
}

extension SpatialIndex {
  private struct Entry {
    var x: Float
    var y: Float
    var place: UInt32
  }

  private struct Box {
    var west = Float.infinity
    var east = -Float.infinity
    var south = Float.infinity
    var north = -Float.infinity

    init() {}

    /// A float to either side, so that the box holds the position that was rounded to `entry`.
    init(_ entry: Entry) {
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

  /// A node to be written: its cells' ids and boxes.
  private struct Node {
    var bytes: [UInt8]
    var box = Box()

    init(sizeBytes: Int) {
      bytes = []
      bytes.reserveCapacity(sizeBytes)
      bytes.append(contentsOf: [0, 0, 0, 0])
    }

    mutating func add(id: Int64, _ cell: Box) {
      append(UInt64(bitPattern: id))
      append(cell.west.bitPattern)
      append(cell.east.bitPattern)
      append(cell.south.bitPattern)
      append(cell.north.bitPattern)
      box.add(cell)
    }

    /// The node as it stands in the table. Only the root's depth is not 0.
    func data(sizeBytes: Int, depth: Int) -> [UInt8] {
      var data = bytes + [UInt8](repeating: 0, count: sizeBytes - bytes.count)
      let count = (bytes.count - headerSizeBytes) / cellSizeBytes
      (data[0], data[1]) = (UInt8(depth >> 8), UInt8(depth & 0xFF))
      (data[2], data[3]) = (UInt8(count >> 8), UInt8(count & 0xFF))
      return data
    }

    private mutating func append(_ value: some FixedWidthInteger) {
      withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }
  }

  fileprivate static func pack(_ store: LayerStore, _ rows: VersionRows) throws(StoreError) {
    var entries = try store.read("index the addresses") { db in try read(rows, db) }
    let nodeSizeBytes = try store.batch("clear the spatial index") { db in try clear(db) }
    let fanOut = (nodeSizeBytes - headerSizeBytes) / cellSizeBytes
    tile(&entries, fanOut: fanOut)

    // The lowest level. Nodes count from 2, and the last one to be made, the root, is 1.
    let leafCount = (entries.count + fanOut - 1) / fanOut
    var nodeOfPlace = [UInt32](repeating: 0, count: Int(entries.map(\.place).max() ?? 0) + 1)
    var level: [(number: Int, box: Box)] = []
    var depth = 0
    func number(_ index: Int, of count: Int, after last: Int) -> Int { count == 1 ? 1 : last + 1 + index }
    var lastNumber = 1
    var pending: [(number: Int, data: [UInt8])] = []
    func write(_ number: Int, _ node: Node) throws(StoreError) {
      // The root comes last of all, so that the tree is empty until it is whole.
      if number != 1 { pending.append((number, node.data(sizeBytes: nodeSizeBytes, depth: 0))) }
      if pending.count * fanOut >= sliceRows { try flush() }
    }
    func flush() throws(StoreError) {
      try store.batch("write the spatial index") { db in
        let insert = try RowStatement(
          db, "INSERT INTO idx_service_point_geom_node (nodeno, data) VALUES (?, ?)")
        for (number, data) in pending {
          insert.bind(Int64(number), at: 1)
          data.withUnsafeBytes { insert.bind($0, at: 2) }
          try insert.run()
        }
      }
      pending.removeAll(keepingCapacity: true)
    }
    var root = Node(sizeBytes: nodeSizeBytes)
    for leaf in 0..<leafCount {
      let leafNumber = number(leaf, of: leafCount, after: lastNumber)
      var node = Node(sizeBytes: nodeSizeBytes)
      for entry in entries[leaf * fanOut..<min((leaf + 1) * fanOut, entries.count)] {
        node.add(id: rows.fid(place: Int(entry.place)), Box(entry))
        nodeOfPlace[Int(entry.place)] = UInt32(leafNumber)
      }
      level.append((leafNumber, node.box))
      root = node
      try write(leafNumber, node)
    }
    entries = []

    // The levels above: neighbours on one level share a parent.
    var parents: [(number: Int, parent: Int)] = []
    while level.count > 1 {
      depth += 1
      lastNumber = level.last!.number
      let count = (level.count + fanOut - 1) / fanOut
      var above: [(number: Int, box: Box)] = []
      for index in 0..<count {
        let parent = number(index, of: count, after: lastNumber)
        var node = Node(sizeBytes: nodeSizeBytes)
        for child in level[index * fanOut..<min((index + 1) * fanOut, level.count)] {
          node.add(id: Int64(child.number), child.box)
          parents.append((child.number, parent))
        }
        above.append((parent, node.box))
        root = node
        try write(parent, node)
      }
      level = above
    }
    try flush()
    try writePairs(store, "parent", "nodeno, parentnode", parents.count) { index in
      (Int64(parents[index].number), Int64(parents[index].parent))
    }
    try writePairs(store, "rowid", "rowid, nodeno", nodeOfPlace.count) { place in
      nodeOfPlace[place] == 0 ? nil : (rows.fid(place: place), Int64(nodeOfPlace[place]))
    }
    try store.batch("finish the spatial index") { db in
      let update = try RowStatement(db, "UPDATE idx_service_point_geom_node SET data = ? WHERE nodeno = 1")
      root.data(sizeBytes: nodeSizeBytes, depth: depth).withUnsafeBytes { update.bind($0, at: 1) }
      try update.run()
      try enable(db, true)
    }
  }

  private static func read(_ rows: VersionRows, _ db: Database) throws -> [Entry] {
    let select = try RowStatement(db, "SELECT fid, geom FROM service_point WHERE fid >= ? AND fid < ?")
    select.bind(rows.fids.lowerBound, at: 1)
    select.bind(rows.fids.upperBound, at: 2)
    defer { select.reset() }
    var entries: [Entry] = []
    while try select.next() {
      let fid = select.int64(at: 0)
      guard let position = select.withBlob(at: 1, { GeometryBlob.point($0) }) else {
        throw LayerStore.damage(["service_point \(fid): its geom is no POINT of EPSG:4326"])
      }
      entries.append(
        Entry(
          x: Float(position.lonDegrees), y: Float(position.latDegrees),
          place: UInt32(VersionRows.place(of: fid))))
    }
    return entries
  }

  /// Leaves an empty tree: SQLite reads the size of a node off the root.
  private static func clear(_ db: Database) throws -> Int {
    let table = "idx_service_point_geom_node"
    let size = try Int.fetchOne(db, sql: "SELECT length(data) FROM \(table) WHERE nodeno = 1")
    guard let size, size >= headerSizeBytes + 2 * cellSizeBytes else {
      throw LayerStore.damage(["\(table) has no root"])
    }
    try db.execute(
      sql: """
        DELETE FROM idx_service_point_geom_node;
        DELETE FROM idx_service_point_geom_parent;
        DELETE FROM idx_service_point_geom_rowid;
        INSERT INTO idx_service_point_geom_node (nodeno, data) VALUES (1, zeroblob(\(size)));
        """)
    return size
  }

  /// Sorts by longitude into strips as wide as they will be high, and each strip by latitude.
  private static func tile(_ entries: inout [Entry], fanOut: Int) {
    let leaves = (entries.count + fanOut - 1) / fanOut
    let stripRows = max(1, Int(Double(leaves).squareRoot().rounded(.up))) * fanOut
    entries.sort { ($0.x, $0.place) < ($1.x, $1.place) }
    for start in stride(from: 0, to: entries.count, by: stripRows) {
      entries[start..<min(start + stripRows, entries.count)].sort { ($0.y, $0.place) < ($1.y, $1.place) }
    }
  }

  private static func writePairs(
    _ store: LayerStore, _ table: String, _ columns: String, _ count: Int,
    _ pair: (Int) -> (Int64, Int64)?
  ) throws(StoreError) {
    for start in stride(from: 0, to: count, by: sliceRows) {
      try store.batch("write the spatial index") { db in
        let insert = try RowStatement(
          db, "INSERT INTO idx_service_point_geom_\(table) (\(columns)) VALUES (?, ?)")
        for index in start..<min(start + sliceRows, count) {
          guard let (first, second) = pair(index) else { continue }
          insert.bind(first, at: 1)
          insert.bind(second, at: 2)
          try insert.run()
        }
      }
    }
  }
}
