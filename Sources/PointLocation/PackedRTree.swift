// A packed R-tree over boxes that are given in a good order, as one flat array of boxes.

/// A static R-tree without pointers: node n of a level holds the nodes `fanout * n ..< fanout * (n + 1)` of the level below.
///
/// The layout is that of flatbush; the items must come in an order that keeps neighbours together (Hilbert), and are named by their
/// place in it.
struct PackedRTree: Sendable {
  static let fanout = 16

  /// The boxes of all levels, items first, the root last.
  let boxes: FlatArray<Box>
  /// Where each level starts in `boxes`, and at the end their number.
  let levelStarts: FlatArray<UInt32>

  /// - Parameter box: the bounds of each item.
  init(itemCount: Int, _ box: (Int) -> Box) {
    var starts: [UInt32] = [0]
    var levelCount = itemCount
    var total = itemCount
    while levelCount > 1 {
      starts.append(UInt32(total))
      levelCount = (levelCount + Self.fanout - 1) / Self.fanout
      total += levelCount
    }
    starts.append(UInt32(total))
    levelStarts = FlatArray(starts)
    boxes = FlatArray(count: total) { boxes in
      for item in 0..<itemCount { boxes[item] = box(item) }
      for level in 1..<max(1, starts.count - 1) {
        let below = Int(starts[level - 1])..<Int(starts[level])
        for node in 0..<Int(starts[level + 1] - starts[level]) {
          var bounds = Box.empty
          let first = below.lowerBound + node * Self.fanout
          for child in first..<min(first + Self.fanout, below.upperBound) { bounds.extend(boxes[child]) }
          boxes[Int(starts[level]) + node] = bounds
        }
      }
    }
  }

  var byteCount: Int { boxes.byteCount + levelStarts.byteCount }

  /// The bounds of all items.
  var bounds: Box { boxes.count == 0 ? .empty : boxes[boxes.count - 1] }

  /// Calls `body` for each item whose box meets `box`, in ascending order.
  @inline(__always)
  func visit(_ box: Box, _ body: (Int) -> Void) {
    guard boxes.count > 0, boxes.pointer[boxes.count - 1].intersects(box) else { return }
    // By addresses alone: the arrays would be counted with each step.
    withExtendedLifetime((boxes, levelStarts)) {
      Self.descend(boxes.pointer, levelStarts.pointer, level: levelStarts.count - 2, node: 0, box, body)
    }
  }

  /// Visits below a node that is known to meet the box.
  private static func descend(
    _ boxes: UnsafePointer<Box>, _ levelStarts: UnsafePointer<UInt32>, level: Int, node: Int, _ box: Box,
    _ body: (Int) -> Void
  ) {
    if level == 0 { return body(node) }
    let start = Int(levelStarts[level - 1])
    let end = Int(levelStarts[level]) - start
    let first = node * fanout
    for child in first..<min(first + fanout, end) where boxes[start + child].intersects(box) {
      descend(boxes, levelStarts, level: level - 1, node: child, box, body)
    }
  }
}
