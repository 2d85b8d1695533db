// Looks at the areas of records before the records are converted, so that another thread can do it.

import OutageModel

/// What came of an area of WGS 84 degrees, as the record gives it.
struct AreaAhead {
  let hash: ContentHash
  /// `nil` where the area was known in the layer before.
  let outcome: AreaOutcome?
}

/// Hashes and checks areas: about half of what there is to do for a record that is not known.
final class AreasAhead {
  private let check: AreaCheck
  /// Of the layer before.
  private let known: [ContentHash: KnownArea]

  init(demandsWinding: Bool, known: [ContentHash: KnownArea]) {
    check = AreaCheck(demandsWinding: demandsWinding)
    self.known = known
  }

  /// Leaves alone what the conversion refuses.
  func look(at record: inout RawRecord) {
    guard record.known == nil, case .polygonal = record.geometry.kind, isInWorld(record.geometry) else {
      return
    }
    let hash = check.hash(of: record.geometry)
    record.area = AreaAhead(hash: hash, outcome: known[hash] == nil ? check.area(of: record.geometry) : nil)
  }

  private func isInWorld(_ geometry: RawGeometry) -> Bool {
    geometry.coordinates.withUnsafeBufferPointer { xy in
      for index in stride(from: 0, to: xy.count - 1, by: 2)
      where !(xy[index].magnitude <= RecordConverter.areaLongitudeMax && xy[index + 1].magnitude <= 90) {
        return false
      }
      return !xy.isEmpty
    }
  }
}
