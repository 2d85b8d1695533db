// A growable run of bytes with one owner: what sockets are read into, replies are written into, and both halves of the wire share.

/// A growable, uniquely owned run of bytes. An empty one holds no memory.
///
/// This file is the one home of its unsafe code. The invariant: `storage` is `nil` exactly where `capacity` is 0; otherwise it
/// points to `capacity` allocated bytes, of which the first `count` are initialised; nobody else frees it.
///
/// ```swift
/// var reply = ByteBuffer()
/// reply.append("+OK\r\n")
/// send(descriptor, reply.bytes.baseAddress, reply.count, 0)
/// ```
public struct ByteBuffer: ~Copyable {
  @usableFromInline var storage: UnsafeMutableRawPointer?
  @usableFromInline var length = 0
  @usableFromInline var allocated = 0

  /// The smallest block that is allocated; each further one is at least twice as large.
  public static var capacityMin: Int { 256 }

  /// An empty buffer without memory.
  @inlinable
  public init() {}

  /// An empty buffer with room for `capacity` bytes.
  public init(capacity: Int) {
    grow(toHold: capacity)
  }

  deinit { storage?.deallocate() }

  @inlinable
  public var count: Int { length }

  @inlinable
  public var capacity: Int { allocated }

  @inlinable
  public var isEmpty: Bool { length == 0 }

  /// The bytes written so far; valid until this buffer is next changed.
  @inlinable
  public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: storage, count: length) }
}

// Ownership is unique, so a buffer may be handed to another thread.
extension ByteBuffer: @unchecked Sendable {}

// MARK: - Appending

extension ByteBuffer {
  /// Makes sure that `additional` bytes can be appended without another allocation.
  @inlinable @inline(__always)
  public mutating func reserve(_ additional: Int) {
    if _slowPath(allocated - length < additional) { grow(toHold: length + additional) }
  }

  @inlinable @inline(__always)
  public mutating func append(_ byte: UInt8) {
    reserve(1)
    storage.unsafelyUnwrapped.storeBytes(of: byte, toByteOffset: length, as: UInt8.self)
    length &+= 1
  }

  /// Appends a copy of `bytes`, which must not lie in this buffer.
  @inlinable @inline(__always)
  public mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress, bytes.count > 0 else { return }
    reserve(bytes.count)
    (storage.unsafelyUnwrapped + length).copyMemory(from: source, byteCount: bytes.count)
    length &+= bytes.count
  }

  /// Appends what `write` writes and returns the number of; any of `byteCountMax` bytes may be written to.
  @inlinable @inline(__always)
  public mutating func append(atMost byteCountMax: Int, _ write: (UnsafeMutablePointer<UInt8>) -> Int) {
    reserve(max(1, byteCountMax))
    let written = write((storage.unsafelyUnwrapped + length).assumingMemoryBound(to: UInt8.self))
    precondition(written >= 0 && written <= byteCountMax, "more than there was room for")
    length &+= written
  }

  @inlinable @inline(__always)
  public mutating func append(_ text: StaticString) {
    append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Appends the text's UTF-8 bytes.
  @inlinable
  public mutating func append(utf8Of text: String) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  /// Appends the decimal digits of `value`, with a minus sign where it is negative.
  @inlinable
  public mutating func append(decimal value: Int) {
    if value >= 0 && value < 10 {
      append(0x30 &+ UInt8(truncatingIfNeeded: value))
      return
    }
    var rest = value.magnitude
    var digitCount = 1
    var bound: UInt = 10
    while rest >= bound {
      digitCount &+= 1
      let (next, overflow) = bound.multipliedReportingOverflow(by: 10)
      if overflow { break }
      bound = next
    }
    let byteCount = digitCount &+ (value < 0 ? 1 : 0)
    reserve(byteCount)
    let start = storage.unsafelyUnwrapped + length
    var position = byteCount
    repeat {
      position &-= 1
      let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
      start.storeBytes(
        of: 0x30 &+ UInt8(truncatingIfNeeded: digit), toByteOffset: position, as: UInt8.self)
      rest = quotient
    } while rest > 0
    if value < 0 { start.storeBytes(of: 0x2D, as: UInt8.self) }
    length &+= byteCount
  }
}

// MARK: - Reading into it, and taking away

extension ByteBuffer {
  /// The memory behind the last byte, for a system call to write into; follow it with `didFill`.
  @inlinable
  public var freeSpace: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(
      start: storage.map { $0 + length }, count: allocated - length)
  }

  /// Counts `byteCount` bytes, which somebody wrote into `freeSpace`, as part of the buffer.
  @inlinable
  public mutating func didFill(_ byteCount: Int) {
    precondition(byteCount >= 0 && byteCount <= allocated - length, "beyond the free space")
    length += byteCount
  }

  /// Forgets the bytes and keeps the memory.
  @inlinable @inline(__always)
  public mutating func removeAll() {
    length = 0
  }

  /// Forgets the bytes, and the memory too if it is larger than `capacityMax`.
  @inlinable
  public mutating func removeAll(keepingAtMost capacityMax: Int) {
    length = 0
    if _slowPath(allocated > capacityMax) { self = ByteBuffer() }
  }

  /// Forgets all behind the first `newCount` bytes.
  @inlinable
  public mutating func truncate(to newCount: Int) {
    precondition(newCount >= 0 && newCount <= length, "longer than the buffer")
    length = newCount
  }

  /// Replaces a byte that was written.
  @inlinable @inline(__always)
  public mutating func replaceByte(at offset: Int, with byte: UInt8) {
    precondition(offset >= 0 && offset < length, "beyond the bytes")
    storage.unsafelyUnwrapped.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
  }

  /// Moves the bytes from `offset` on towards the end or the front, so that what they hold comes to begin at `newOffset`. Where they moved towards the end, the bytes between
  /// are to be replaced.
  public mutating func moveTail(from offset: Int, to newOffset: Int) {
    precondition(offset >= 0 && offset <= length && newOffset >= 0, "beyond the bytes")
    let byteCount = length - offset
    reserve(max(0, newOffset - offset))
    if let storage { (storage + newOffset).copyMemory(from: storage + offset, byteCount: byteCount) }
    length = newOffset + byteCount
  }

  /// Moves the bytes from `byteCount` on to the front.
  public mutating func removeFirst(_ byteCount: Int) {
    precondition(byteCount >= 0 && byteCount <= length, "more than the buffer holds")
    guard byteCount > 0, let storage else { return }
    storage.copyMemory(from: storage + byteCount, byteCount: length - byteCount)
    length -= byteCount
  }

  @usableFromInline @inline(never)
  mutating func grow(toHold byteCount: Int) {
    guard byteCount > allocated else { return }
    var newCapacity = max(Self.capacityMin, allocated)
    while newCapacity < byteCount { newCapacity *= 2 }
    let newStorage = UnsafeMutableRawPointer.allocate(byteCount: newCapacity, alignment: 16)
    if let storage {
      newStorage.copyMemory(from: storage, byteCount: length)
      storage.deallocate()
    }
    storage = newStorage
    allocated = newCapacity
  }
}
