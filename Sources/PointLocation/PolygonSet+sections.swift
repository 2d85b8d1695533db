// A polygon set to and from flat sections.

extension PolygonSet {
  /// Appends the sections of the set; `prefix` stands before their names.
  func write(_ prefix: String, to writer: inout SectionWriter) {
    writer.append("\(prefix)polygons.coordinates", coordinates)
    writer.append("\(prefix)polygons.ringStarts", ringStarts)
    writer.append("\(prefix)polygons.polygonStarts", polygonStarts)
    writer.append("\(prefix)polygons.boxes", boxes)
  }

  /// A set over sections that may come from anywhere; each element is checked, in time linear in the vertices.
  init(validating reader: inout SectionReader, _ prefix: String) throws(SectionError) {
    let coordinates = try reader.take("\(prefix)polygons.coordinates", as: Double.self)
    for index in 0..<coordinates.count where !coordinates.pointer[index].isFinite {
      throw .element(
        section: "\(prefix)polygons.coordinates", index: index, found: "\(coordinates.pointer[index])",
        expected: "a finite number")
    }
    // Each ring is closed, so that it has two vertices at least.
    let ringStarts = try reader.takeStarts(
      "\(prefix)polygons.ringStarts", end: coordinates.count / 2, step: 2)
    for ring in 0..<ringStarts.count - 1 {
      let first = 2 * Int(ringStarts.pointer[ring])
      let last = 2 * Int(ringStarts.pointer[ring + 1]) - 2
      let pointer = coordinates.pointer
      guard pointer[first] == pointer[last], pointer[first + 1] == pointer[last + 1] else {
        throw .element(
          section: "\(prefix)polygons.coordinates", index: last,
          found: "\(pointer[last]), \(pointer[last + 1])",
          expected: "\(pointer[first]), \(pointer[first + 1]), which close the ring")
      }
    }
    let polygonStarts = try reader.takeStarts("\(prefix)polygons.polygonStarts", end: ringStarts.count - 1)
    let boxes: FlatArray<Box> = try reader.take("\(prefix)polygons.boxes", count: polygonStarts.count - 1)
    guard coordinates.count == 2 * Int(ringStarts.pointer[ringStarts.count - 1]) else {
      throw .count(
        section: "\(prefix)polygons.coordinates", found: coordinates.count,
        expected: "an even number of elements")
    }
    self.init(
      coordinates: coordinates, ringStarts: ringStarts, polygonStarts: polygonStarts, boxes: boxes)
    for polygon in 0..<count where bounds(of: polygon) != boxes.pointer[polygon] {
      throw .element(
        section: "\(prefix)polygons.boxes", index: polygon, found: "\(boxes.pointer[polygon])",
        expected: "\(bounds(of: polygon)), the polygon's bounds")
    }
  }

  private func bounds(of polygon: Int) -> Box {
    var box = Box.empty
    let first = ringStarts.pointer[Int(polygonStarts.pointer[polygon])]
    let end = ringStarts.pointer[Int(polygonStarts.pointer[polygon + 1])]
    for vertex in first..<end {
      box.extend(x: coordinates.pointer[2 * Int(vertex)], y: coordinates.pointer[2 * Int(vertex) + 1])
    }
    return box
  }
}
