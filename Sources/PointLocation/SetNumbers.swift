// The number of each point's set, in pages, so that the joins of one layer after another share what has not changed.

/// A number for each point. Where some change, only the pages that they stand in are copied.
public struct SetNumbers: RandomAccessCollection, Sendable {
  /// Points in a page; the last one may have fewer.
  @usableFromInline static let pageLength = 1 << pageBits
  @usableFromInline static let pageBits = 9

  public let count: Int
  /// Where each page starts.
  @usableFromInline let pages: FlatArray<UnsafePointer<UInt32>>
  /// What the pages lie in: the numbers as they once were, and behind them the pages that have been replaced since. Some of both may be those of no page
  /// any more.
  private let arrays: [FlatArray<UInt32>]

  /// - Parameter numbers: one for each point; they are not copied.
  init(_ numbers: FlatArray<UInt32>) {
    count = numbers.count
    pages = FlatArray(count: Self.pageCount(numbers.count)) { pages in
      for page in pages.indices {
        pages.initializeElement(at: page, to: numbers.pointer + page << Self.pageBits)
      }
    }
    arrays = [numbers]
  }

  private init(count: Int, pages: FlatArray<UnsafePointer<UInt32>>, arrays: [FlatArray<UInt32>]) {
    self.count = count
    self.pages = pages
    self.arrays = arrays
  }

  static func pageCount(_ pointCount: Int) -> Int { (pointCount + pageLength - 1) >> pageBits }

  public var startIndex: Int { 0 }
  public var endIndex: Int { count }

  /// - Precondition: `point` lies in `0 ..< count`.
  @inlinable @inline(__always)
  public subscript(point: Int) -> UInt32 {
    precondition(point >= 0 && point < count, "point out of range")
    return address(of: point).pointee
  }

  /// Where a point's number stands, for as long as this value lives.
  /// - Precondition: `point` lies in `0 ..< count`; it is not checked.
  @inlinable @inline(__always)
  public func address(of point: Int) -> UnsafePointer<UInt32> {
    pages.pointer[point &>> Self.pageBits] + (point & (Self.pageLength - 1))
  }

  public var byteCount: Int { arrays.reduce(pages.byteCount) { $0 + $1.byteCount } }

  /// All numbers one after another; copied where they do not stand so.
  var contiguous: FlatArray<UInt32> {
    if arrays.count == 1 { return arrays[0] }
    return FlatArray(count: count) { copy(0..<pages.count, to: $0) }
  }

  /// Copies some pages one behind another; of all, only the last one may have fewer numbers.
  private func copy(_ some: some Sequence<Int>, to target: UnsafeMutableBufferPointer<UInt32>) {
    for (place, page) in some.enumerated() {
      let length = Swift.min(Self.pageLength, count - page << Self.pageBits)
      (target.baseAddress! + place << Self.pageBits).update(from: pages.pointer[page], count: length)
    }
  }

  /// The same numbers, but for some pages.
  ///
  /// When what has been replaced would come to half of all, all pages are copied, and share nothing any more.
  /// - Parameters:
  ///   - replaced: the numbers of the pages, ascending.
  ///   - change: called for each of them with the address of a copy of its numbers, which it may write to.
  func replacing(_ replaced: [Int], _ change: (_ page: Int, UnsafeMutablePointer<UInt32>) -> Void)
    -> SetNumbers
  {
    if replaced.isEmpty { return self }
    let kept = arrays.dropFirst().reduce(replaced.count << Self.pageBits) { $0 + $1.count }
    let isWhole = kept * 2 > count
    let copied = isWhole ? Array(0..<pages.count) : replaced
    // The last page of all.
    let missing = copied.last == pages.count - 1 ? pages.count << Self.pageBits - count : 0
    let copy = FlatArray<UInt32>(count: copied.count << Self.pageBits - missing) { target in
      self.copy(copied, to: target)
      for (place, page) in replaced.enumerated() {
        change(page, target.baseAddress! + (isWhole ? page : place) << Self.pageBits)
      }
    }
    let newPages = FlatArray<UnsafePointer<UInt32>>(count: pages.count) { target in
      target.baseAddress!.update(from: pages.pointer, count: pages.count)
      for (place, page) in copied.enumerated() { target[page] = copy.pointer + place << Self.pageBits }
    }
    return SetNumbers(count: count, pages: newPages, arrays: isWhole ? [copy] : arrays + [copy])
  }
}
