// Structures as lists of flat sections: what a file holds is what memory holds, and a mapping serves it as it is.

/// One array of a structure, as bytes in the machine's byte order.
public struct FlatSection: Sendable {
  /// What the array is, for messages: `polygons.coordinates`.
  public let name: String
  /// Where they are not held, they are made with each call.
  public var bytes: FlatArray<UInt8> { make() }
  private let make: @Sendable () -> FlatArray<UInt8>

  /// - Parameter bytes: aligned to 8 bytes when it is read; a file that starts its sections at multiples of 64 is best.
  public init(name: String, bytes: FlatArray<UInt8>) { self.init(name: name) { bytes } }

  /// - Parameter make: gives the bytes, the same each time.
  init(name: String, make: @escaping @Sendable () -> FlatArray<UInt8>) {
    self.name = name
    self.make = make
  }
}

/// What is wrong with the sections of a structure.
public enum SectionError: Error, Hashable, Sendable {
  /// There are fewer sections than the structure has.
  case missing(section: String)
  /// The section that stands here is another one.
  case order(found: String, expected: String)
  /// The bytes do not start at a multiple of the element's alignment.
  case misaligned(section: String, alignmentBytes: Int)
  /// The number of bytes or elements is not what the other sections call for.
  case count(section: String, found: Int, expected: String)
  /// An element cannot stand where it stands.
  case element(section: String, index: Int, found: String, expected: String)
}

/// Collects the sections of one or more structures, without copying them.
///
/// ```swift
/// var writer = SectionWriter()
/// index.write(to: &writer)
/// for section in writer.sections { file.append(section.bytes.buffer) }
/// ```
public struct SectionWriter {
  public private(set) var sections: [FlatSection] = []

  public init() {}

  public mutating func append<Element>(_ name: String, _ array: FlatArray<Element>) {
    sections.append(FlatSection(name: name, bytes: array.bytes))
  }

  /// For what is large and has to be put together: it is done with each use of the section, and not held between them.
  public mutating func append<Element>(_ name: String, _ make: @escaping @Sendable () -> FlatArray<Element>) {
    sections.append(FlatSection(name: name) { make().bytes })
  }
}

extension FlatArray {
  /// The same memory.
  fileprivate var bytes: FlatArray<UInt8> {
    let start = storage.bytes.baseAddress.map { UnsafeRawPointer(pointer) - $0 } ?? 0
    return FlatArray<UInt8>(storage: storage, byteOffset: start, count: byteCount)
  }
}

/// Hands out sections in the order in which they were written.
public struct SectionReader {
  private let sections: [FlatSection]
  private var next = 0

  public init(_ sections: [FlatSection]) { self.sections = sections }

  /// The next section as an array over the same memory, which it keeps alive.
  ///
  /// - Throws: `SectionError` if it is another section, or not a whole number of aligned elements.
  public mutating func take<Element: BitwiseCopyable>(
    _ name: String, as type: Element.Type = Element.self
  ) throws(SectionError) -> FlatArray<Element> {
    guard next < sections.count else { throw .missing(section: name) }
    let section = sections[next]
    guard section.name == name else { throw .order(found: section.name, expected: name) }
    let bytes = section.bytes
    let stride = MemoryLayout<Element>.stride
    guard bytes.count % stride == 0 else {
      throw .count(section: name, found: bytes.count, expected: "a multiple of \(stride) bytes")
    }
    if bytes.count == 0 {
      next += 1
      return FlatArray([])
    }
    let alignment = MemoryLayout<Element>.alignment
    let start = UnsafeRawPointer(bytes.pointer) - bytes.storage.bytes.baseAddress!
    guard start % alignment == 0, UInt(bitPattern: bytes.pointer) % UInt(alignment) == 0 else {
      throw .misaligned(section: name, alignmentBytes: alignment)
    }
    next += 1
    return FlatArray(storage: bytes.storage, byteOffset: start, count: bytes.count / stride)
  }

  /// The next section, which must have a certain number of elements.
  package mutating func take<Element: BitwiseCopyable>(
    _ name: String, count: Int
  ) throws(SectionError) -> FlatArray<Element> {
    let array = try take(name, as: Element.self)
    guard array.count == count else {
      throw .count(section: name, found: array.count, expected: "\(count) elements")
    }
    return array
  }

  /// The next section, which must rise from 0 to `end` by at least `step` each time.
  package mutating func takeStarts(
    _ name: String, end: Int, step: UInt32 = 0
  ) throws(SectionError) -> FlatArray<UInt32> {
    let starts = try take(name, as: UInt32.self)
    try Self.checkStarts(name, starts, end: end, step: step)
    return starts
  }

  /// Checks that the elements rise from 0 to `end` by at least `step` each time.
  package static func checkStarts(
    _ name: String, _ starts: FlatArray<UInt32>, end: Int, step: UInt32 = 0
  ) throws(SectionError) {
    guard starts.count > 0, starts.pointer[0] == 0 else {
      throw .count(section: name, found: starts.count, expected: "a first element 0")
    }
    for index in 1..<max(1, starts.count) {
      let (previous, start) = (starts.pointer[index - 1], starts.pointer[index])
      if start < previous || start - previous < step {
        throw .element(
          section: name, index: index, found: "\(start)", expected: "at least \(previous) + \(step)")
      }
    }
    let last = starts.count - 1
    guard Int(starts.pointer[last]) == end else {
      throw .element(
        section: name, index: last, found: "\(starts.pointer[last])", expected: "\(end), the end")
    }
  }
}
