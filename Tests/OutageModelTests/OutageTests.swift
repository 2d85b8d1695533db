// What is derived of an outage, and codes that no table knows.

import OutageModel
import Testing

@Suite struct OutageTests {
  private let now = Timestamp(iso8601: "2026-11-24T18:00:00Z")!

  private func outage(_ change: (inout Outage) -> Void) -> Outage {
    var outage = Outage(outageId: "OMS-1", area: OutageArea())
    change(&outage)
    return outage
  }

  @Test func `an ERT is known until its moment and overdue from then on`() {
    let before = outage { $0.estimatedRestorationAt = now.adding(seconds: 1) }
    let at = outage { $0.estimatedRestorationAt = now }
    #expect(before.ert(at: now) == .known(now.adding(seconds: 1)))
    #expect(at.ert(at: now) == .overdue(since: now))
    #expect(outage { _ in }.ert(at: now) == .assessing)
  }

  @Test(arguments: [
    (OutageKind.unplanned, OutageStatus.confirmed, 60, OutagePhase.inForce),
    (.planned, .confirmed, 60, .scheduled),
    (.publicSafetyShutoff, .predicted, 60, .scheduled),
    (.planned, .confirmed, 0, .inForce),
    (.planned, .cancelled, 60, .over),
    (.unplanned, .restored, -60, .over),
    (.unplanned, .closed, -60, .over),
    (.unplanned, .partiallyRestored, -60, .inForce),
  ])
  func `the phase follows kind, status and start`(
    kind: OutageKind, status: OutageStatus, startsInSeconds: Int, phase: OutagePhase
  ) {
    let outage = outage {
      $0.kind = .known(kind)
      $0.status = .known(status)
      $0.startedAt = now.adding(seconds: Int64(startsInSeconds))
    }
    #expect(outage.phase(at: now) == phase)
  }

  @Test func `an unknown code keeps its text`() {
    let coded = Coded<CrewStatus>("helicopter")
    #expect(coded == .other("helicopter"))
    #expect(coded.text == "helicopter")
    #expect(coded.code == nil)
    #expect(Coded<CrewStatus>("arrived") == .known(.arrived))
  }
}

@Suite struct E164Tests {
  @Test(arguments: [
    ("+15305550100", "+15305550100"), ("(530) 555-0100", "+15305550100"), ("530.555.0100", "+15305550100"),
    ("1 530 555 0100", "+15305550100"), ("0044 20 7946 0018", "+442079460018"),
    ("0530 555 0100", "+15305550100"),
  ])
  func `what people write becomes E.164`(text: String, expected: String) {
    #expect(E164.normalize(text, defaultCountryCode: "1") == expected)
  }

  @Test(arguments: ["", "call me", "+", "555+0100", "+12", "+1234567890123456", "+0530555010"])
  func `what cannot be a number is refused`(text: String) {
    #expect(E164.normalize(text, defaultCountryCode: "1") == nil)
  }
}

@Suite struct OutageAreaTests {
  @Test func `rings come back as they were appended`() {
    func ring(_ size: Double) -> [LonLat] {
      [(0, 0), (size, 0), (size, size), (0, 0)].map { LonLat(lonDegrees: $0.0, latDegrees: $0.1) }
    }
    var area = OutageArea()
    #expect(area.isEmpty)
    area.append(polygon: [ring(4), ring(1)])
    area.append(polygon: [ring(2)])
    #expect(area.polygonCount == 2)
    #expect(area.ringCount == 3)
    #expect(area.vertexCount == 12)
    #expect(area.rings(ofPolygon: 0) == [ring(4), ring(1)])
    #expect(area.rings(ofPolygon: 1) == [ring(2)])
  }
}
