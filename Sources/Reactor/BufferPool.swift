// Lends buffers to connections that have something half done, and takes them back.

internal import ByteBuffers

/// A loop's spare buffers. Only for its own thread.
final class BufferPool {
  // Invariant: the first `spareCount` elements are initialised. (An array cannot hold what has one owner.)
  private let spares: UnsafeMutablePointer<ByteBuffer>
  private var spareCount = 0
  private let bytesMax: Int
  /// Bytes that the spare buffers hold.
  private(set) var pooledBytes = 0

  static let spareCountMax = 1024
  /// A buffer that grew beyond this is rarer than the need for its memory.
  static let keptCapacityMax = 262_144

  init(bytesMax: Int) {
    self.bytesMax = bytesMax
    spares = .allocate(capacity: Self.spareCountMax)
  }

  deinit {
    spares.deinitialize(count: spareCount)
    spares.deallocate()
  }

  /// Gives memory to `buffer`, which must have none, if there is any to spare.
  func lend(to buffer: inout ByteBuffer) {
    guard spareCount > 0 else { return }
    spareCount -= 1
    buffer = (spares + spareCount).move()
    pooledBytes -= buffer.capacity
  }

  /// Takes the memory of `buffer`, which has none afterwards.
  func takeBack(_ buffer: inout ByteBuffer) {
    guard buffer.capacity > 0 else { return }
    var taken = ByteBuffer()
    swap(&taken, &buffer)
    guard taken.capacity <= Self.keptCapacityMax, pooledBytes + taken.capacity <= bytesMax,
      spareCount < Self.spareCountMax
    else { return }
    taken.removeAll()
    pooledBytes += taken.capacity
    (spares + spareCount).initialize(to: taken)
    spareCount += 1
  }
}
