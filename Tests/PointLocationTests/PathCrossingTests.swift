// The path from a reference point to a point, where it passes through vertices and along edges: on a small lattice it always does.

import Testing

@testable import PointLocation

@Suite struct PathCrossingTests {
  @Test func `the parity of its crossings says whether both ends of a path lie on the same side of a ring`() {
    let seed: UInt64 = 11
    var random = SeededRandom(seed: seed)
    for ringNumber in 0..<400 {
      var ring = (0..<Int.random(in: 3...7, using: &random)).flatMap { _ in
        [Double(Int.random(in: 0...4, using: &random)), Double(Int.random(in: 0...4, using: &random))]
      }
      ring += ring[0..<2]
      let places = (-1...5).flatMap { x in (-1...5).map { y in (Double(x), Double(y)) } }
      /// `nil` on the boundary.
      let isInside = places.map { x, y in
        var isInside: Bool? = false
        for edge in stride(from: 0, to: ring.count - 2, by: 2) {
          switch crossing(ring[edge], ring[edge + 1], ring[edge + 2], ring[edge + 3], x: x, y: y) {
          case .none: break
          case .crosses: isInside?.toggle()
          case .boundary: isInside = nil
          }
        }
        return isInside
      }
      for (from, fromInside) in zip(places, isInside) {
        guard let fromInside else { continue }
        for (to, toInside) in zip(places, isInside) {
          let found = ring.withUnsafeBufferPointer {
            PathCrossing.along(
              $0.baseAddress!, edgeCount: ring.count / 2 - 1, rx: from.0, ry: from.1, px: to.0, py: to.1)
          }
          let expected: PathCrossing = toInside.map { $0 == fromInside ? .even : .odd } ?? .onEdge
          if found != expected {
            Issue.record(
              "seed \(seed), ring \(ringNumber) \(ring): from \(from) to \(to) found \(found), expected \(expected)"
            )
            return
          }
        }
      }
    }
  }
}
