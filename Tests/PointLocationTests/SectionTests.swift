// Indexes as flat sections: the same answers from a copy of the bytes, and no harm from damaged ones.

import PointLocation
import Testing

@Suite struct SectionTests {
  @Test(arguments: UInt64(1)...8)
  func `an index over its own bytes answers as before`(seed: UInt64) throws {
    let layer = try SectionedLayer(seed: seed)
    var reader = SectionReader(layer.moved(layer.sections))
    let polygons = try PolygonIndex(validating: &reader)
    let points = try PointIndex(validating: &reader)
    let coverage = try PointCoverage(
      validating: &reader, pointCount: points.count, polygonCount: polygons.polygons.count)
    #expect(polygons.byteCount == layer.polygons.byteCount)
    var hits = HitList()
    var expected = HitList()
    var wrong = 0
    for point in 0..<points.count {
      let (x, y) = (points.xs[point], points.ys[point])
      polygons.covering(x: x, y: y, into: &hits)
      layer.polygons.covering(x: x, y: y, into: &expected)
      if !hits.ids.elementsEqual(expected.ids) { wrong += 1 }
      if !coverage.polygons(ofSet: coverage.setOfPoint[point]).elementsEqual(expected.ids) { wrong += 1 }
    }
    #expect(wrong == 0, "seed \(seed)")
  }

  @Test func `an empty territory is a list of sections too`() throws {
    var writer = SectionWriter()
    PolygonIndex(PolygonSetBuilder().build()).write(to: &writer)
    var reader = SectionReader(writer.sections)
    var hits = HitList()
    try PolygonIndex(validating: &reader).covering(x: 0, y: 0, into: &hits)
    #expect(hits.count == 0)
  }

  /// Every word of every section in turn is changed in a few ways; what is still taken must answer without a trap.
  @Test(arguments: UInt64(1)...4)
  func `a damaged section is refused, or does no harm`(seed: UInt64) throws {
    let layer = try SectionedLayer(seed: seed)
    var random = SeededRandom(seed: seed)
    var refusals = 0
    var tries = 0
    for section in layer.sections.indices {
      for _ in 0..<40 {
        let bytes = layer.sections[section].bytes
        if bytes.count < 4 { continue }
        let word = random.int(0..<bytes.count / 4) * 4
        let damaged = FlatArray<UInt8>(count: bytes.count) { copy in
          _ = copy.initialize(from: bytes.buffer)
          let value = UnsafeMutableRawPointer(copy.baseAddress! + word)
          let old = value.load(as: UInt32.self)
          let new = [old &+ 1, old &- 1, .max, 0, old ^ 1 << 31, old ^ 1 << 30, random.next32()]
          value.storeBytes(of: new[random.int(0..<new.count)], as: UInt32.self)
        }
        var sections = layer.sections
        sections[section] = FlatSection(name: sections[section].name, bytes: damaged)
        tries += 1
        do {
          var reader = SectionReader(sections)
          let polygons = try PolygonIndex(validating: &reader)
          let points = try PointIndex(validating: &reader)
          _ = try PointCoverage(
            validating: &reader, pointCount: points.count, polygonCount: polygons.polygons.count)
          var hits = HitList()
          for point in 0..<layer.points.count {
            polygons.covering(x: layer.points.xs[point], y: layer.points.ys[point], into: &hits)
          }
        } catch {
          refusals += 1
        }
      }
    }
    #expect(refusals > tries / 2, "seed \(seed): \(refusals) of \(tries) refused")
  }

  @Test func `what is missing, misplaced, cut off or misaligned is named`() throws {
    let layer = try SectionedLayer(seed: 1)
    func error(_ sections: [FlatSection]) -> SectionError? {
      var reader = SectionReader(sections)
      do throws(SectionError) {
        _ = try PolygonIndex(validating: &reader)
        return nil
      } catch {
        return error
      }
    }
    #expect(error([]) == .missing(section: "polygons.coordinates"))
    #expect(
      error(Array(layer.sections.dropFirst()))
        == .order(found: "polygons.ringStarts", expected: "polygons.coordinates"))
    var sections = layer.sections
    let bytes = sections[0].bytes
    sections[0] = FlatSection(
      name: sections[0].name, bytes: FlatArray(storage: bytes.storage, byteOffset: 0, count: bytes.count - 1))
    #expect(
      error(sections)
        == .count(section: "polygons.coordinates", found: bytes.count - 1, expected: "a multiple of 8 bytes"))
    sections[0] = FlatSection(
      name: sections[0].name, bytes: FlatArray(storage: bytes.storage, byteOffset: 4, count: bytes.count - 8))
    #expect(error(sections) == .misaligned(section: "polygons.coordinates", alignmentBytes: 8))
  }

  @Test func `a block that leads back to itself is refused`() throws {
    let layer = try SectionedLayer(seed: 2)
    let nodes = try #require(layer.sections.firstIndex { $0.name == "cells.nodes" })
    let root = try #require(layer.sections.firstIndex { $0.name == "cells.root" })
    for (section, entry) in [
      (nodes, UInt32(2) << 30), (root, 3 << 30 | 0x3FFF_FFFF), (root, 1 << 30 | 0x3FFF_FFFF),
    ] {
      let bytes = layer.sections[section].bytes
      var sections = layer.sections
      sections[section] = FlatSection(
        name: sections[section].name,
        bytes: FlatArray(count: bytes.count) { copy in
          _ = copy.initialize(from: bytes.buffer)
          for word in stride(from: 0, to: bytes.count, by: 4) {
            UnsafeMutableRawPointer(copy.baseAddress! + word).storeBytes(of: entry, as: UInt32.self)
          }
        })
      var reader = SectionReader(sections)
      #expect(throws: SectionError.self) { try PolygonIndex(validating: &reader) }
    }
  }
}

/// A layer with its points and join, and their sections.
private struct SectionedLayer {
  let polygons: PolygonIndex
  let points: PointIndex
  let sections: [FlatSection]

  init(seed: UInt64) throws {
    var shapes = AdversarialShapes(seed: seed)
    polygons = PolygonIndex(PolygonSet(of: (0..<20).map { _ in shapes.shape() }))
    var xs: [Double] = []
    var ys: [Double] = []
    for _ in 0..<1_000 {
      let point = shapes.point(polygons.polygons)
      xs.append(point.x)
      ys.append(point.y)
    }
    points = PointIndex(xs: FlatArray(xs), ys: FlatArray(ys))
    var writer = SectionWriter()
    polygons.write(to: &writer)
    points.write(to: &writer)
    PointCoverage.join(points: points, polygons: polygons).write(to: &writer)
    sections = writer.sections
  }

  /// The sections one after another in one block of memory, as a mapped file holds them.
  func moved(_ sections: [FlatSection]) -> [FlatSection] {
    var offsets: [Int] = []
    var size = 0
    for section in sections {
      offsets.append(size)
      size += (section.bytes.count + 63) / 64 * 64
    }
    let block = FlatArray<UInt8>(count: size) { block in
      block.initialize(repeating: 0)
      for (section, offset) in zip(sections, offsets) {
        for index in 0..<section.bytes.count { block[offset + index] = section.bytes.pointer[index] }
      }
    }
    return zip(sections, offsets).map { section, offset in
      FlatSection(
        name: section.name,
        bytes: FlatArray(storage: block.storage, byteOffset: offset, count: section.bytes.count))
    }
  }
}

extension SeededRandom {
  fileprivate mutating func next32() -> UInt32 { UInt32(truncatingIfNeeded: next()) }
}
