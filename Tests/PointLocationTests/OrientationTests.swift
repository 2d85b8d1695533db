// The orientation predicate against exact integer arithmetic.

import CGEOS
import Testing

@testable import PointLocation

@Suite struct OrientationTests {
  /// Coordinates are integers below 2^52, which doubles hold exactly; the determinant of their differences fits 128 bits.
  @Test(arguments: UInt64(1)...16)
  func `the sign is that of exact arithmetic, collinear triples and their neighbours included`(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var zeros = 0
    for _ in 0..<8_192 {
      let reach = Int64(1) << Int64(random.int(3..<52))
      let ax = random.integer(reach)
      let ay = random.integer(reach)
      let stepX = random.integer(reach >> 3)
      let stepY = random.integer(reach >> 3)
      let share = Int64(random.int(-3..<4))
      let bx = ax + 4 * stepX
      let by = ay + 4 * stepY
      let cx = ax + share * stepX + Int64(random.int(-1..<2))
      let cy = ay + share * stepY + Int64(random.int(-1..<2))
      let determinant = Int128(ax - cx) * Int128(by - cy) - Int128(ay - cy) * Int128(bx - cx)
      if determinant == 0 { zeros += 1 }
      let scale = Double(sign: .plus, exponent: random.int(-90..<40), significand: 1)
      let sign = orientation(
        Double(ax) * scale, Double(ay) * scale, Double(bx) * scale, Double(by) * scale, Double(cx) * scale,
        Double(cy) * scale)
      // Only a failure is worth an expectation's time.
      if sign != Int(determinant.signum()) {
        Issue.record("seed \(seed): \((ax, ay, bx, by, cx, cy)) by \(scale) gave \(sign)")
      }
    }
    #expect(zeros > 100, "seed \(seed) makes too few collinear triples to mean anything")
  }

  @Test func `coordinates of very different size are not confused`() {
    let tiny = 0x1p-60
    #expect(orientation(0, 0, 180, 90, 0x1p-61 * 2, tiny / 2) == 0)
    #expect(orientation(0, 0, 180, 90, tiny, (tiny / 2).nextUp) == 1)
    #expect(orientation(0, 0, 180, 90, tiny, (tiny / 2).nextDown) == -1)
    #expect(orientation(-180, -90, 180, 90, tiny, (tiny / 2).nextUp) == 1)
    #expect(orientation(-180, -90, 180, 90, tiny, (tiny / 2).nextDown) == -1)
  }

  @Test func `the numbers beside zero and the greatest ones have their side`() {
    let least = Double.leastNonzeroMagnitude
    #expect(orientation(-0.25, 0, 0.25, 0, 0.1, -least) == -1)
    #expect(orientation(-0.25, 0, 0.25, 0, 0.1, least) == 1)
    #expect(orientation(-0.25, 0, 0.25, 0, 0.1, 0) == 0)
    #expect(orientation(0, 0, least, least, 2 * least, 2 * least) == 0)
    #expect(orientation(0, 0, least, least, 2 * least, 3 * least) == 1)
    #expect(orientation(0, 0, 3 * least, least, 180, 60) == 0)
    #expect(orientation(0, 0, 3 * least, least, 180, (60.0).nextDown) == -1)
    #expect(orientation(-180, -90, 180, 90, least, 0) == -1)
    #expect(orientation(-180, -90, 180, 90, -least, 0) == 1)
    let most = Double.greatestFiniteMagnitude
    #expect(orientation(-most, -most, most, most, 1, 1) == 0)
    #expect(orientation(-most, -most, most, most, 1, (1.0).nextUp) == 1)
    #expect(orientation(-most, 0, most, 0, 0, -least) == -1)
  }

  /// Rounded to the smallest number's multiples, the products are 10 and 9 of them; exact, the second is the greater one.
  @Test func `products that lose their last places beside zero are not believed`() {
    let unit = 0x1p-530
    #expect(
      orientation(
        unit * (9.5).nextDown, 3 * 0x1p-545, unit * 0x1.9555555555554p+2, 0x1p-544, -unit * 1.2 * 0x1p-50, 0)
        == -1)
  }

  /// Ordinary triples, moved to where products underflow by a power of two: the sign must stay.
  @Test(arguments: UInt64(1)...4)
  func `scaling down to the smallest numbers keeps the sign`(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    for _ in 0..<4_096 {
      let corners = (0..<6).map { _ in Double(random.int(-6..<7)) }
      func sign(_ scale: Double) -> Int {
        let c = corners.map { $0 * scale }
        return orientation(c[0], c[1], c[2], c[3], c[4], c[5])
      }
      let expected = sign(1)
      for scale in [0x1p-1074, 0x1p-1070, 0x1p-540, 0x1p-400, 0x1p900] where sign(scale) != expected {
        Issue.record("seed \(seed): \(corners) by \(scale) gave \(sign(scale)), not \(expected)")
      }
    }
  }

  @Test(arguments: UInt64(1)...8)
  func `the side of a point that is asked about is that of GEOS, beneath its rounding as well`(seed: UInt64) {
    let context = GEOS_init_r()
    defer { GEOS_finish_r(context) }
    var shapes = AdversarialShapes(seed: seed)
    var otherwise = 0
    for _ in 0..<32 {
      let shape = shapes.shape(ofKind: shapes.random.int(0..<2) == 0 ? AdversarialShapes.pastTheOrigin : 6)
      let polygons = PolygonSet(of: [shape])
      let c = polygons.coordinates
      for _ in 0..<512 {
        let (x, y) = shapes.point(polygons)
        if !GEOSReference.canTell(x: x, y: y) { continue }
        for edge in stride(from: 0, to: c.count - 2, by: 2) {
          let side = pointSide(c[edge], c[edge + 1], c[edge + 2], c[edge + 3], x, y)
          let truth = GEOSOrientationIndex_r(context, c[edge], c[edge + 1], c[edge + 2], c[edge + 3], x, y)
          if side != Int(truth) {
            Issue.record(
              "seed \(seed): \((c[edge], c[edge + 1], c[edge + 2], c[edge + 3], x, y)) gave \(side), GEOS \(truth)"
            )
          }
          if side != orientation(c[edge], c[edge + 1], c[edge + 2], c[edge + 3], x, y) { otherwise += 1 }
        }
      }
    }
    #expect(otherwise > 20, "seed \(seed) makes too few points beneath GEOS's rounding to mean anything")
  }

  @Test func `turning the triangle keeps the sign, exchanging two corners flips it`() {
    var random = SeededRandom(seed: 7)
    for _ in 0..<4_096 {
      let a = (random.double(-1...1), random.double(-1...1))
      let d = (random.double(-1...1), random.double(-1...1))
      let b = (a.0 + d.0, a.1 + d.1)
      let c = (a.0 + d.0 / 2, a.1 + d.1 / 2)
      let sign = orientation(a.0, a.1, b.0, b.1, c.0, c.1)
      let others = (
        orientation(b.0, b.1, c.0, c.1, a.0, a.1), orientation(c.0, c.1, a.0, a.1, b.0, b.1),
        orientation(b.0, b.1, a.0, a.1, c.0, c.1)
      )
      if others != (sign, sign, -sign) { Issue.record("\(a) \(b) \(c): \(sign), then \(others)") }
    }
  }
}

extension SeededRandom {
  fileprivate mutating func integer(_ reach: Int64) -> Int64 {
    Int64.random(in: -reach...reach, using: &self)
  }
}
