// A packed R-tree to and from flat sections.

extension PackedRTree {
  /// Appends the sections of the tree; `name` says what its items are.
  func write(_ name: String, to writer: inout SectionWriter) {
    writer.append("\(name).levelStarts", levelStarts)
    writer.append("\(name).boxes", boxes)
  }

  /// - Parameter box: the bounds that each item must have.
  init(
    validating reader: inout SectionReader, _ name: String, itemCount: Int, _ box: (Int) -> Box
  ) throws(SectionError) {
    // The levels follow from the number of items; only the boxes are worth keeping, and they are cheap to compare.
    let expected = PackedRTree(itemCount: itemCount, box)
    let levelStarts: FlatArray<UInt32> = try reader.take(
      "\(name).levelStarts", count: expected.levelStarts.count)
    for level in 0..<levelStarts.count where levelStarts.pointer[level] != expected.levelStarts.pointer[level]
    {
      throw .element(
        section: "\(name).levelStarts", index: level, found: "\(levelStarts.pointer[level])",
        expected: "\(expected.levelStarts.pointer[level])")
    }
    let boxes: FlatArray<Box> = try reader.take("\(name).boxes", count: expected.boxes.count)
    for index in 0..<boxes.count where boxes.pointer[index] != expected.boxes.pointer[index] {
      throw .element(
        section: "\(name).boxes", index: index, found: "\(boxes.pointer[index])",
        expected: "\(expected.boxes.pointer[index])")
    }
    self.init(boxes: boxes, levelStarts: levelStarts)
  }

  private init(boxes: FlatArray<Box>, levelStarts: FlatArray<UInt32>) {
    self.boxes = boxes
    self.levelStarts = levelStarts
  }
}
