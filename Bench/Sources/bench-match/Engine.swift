// One engine under test: ours or a rival, with the same questions and the same sums.

import CRivals
import Foundation
import PointLocation
import SystemThreads

/// An index over a workload's polygons, built and timed.
final class Engine: @unchecked Sendable {
  // Invariant: queries only read what was built; each call has hit lists and contexts of its own.
  enum Kind: String, CaseIterable {
    case ours = "Outaged"
    case geos = "GEOS prepared + STRtree"
    case s2 = "S2 shape index"
    case boost = "Boost.Geometry R-tree"
    case scan = "linear scan"

    var rival: RivalKind? {
      switch self {
      case .ours: nil
      case .geos: rivalGEOS
      case .s2: rivalS2
      case .boost: rivalBoost
      case .scan: rivalScan
      }
    }
  }

  let kind: Kind
  /// By the clock: ours is built on all processors, and the rivals, whose libraries have no other way, on one.
  let buildSeconds: Double
  /// The index and its copy of the polygons: what the heap grew by, and of ours, which stands outside the heap, all arrays.
  let byteCount: Int
  /// Ours only.
  let index: PolygonIndex?
  private let rival: UnsafeMutableRawPointer?

  static let processors = Processors(
    count: ProcessInfo.processInfo.activeProcessorCount, perform: concurrently)

  init(_ kind: Kind, _ polygons: PolygonSet) {
    self.kind = kind
    let before = heapBytes()
    guard let rivalKind = kind.rival else {
      let start = WallTime()
      let index = PolygonIndex(polygons, Self.processors)
      buildSeconds = start.seconds
      byteCount = index.byteCount
      self.index = index
      rival = nil
      return
    }
    var seconds = 0.0
    var flat = RivalPolygons(
      coordinates: polygons.coordinates.pointer, ringStarts: polygons.ringStarts.pointer,
      polygonStarts: polygons.polygonStarts.pointer, polygonCount: polygons.count)
    rival = rivalCreate(rivalKind, &flat, &seconds)
    buildSeconds = seconds
    byteCount = heapBytes() - before + (kind == .scan ? polygons.byteCount : 0)
    index = nil
  }

  deinit {
    if let rival, let kind = kind.rival { rivalDestroy(kind, rival) }
  }

  /// Asks about the points of a range, and sums up the answers.
  func query(
    _ xs: UnsafePointer<Double>, _ ys: UnsafePointer<Double>, _ range: Range<Int>,
    hashes: UnsafeMutablePointer<UInt64>? = nil
  ) -> RivalAnswer {
    guard let index else {
      return rivalQuery(kind.rival!, rival!, xs, ys, range.lowerBound, range.upperBound, hashes)
    }
    return Self.query(index, xs, ys, range, hashes: hashes)
  }

  /// Our loop; the assembly of this function is what must hold no retain and no release.
  @inline(never)
  static func query(
    _ index: PolygonIndex, _ xs: UnsafePointer<Double>, _ ys: UnsafePointer<Double>, _ range: Range<Int>,
    hashes: UnsafeMutablePointer<UInt64>?
  ) -> RivalAnswer {
    var hits = HitList()
    var answer = RivalAnswer(hits: 0, checksum: 0)
    for point in range {
      index.covering(x: xs[point], y: ys[point], into: &hits)
      var sum: UInt64 = 0
      for id in hits.ids { sum &+= rivalMix(UInt64(point), UInt64(id)) }
      answer.hits += UInt64(hits.count)
      answer.checksum &+= sum
      if let hashes { hashes[point] = sum }
    }
    return answer
  }
}
