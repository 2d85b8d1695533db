// What a caller who reports something is told: the outage that is known there, and a sentence.

import ByteBuffers
import OutageModel
import PointLocation
import Territory

extension AnswerSheet {
  /// The number of the primary outage of a service point, if it is in force.
  public func outageInForce(row: Int) -> Int? {
    let set = territory.coverage.setOfPoint[row]
    return set == 0 ? nil : outageInForce(among: territory.coverage.polygons(ofSet: set))
  }

  /// The number of the primary outage at a position, if it is in force.
  public func outageInForce(at position: LonLat) -> Int? {
    var hits = HitList()
    territory.polygons.covering(x: position.lonDegrees, y: position.latDegrees, into: &hits)
    let outage = outageInForce(among: hits.ids)
    // The list has to live for as long as its ids are looked at.
    return hits.count == 0 ? nil : outage
  }

  private func outageInForce(among covering: UnsafeBufferPointer<UInt32>) -> Int? {
    guard !covering.isEmpty else { return nil }
    let number = Int(covering[PrimaryOutage.position(in: covering, phases: phases.buffer)])
    return phases[number] == .inForce ? number : nil
  }

  /// Appends `"safety":false,"say":"..."`: what the caller hears comes first in a receipt.
  /// - Parameters:
  ///   - outage: the number of the outage that is known there.
  ///   - language: a number that this sheet gave.
  public func appendReportHead(_ kind: ReportKind, outage: Int?, language: Int, to output: inout ByteBuffer) {
    let language = languages[language]
    output.append(kind.isSafetyEmergency ? "\"safety\":true,\"say\":\"" : "\"safety\":false,\"say\":\"")
    switch kind {
    case .wireDown: output.append(language.fixed(.reportWireDown))
    case .restored: output.append(language.fixed(.reportRestored))
    case .stillOut: output.append(language.fixed(.reportStillOut))
    case .out, .partial, .flickering:
      let isKnown = outage.map { UInt32($0) < firstSuspected } ?? false
      output.append(language.fixed(isKnown ? .reportKnown : .reportNew))
    }
    if let outage, !kind.isSafetyEmergency, kind != .restored {
      output.append(UInt8(ascii: " "))
      output.append(language.inside[outage])
    }
    output.append(UInt8(ascii: "\""))
  }

  /// Appends the outage as lookups give it, or `null`.
  public func appendOutage(_ number: Int?, to output: inout ByteBuffer) {
    guard let number else { return output.append("null") }
    output.append(outageObjects[number])
  }
}
