// What a builder makes of one cell, before it has its place in the index.

/// The nodes, the leaves and the sets below one cell; its owner frees it.
struct CellIndexPiece: @unchecked Sendable {
  // Invariant: who has it is the only one who has.

  /// Of the cell.
  var entry: UInt32 = 0
  /// The entries here and the places of sets in `leaves` count from the starts of `nodes` and `leaves`, and from `setsStart`.
  var nodes: GrowingBuffer<UInt32>
  var leaves: GrowingBuffer<UInt32>
  /// Each with its number of members before it.
  var sets: GrowingBuffer<UInt32>
  var setsStart: UInt32 = 0

  /// - Parameter edgeCount: what room is made for: memory that is not written to costs little, and what grows is copied.
  init(edgeCount: Int) {
    // A storm's take two fifths of a word and two and a half words an edge, and half a word for the sets.
    nodes = GrowingBuffer(capacity: 2 * edgeCount / 3 + 1024)
    leaves = GrowingBuffer(capacity: 4 * edgeCount + 1024)
    sets = GrowingBuffer(capacity: edgeCount + 1024)
  }

  func free() {
    nodes.free()
    leaves.free()
    sets.free()
  }

  mutating func removeAll() {
    nodes.removeAll()
    leaves.removeAll()
    sets.removeAll()
  }
}
