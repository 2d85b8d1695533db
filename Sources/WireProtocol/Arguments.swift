// The arguments of one request, as places in the input: nothing is copied.

/// The arguments of one request, the command's name first.
///
/// They point into the bytes that were parsed (or, where an inline command had escapes in it, into the parser): valid until the
/// parser is next called or the input moves, whichever comes first.
public struct Arguments {
  @usableFromInline let base: UnsafePointer<Bytes>
  public let count: Int

  @inlinable
  init(base: UnsafePointer<Bytes>, count: Int) {
    self.base = base
    self.count = count
  }

  /// - Precondition: `index` lies in `0 ..< count`.
  @inlinable
  public subscript(index: Int) -> Bytes {
    precondition(index >= 0 && index < count, "no such argument")
    return base[index]
  }

  /// The arguments from `index` on.
  @inlinable
  public func dropFirst(_ index: Int) -> Arguments {
    precondition(index >= 0 && index <= count, "no such argument")
    return Arguments(base: base + index, count: count - index)
  }
}
