// Sets of polygons, one after another in two flat arrays.

/// Sets of polygon ids: set s has the members `members[starts[s] ..< starts[s + 1]]`, ascending.
@usableFromInline
struct FlatSets: Sendable {
  @usableFromInline let starts: FlatArray<UInt32>
  @usableFromInline let members: FlatArray<UInt32>

  static let none = FlatSets(starts: FlatArray([0]), members: FlatArray([]))

  init(starts: FlatArray<UInt32>, members: FlatArray<UInt32>) {
    self.starts = starts
    self.members = members
  }

  init(_ table: consuming SetTable) { (starts, members) = table.finished() }

  @inlinable
  var count: Int { starts.count - 1 }

  var byteCount: Int { starts.byteCount + members.byteCount }

  /// The members of a set; valid for as long as this value lives.
  @inlinable @inline(__always)
  func members(of set: Int) -> UnsafeBufferPointer<UInt32> {
    let start = Int(starts[set])
    return UnsafeBufferPointer(rebasing: members.buffer[start..<Int(starts[set + 1])])
  }
}

extension FlatSets {
  func write(_ name: String, to writer: inout SectionWriter) {
    writer.append("\(name)Starts", starts)
    writer.append("\(name)Members", members)
  }

  /// Sets over sections that `write` made; their members are for `checkMembers` to look at.
  init(validating reader: inout SectionReader, _ name: String) throws(SectionError) {
    starts = try reader.take("\(name)Starts")
    members = try reader.take("\(name)Members")
    try SectionReader.checkStarts("\(name)Starts", starts, end: members.count)
  }

  /// Checks that the members of a set ascend and lie below `end`.
  func checkMembers(of set: Int, _ name: String, below end: Int) throws(SectionError) {
    let first = Int(starts.pointer[set])
    for index in first..<Int(starts.pointer[set + 1]) {
      let member = members.pointer[index]
      guard index == first || members.pointer[index - 1] < member, Int(member) < end else {
        throw .element(
          section: "\(name)Members", index: index, found: "\(member)", expected: "ascending ids below \(end)")
      }
    }
  }

  /// The sets of a table behind these, but for the empty one.
  func appending(_ table: borrowing SetTable) -> FlatSets {
    if table.setCount == 1 { return self }
    // The end of these sets is where the first of the table's starts.
    let (start, moreStarts, moreMembers) = (UInt32(members.count), table.starts, table.members)
    return FlatSets(
      starts: FlatArray(count: starts.count + moreStarts.count - 2) { target in
        target.baseAddress!.update(from: starts.pointer, count: starts.count)
        for place in starts.count..<target.count {
          target[place] = start + moreStarts.pointer[place - starts.count + 2]
        }
      },
      members: FlatArray(count: members.count + moreMembers.count) { target in
        target.baseAddress!.update(from: members.pointer, count: members.count)
        (target.baseAddress! + members.count).update(from: moreMembers.pointer, count: moreMembers.count)
      })
  }

  /// The same sets under other ids, `UInt32.max` for what has none. What stands in sets that are no longer asked for may be no id at all.
  func renamed(_ newIdOfOld: FlatArray<UInt32>, ascends: Bool) -> FlatSets {
    let renamed = FlatArray<UInt32>(count: members.count) { target in
      for index in 0..<members.count {
        let id = Int(members.pointer[index])
        target[index] = id < newIdOfOld.count ? newIdOfOld.pointer[id] : .max
      }
      if ascends { return }
      for set in 0..<count {
        target[Int(starts.pointer[set])..<Int(starts.pointer[set + 1])].sort()
      }
    }
    return FlatSets(starts: starts, members: renamed)
  }
}
