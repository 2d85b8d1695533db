// The columns of records that come as trees.

/// Puts texts into a record's columns by their names.
struct NodeColumns {
  private(set) var index = ColumnIndex()

  mutating func start(_ record: inout RawRecord, number: Int) {
    record.reset(number: number, columnCount: index.names.count)
    index.startRecord()
  }

  /// The first text of a name is taken.
  mutating func set(_ name: String, _ text: String, _ record: inout RawRecord) {
    guard !text.isEmpty, let column = Array(name.utf8).withUnsafeBufferPointer({ index.number(of: $0) })
    else {
      return
    }
    if column == record.values.count { record.values.append(.null) }
    guard case .null = record.values[column] else { return }
    let start = record.text.count
    record.text += text.utf8
    record.values[column] = .text(start..<record.text.count)
  }

  /// Leaves become columns `outer.inner`, but for the children that `isGeometry` names.
  mutating func flatten(
    _ node: RecordNode, prefix: String = "", except isGeometry: (RecordNode) -> Bool,
    _ record: inout RawRecord
  ) {
    for child in node.children where !isGeometry(child) {
      let name = prefix + child.name
      if child.children.isEmpty {
        set(name, child.text, &record)
      } else {
        flatten(child, prefix: name + ".", except: isGeometry, &record)
      }
    }
  }
}
