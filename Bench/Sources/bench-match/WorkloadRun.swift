// Measures one workload with every engine, in turns.

import CRivals
import Foundation
import MatchWorkload
import PointLocation

struct WorkloadRun {
  let workload: Workload
  let rounds: Int
  let oursOnly: Bool
  private var engines: [Engine] = []

  init(_ workload: Workload, rounds: Int, oursOnly: Bool) {
    self.workload = workload
    self.rounds = rounds
    self.oursOnly = oursOnly
  }

  mutating func measure() -> WorkloadReport {
    print("\n== \(workload.name): \(workload.summary)")
    var report = WorkloadReport(name: workload.name, summary: workload.summary)
    var builds = [Engine.Kind: [Double]]()
    let kinds = Engine.Kind.allCases.filter { !oursOnly || $0 == .ours }
    // The two whose builds are compared, in turns. The first build of a process also pays for the memory that it takes from the system.
    for _ in 0..<(workload.polygons.vertexCount < 5_000_000 ? 8 : 2) {
      for kind in kinds where kind == .ours || kind == .geos {
        builds[kind, default: []].append(Engine(kind, workload.polygons).buildSeconds)
      }
    }
    for kind in kinds {
      let engine = Engine(kind, workload.polygons)
      builds[kind, default: []].append(engine.buildSeconds)
      engines.append(engine)
    }
    report.coordinateBytes = workload.polygons.coordinates.byteCount
    let ours = engines[0].index!
    report.indexBytes = ours.byteCount - workload.polygons.byteCount
    var single = [[Double]](repeating: [], count: engines.count)
    var double = [[Double]](repeating: [], count: engines.count)
    var answers = [RivalAnswer](repeating: RivalAnswer(hits: 0, checksum: 0), count: engines.count)
    workload.xs.withUnsafeBufferPointer { xs in
      workload.ys.withUnsafeBufferPointer { ys in
        let places = Points(xs: xs.baseAddress!, ys: ys.baseAddress!)
        for round in 0...rounds {
          for (place, engine) in engines.enumerated() {
            // The slow ones are asked about the first points only; a first round warms up.
            let count = max(1, min(xs.count, sample(engine.kind)))
            let start = ThreadTime()
            answers[place] = engine.query(places.xs, places.ys, 0..<count)
            let nanoseconds = start.seconds * 1e9 / Double(count)
            if round == 0 { continue }
            single[place].append(nanoseconds)
            double[place].append(twoThreads(engine, places, count))
          }
        }
        // Each engine against GEOS on the points that it was asked about.
        for (place, engine) in engines.enumerated() {
          let count = max(1, min(xs.count, sample(engine.kind)))
          let truth = oursOnly ? answers[place] : engines[1].query(places.xs, places.ys, 0..<count)
          var line = EngineReport(
            engine, Spread(single[place]), Spread(double[place]), Spread(builds[engine.kind]!), answers[place]
          )
          line.pointCount = count
          line.agrees = truth.checksum == answers[place].checksum && truth.hits == answers[place].hits
          line.hitDifference = Int(answers[place].hits) - Int(truth.hits)
          report.engines.append(line)
          // S2's edges are geodesics: where its answers differ, it answers another question.
          if engine.kind != .s2 && !line.agrees { report.differences += 1 }
        }
      }
    }
    report.join = measureJoin(ours)
    report.differences += report.join!.differences
    report.batches = BatchRun.measure(ours, workload, rounds: rounds)
    return report
  }

  private func sample(_ kind: Engine.Kind) -> Int {
    let isHeavy = workload.polygons.vertexCount / max(1, workload.polygons.count) > 2_000
    return switch kind {
    case .ours: .max
    case .s2: 1_000_000
    case .geos: isHeavy ? 50_000 : 200_000
    case .boost, .scan: isHeavy || workload.polygons.count > 50_000 ? 1_000 : 10_000
    }
  }

  private func twoThreads(_ engine: Engine, _ points: Points, _ count: Int) -> Double {
    let half = count / 2
    let start = WallTime()
    DispatchQueue.concurrentPerform(iterations: 2) { part in
      _ = engine.query(points.xs, points.ys, part == 0 ? 0..<half : half..<count)
    }
    return start.seconds * 1e9 / Double(count)
  }

