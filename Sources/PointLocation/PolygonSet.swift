// All polygons of a layer as flat arrays of coordinates.

/// The multipolygons of a layer: polygon p has the rings `polygonStarts[p] ..< polygonStarts[p + 1]`, and ring r the vertices
/// `ringStarts[r] ..< ringStarts[r + 1]`, the last of which repeats the first.
public struct PolygonSet: Sendable {
  /// x and y of each vertex in turn, in degrees.
  public let coordinates: FlatArray<Double>
  /// The first vertex of each ring, and at the end the number of vertices.
  public let ringStarts: FlatArray<UInt32>
  /// The first ring of each polygon, and at the end the number of rings.
  public let polygonStarts: FlatArray<UInt32>
  /// The bounds of each polygon; `Box.empty` for one without vertices.
  public let boxes: FlatArray<Box>

  public var count: Int { boxes.count }
  public var vertexCount: Int { coordinates.count / 2 }

  /// The vertices of all rings of a polygon.
  @inline(__always)
  func vertices(of polygon: Int) -> Range<Int> {
    Int(ringStarts[Int(polygonStarts[polygon])])..<Int(ringStarts[Int(polygonStarts[polygon + 1])])
  }

  /// The coordinates of all rings of a polygon, one after another: part of the set's own memory.
  public func coordinates(of polygon: Int) -> FlatArray<Double> {
    let vertices = vertices(of: polygon)
    let start = coordinates.pointer + 2 * vertices.lowerBound
    return FlatArray(
      storage: coordinates.storage,
      byteOffset: coordinates.storage.bytes.baseAddress.map { UnsafeRawPointer(start) - $0 } ?? 0,
      count: 2 * vertices.count)
  }

  /// The memory of the arrays.
  public var byteCount: Int {
    coordinates.byteCount + ringStarts.byteCount + polygonStarts.byteCount + boxes.byteCount
  }
}

/// Collects the polygons of a layer one by one.
///
/// ```swift
/// var builder = PolygonSetBuilder()
/// let id = builder.append(coordinates: [0, 0, 1, 0, 1, 1, 0, 0], ringStarts: [0, 4])
/// let polygons = builder.build()
/// ```
public struct PolygonSetBuilder: ~Copyable {
  private var coordinates: GrowingBuffer<Double>
  private var ringStarts: GrowingBuffer<UInt32>
  private var polygonStarts: GrowingBuffer<UInt32>
  private var boxes: GrowingBuffer<Box>

  /// A layer has tens of megabytes of coordinates: with room for all of them, they are written once and copied no more.
  /// - Parameters:
  ///   - polygonCapacity: polygons that there is room for; more can be added.
  ///   - ringCapacity: the same of rings.
  ///   - vertexCapacity: the same of vertices.
  public init(polygonCapacity: Int = 0, ringCapacity: Int = 0, vertexCapacity: Int = 0) {
    coordinates = GrowingBuffer(capacity: 2 * vertexCapacity)
    ringStarts = GrowingBuffer(capacity: ringCapacity + 1)
    polygonStarts = GrowingBuffer(capacity: polygonCapacity + 1)
    boxes = GrowingBuffer(capacity: polygonCapacity)
    ringStarts.append(0)
    polygonStarts.append(0)
  }

  deinit {
    coordinates.free()
    ringStarts.free()
    polygonStarts.free()
    boxes.free()
  }

  /// Adds a multipolygon: a point is inside if a ray from it crosses its rings an odd number of times, whatever part or hole they are.
  ///
  /// - Parameters:
  ///   - coordinates: x (longitude) and y (latitude) in turn, in degrees, finite.
  ///   - ringStarts: ring r has the vertices `ringStarts[r] ..< ringStarts[r + 1]`; a ring that is not closed is closed here, so that
  ///     each has an edge.
  /// - Returns: the polygon's id: 0, 1, 2, ...
  @discardableResult
  public mutating func append(coordinates: [Double], ringStarts: [Int32]) -> Int {
    coordinates.withUnsafeBufferPointer { append(coordinates: $0, ringStarts: ringStarts) }
  }

  /// The same of coordinates that lie anywhere.
  @discardableResult
  public mutating func append(coordinates: UnsafeBufferPointer<Double>, ringStarts: [Int32]) -> Int {
    precondition(coordinates.count % 2 == 0, "a coordinate without its pair")
    var box = Box.empty
    for ring in 0..<max(0, ringStarts.count - 1) {
      let first = Int(ringStarts[ring])
      let end = Int(ringStarts[ring + 1])
      precondition(
        0 <= first && first <= end && end * 2 <= coordinates.count, "ring beyond the coordinates")
      if first == end { continue }
      let target = self.coordinates.appendUnwritten(2 * (end - first))
      for vertex in first..<end {
        // Adding zero turns -0 into 0, so that equal coordinates have equal bits.
        let x = coordinates[2 * vertex] + 0
        let y = coordinates[2 * vertex + 1] + 0
        precondition(x.isFinite && y.isFinite, "a coordinate that is not finite")
        box.extend(x: x, y: y)
        target[2 * (vertex - first)] = x
        target[2 * (vertex - first) + 1] = y
      }
      let isClosed =
        end - first > 1
        && coordinates[2 * first] == coordinates[2 * end - 2]
        && coordinates[2 * first + 1] == coordinates[2 * end - 1]
      if !isClosed {
        self.coordinates.append(coordinates[2 * first] + 0)
        self.coordinates.append(coordinates[2 * first + 1] + 0)
      }
      self.ringStarts.append(UInt32(self.coordinates.count / 2))
    }
    polygonStarts.append(UInt32(self.ringStarts.count - 1))
    boxes.append(box)
    return boxes.count - 1
  }

  /// Adds a polygon of another set as it is.
  mutating func append(_ polygon: Int, of other: PolygonSet) {
    let vertices = other.vertices(of: polygon)
    let first = ringStarts.pointer[ringStarts.count - 1]
    coordinates.append(from: other.coordinates.pointer + 2 * vertices.lowerBound, count: 2 * vertices.count)
    for ring in Int(other.polygonStarts[polygon])..<Int(other.polygonStarts[polygon + 1]) {
      ringStarts.append(first + (other.ringStarts[ring + 1] - UInt32(vertices.lowerBound)))
    }
    polygonStarts.append(UInt32(ringStarts.count - 1))
    boxes.append(other.boxes[polygon])
  }

  public consuming func build() -> PolygonSet {
    let set = PolygonSet(
      coordinates: coordinates.finished(), ringStarts: ringStarts.finished(),
      polygonStarts: polygonStarts.finished(), boxes: boxes.finished())
    discard self
    return set
  }
}
