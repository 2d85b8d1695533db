// Lays the pieces of an index one behind another while they are built.

import Synchronization

/// The arrays of an index. A piece is brought to its place as soon as those before it are there: so it is still near, and its memory serves for the next one.
/// What one builder alone makes, it makes where it is to stand.
final class LaidPieces: Sendable {
  struct Finished {
    /// Of the whole index.
    let entry: UInt32
    let nodes: FlatArray<UInt32>
    let leaves: FlatArray<UInt32>
    let sets: FlatArray<UInt32>
  }

  private struct State {
    var all: CellIndexPiece
    var brought = BroughtMemory()
    /// By the number of the deferred cell, the entry of its piece in the index.
    var entries: [UInt32]
    /// By turn: pieces that wait for those before them.
    var waiting: [CellIndexPiece?]
    var turn = 0
    var spare: [CellIndexPiece] = []
  }

  private let order: [Int]
  private let pieceEdges: Int
  private let isForOne: Bool
  private let state: Mutex<State>

  /// - Parameters:
  ///   - order: the numbers of the deferred cells whose pieces there will be, by turn.
  ///   - pieceEdges: what a piece has room for.
  ///   - allEdges: what all of them have room for.
  ///   - isForOne: whether one builder makes all of them, in their order.
  init(order: [Int], pieceEdges: Int, allEdges: Int, isForOne: Bool) {
    self.order = order
    self.pieceEdges = pieceEdges
    self.isForOne = isForOne
    var all = CellIndexPiece(edgeCount: allEdges)
    // Before the others is the empty set.
    all.sets.append(0)
    state = Mutex(
      State(
        all: all, entries: Array(repeating: 0, count: order.count),
        waiting: Array(repeating: nil, count: order.count)))
  }

  /// What a builder begins to write to; it gives that back by `end`.
  func begin() -> CellIndexPiece {
    state.withLock { isForOne ? $0.all : $0.spare.popLast() ?? CellIndexPiece(edgeCount: pieceEdges) }
  }

  /// Takes the piece whose turn it is, or will be.
  /// - Returns: what the builder goes on to write to.
  func lay(_ piece: CellIndexPiece, inTurn turn: Int) -> CellIndexPiece {
    state.withLock { state in
      if isForOne {
        state.entries[order[turn]] = piece.entry
        state.turn += 1
        return piece
      }
      state.waiting[turn] = piece
      while state.turn < order.count, var next = state.waiting[state.turn] {
        state.waiting[state.turn] = nil
        state.all.bring(next, &state.brought)
        state.entries[order[state.turn]] = state.all.append(next, [])
        next.removeAll()
        state.spare.append(next)
        state.turn += 1
      }
      return state.spare.popLast() ?? CellIndexPiece(edgeCount: pieceEdges)
    }
  }

  /// Takes back what a builder wrote to last.
  func end(_ piece: CellIndexPiece) {
    state.withLock { state in
      if isForOne { state.all = piece } else { state.spare.append(piece) }
    }
  }

  /// Lays the top behind the others. To be called once, when all are there.
  func finished(_ top: CellIndexPiece) -> Finished {
    state.withLock { state in
      precondition(state.turn == order.count, "all pieces")
      for piece in state.spare { piece.free() }
      let entry = state.all.append(top, state.entries)
      state.all.leaves.append(repeating: 0, count: CompactLeaf.paddingWords)
      state.all.sets.append(repeating: 0, count: CellIndex.setPaddingWords)
      return Finished(
        entry: entry, nodes: state.all.nodes.finished(), leaves: state.all.leaves.finished(),
        sets: state.all.sets.finished())
    }
  }
}

/// How many of a piece's elements have their memory.
private struct BroughtMemory {
  var nodes = 0
  var leaves = 0
  var sets = 0
}

extension CellIndexPiece {
  /// Brings the memory that another piece will take.
  fileprivate func bring(_ other: CellIndexPiece, _ brought: inout BroughtMemory) {
    nodes.bring(other.nodes.count, &brought.nodes)
    leaves.bring(other.leaves.count, &brought.leaves)
    sets.bring(other.sets.count, &brought.sets)
  }

  /// Appends another piece.
  /// - Parameter deferred: the entries of the cells that were left to others, by number.
  /// - Returns: the entry of the other one here.
  fileprivate mutating func append(_ other: CellIndexPiece, _ deferred: [UInt32]) -> UInt32 {
    let move = PieceMove(
      blockOffset: UInt32(nodes.count / 16), leafOffset: UInt32(leaves.count),
      setOffset: UInt32(sets.count) &- other.setsStart, deferred: deferred)
    let from = other.nodes.pointer
    let to = nodes.appendUnwritten(other.nodes.count)
    leaves.append(from: other.leaves.pointer, count: other.leaves.count)
    sets.append(from: other.sets.pointer, count: other.sets.count)
    precondition(
      nodes.count / 16 < DeferredCells.mark && leaves.count < 1 << 30 && sets.count < 1 << 30,
      "too many cells")
    for index in 0..<other.nodes.count {
      to[index] = move.moved(from[index])
      // A leaf has four entries where it is a quarter of the node's cell.
      let isRepeated =
        index & 1 != 0 && from[index] == from[index - 1] || index & 4 != 0 && from[index] == from[index - 4]
      if !isRepeated { move.moveSet(ofLeaf: from[index], leaves.pointer) }
    }
    move.moveSet(ofLeaf: other.entry, leaves.pointer)
    return move.moved(other.entry)
  }
}

/// What the entries of a piece become where it is brought behind others.
private struct PieceMove {
  let blockOffset: UInt32
  let leafOffset: UInt32
  let setOffset: UInt32
  let deferred: [UInt32]

  @inline(__always)
  func moved(_ entry: UInt32) -> UInt32 {
    switch entry & CellIndex.tagMask {
    // The empty set is the same for all.
    case 0: entry == 0 ? 0 : entry &+ setOffset
    case CellIndex.nodeTag: DeferredCells.number(of: entry).map { deferred[$0] } ?? entry &+ blockOffset
    default: entry &+ leafOffset
    }
  }

  /// All leaves begin with the place of a set.
  @inline(__always)
  func moveSet(ofLeaf entry: UInt32, _ leaves: UnsafeMutablePointer<UInt32>) {
    // An edge leaf's tag and a compact leaf's have the lower bit.
    guard entry & CellIndex.edgeLeafTag != 0 else { return }
    let leaf = leaves + Int(moved(entry) & ~CellIndex.tagMask)
    leaf[0] = moved(leaf[0])
  }
}