  /// The join of all points, its share for a change of 1 %, and the same points asked of GEOS in the same order.
  private func measureJoin(_ index: PolygonIndex) -> JoinReport {
    let unordered = (FlatArray(workload.xs), FlatArray(workload.ys))
    let order = hilbertOrder(xs: unordered.0, ys: unordered.1)
    let points = PointIndex(
      xs: FlatArray(order.buffer.map { unordered.0[Int($0)] }),
      ys: FlatArray(order.buffer.map { unordered.1[Int($0)] }))
    let (changedPolygons, changed) = workload.changed(share: 0.01, seed: 7)
    var newIdOfOld = (0..<UInt32(workload.polygons.count)).map { $0 }
    for id in changed { newIdOfOld[Int(id)] = .max }
    let changes = changedPolygons.subset(changed)

    var times = JoinTimes()
    var coverage: PointCoverage?
    var updated: PointCoverage?
    var updatedIndex: PolygonIndex?
    let geosCount = min(points.count, sample(.geos))
    var truth = RivalAnswer(hits: 0, checksum: 0)
    for round in 0...rounds {
      var start = ThreadTime()
      coverage = PointCoverage.join(points: points, polygons: index)
      let join = start.seconds
      start = ThreadTime()
      updatedIndex = index.updated(newIdOfOld: newIdOfOld, changedIds: changed, changed: changes)
      let indexUpdate = start.seconds
      start = ThreadTime()
      updated = coverage!.updated(
        points: points, from: index, to: updatedIndex!, newIdOfOld: newIdOfOld, changed: changed)
      let update = start.seconds
      var geos = Double.nan
      if !oursOnly {
        start = ThreadTime()
        truth = engines[1].query(points.xs.pointer, points.ys.pointer, 0..<geosCount)
        geos = start.seconds * Double(points.count) / Double(max(1, geosCount))
      }
      if round > 0 { times.append(join: join, geos: geos, indexUpdate: indexUpdate, update: update) }
    }
    var report = JoinReport(times, pointCount: points.count, changedCount: changed.count)
    report.geosCount = geosCount
    report.byteCount = coverage!.byteCount
    report.setCount = coverage!.setCount
    // The updated index and join against ones that are made anew.
    let freshIndex = PolygonIndex(changedPolygons)
    let fresh = PointCoverage.join(points: points, polygons: freshIndex)
    var hits = HitList()
    for point in 0..<points.count {
      let a = updated!.polygons(ofSet: updated!.setOfPoint[point])
      let b = fresh.polygons(ofSet: fresh.setOfPoint[point])
      updatedIndex!.covering(x: points.xs[point], y: points.ys[point], into: &hits)
      if !a.elementsEqual(b) || !hits.ids.elementsEqual(b) { report.differences += 1 }
    }
    if !oursOnly {
      var checksum: UInt64 = 0
      for point in 0..<geosCount {
        for id in coverage!.polygons(ofSet: coverage!.setOfPoint[point]) {
          checksum &+= rivalMix(UInt64(point), UInt64(id))
        }
      }
      if checksum != truth.checksum { report.differences += 1 }
    }
    return report
  }

  /// Counts the points whose answers differ from those of GEOS.
  func compareWithGEOS(randomCount: Int, adversarialCount: Int, seed: UInt64) -> ComparisonReport {
    var report = ComparisonReport()
    let batch = 1_000_000
    var random = SeededRandom(seed: seed &+ 1)
    var bounds = engines[0].index!.bounds
    bounds.maxX += 0.01
    while report.randomCount < randomCount {
      let count = min(batch, randomCount - report.randomCount)
      let xs = (0..<count).map { _ in random.double(bounds.minX...bounds.maxX) }
      let ys = (0..<count).map { _ in random.double(bounds.minY...bounds.maxY) }
      report.randomCount += count
      report.differences += differences(xs, ys)
    }
    while report.adversarialCount < adversarialCount {
      let count = min(batch, adversarialCount - report.adversarialCount)
      let (xs, ys) = workload.adversarialPoints(count: count, seed: random.next())
      report.adversarialCount += count
      report.differences += differences(xs, ys)
    }
    return report
  }

  private func differences(_ xs: [Double], _ ys: [Double]) -> Int {
    var ours = [UInt64](repeating: 0, count: xs.count)
    var truth = ours
    // Both sides on both cores.
    ours.withUnsafeMutableBufferPointer { ours in
      truth.withUnsafeMutableBufferPointer { truth in
        nonisolated(unsafe) let (ours, truth) = (ours.baseAddress!, truth.baseAddress!)
        xs.withUnsafeBufferPointer { xs in
          ys.withUnsafeBufferPointer { ys in
            let points = Points(xs: xs.baseAddress!, ys: ys.baseAddress!)
            let count = xs.count
            let engines = engines
            DispatchQueue.concurrentPerform(iterations: 2) { part in
              let range = part == 0 ? 0..<count / 2 : count / 2..<count
              _ = engines[0].query(points.xs, points.ys, range, hashes: ours)
              _ = engines[1].query(points.xs, points.ys, range, hashes: truth)
            }
          }
        }
      }
    }
    return zip(ours, truth).reduce(0) { $0 + ($1.0 == $1.1 ? 0 : 1) }
  }
}

/// Coordinates that threads read and nobody writes.
private struct Points: @unchecked Sendable {
  let xs: UnsafePointer<Double>
  let ys: UnsafePointer<Double>
}

extension PolygonSet {
  /// Some of the polygons, in the order of `ids`.
  fileprivate func subset(_ ids: [UInt32]) -> PolygonSet {
    var builder = PolygonSetBuilder()
    for id in ids {
      let rings = Int(polygonStarts[Int(id)])...Int(polygonStarts[Int(id) + 1])
      let first = Int(ringStarts[rings.lowerBound])
      let end = Int(ringStarts[rings.upperBound])
      builder.append(
        coordinates: Array(coordinates.buffer[2 * first..<2 * end]),
        ringStarts: rings.map { Int32(Int(ringStarts[$0]) - first) })
    }
    return builder.build()
  }
}
