// The numbers of columns whose names come with every record.

/// Columns by name. Records name them in the same order again and again, so that the one after the last is tried first.
struct ColumnIndex {
  private(set) var names: [String] = []
  /// The same as bytes.
  private(set) var keys: [[UInt8]] = []
  private var last = -1
  /// Of the record that has begun, in its order; `nil` if one had no number left.
  private(set) var ofRecord: [Int]? = []

  static let countMax = 4096

  /// The column's number; a new name gets the next one, and `nil` if there are too many.
  mutating func number(of name: UnsafeBufferPointer<UInt8>) -> Int? {
    guard let number = find(name) else {
      ofRecord = nil
      return nil
    }
    ofRecord?.append(number)
    return number
  }

  private mutating func find(_ name: UnsafeBufferPointer<UInt8>) -> Int? {
    for candidate in [last + 1, last + 2] where candidate < keys.count {
      if keys[candidate].elementsEqual(name) {
        last = candidate
        return candidate
      }
    }
    if let known = keys.firstIndex(where: { $0.elementsEqual(name) }) {
      last = known
      return known
    }
    guard keys.count < Self.countMax else { return nil }
    keys.append(Array(name))
    names.append(String(decoding: name, as: UTF8.self))
    last = keys.count - 1
    return last
  }

  mutating func startRecord() {
    last = -1
    if ofRecord == nil { ofRecord = [] } else { ofRecord!.removeAll(keepingCapacity: true) }
  }

}
