// What the voice bot says in each situation, word for word, and what it must never say.

import Foundation
import OutageModel
import Testing

@testable import CallerAnswer

private let zone = TimeZone(identifier: "America/Los_Angeles")!
/// 10:00 on a Tuesday in Los Angeles.
private let now = Timestamp(iso8601: "2026-11-24T18:00:00Z")!

private func outage(_ change: (inout Outage) -> Void = { _ in }) -> Outage {
  var outage = Outage(outageId: "OMS-4411", area: OutageArea())
  outage.cause = "Tree down across our wires"
  outage.causeKind = .known(.treeDown)
  outage.crewStatus = .known(.arrived)
  outage.estimatedRestorationAt = Timestamp(iso8601: "2026-11-25T02:30:00Z")
  change(&outage)
  return outage
}

private func speech(_ language: String = "en", isStale: Bool = false) -> OutageSpeech {
  OutageSpeech(
    templates: SpeechTemplates.shipped.first { $0.language == language }!, zone: zone, now: now,
    isStale: isStale)
}

@Suite struct OutageSpeechTests {
  @Test func `an outage with everything known is told in full`() {
    #expect(
      speech().inside(outage())
        == "We know about a power outage at your address. A tree has come down on the line. A crew is on site. We expect power back by 6:30 PM."
    )
    #expect(
      speech("es").inside(outage())
        == "Sabemos que hay un corte de luz en su dirección. Un árbol cayó sobre la línea. Una cuadrilla está en el lugar. Esperamos que la luz vuelva a más tardar a las 6:30 de la tarde."
    )
  }

  @Test func `a suspected outage is told as what others have reported, stale layer or not`() {
    let suspected = outage {
      $0.suspicion = Suspicion(confidence: 0.8, reportCount: 3)
      $0.estimatedRestorationAt = nil
    }
    for isStale in [false, true] {
      #expect(
        speech(isStale: isStale).inside(suspected)
          == "We do not know of a power outage at your address yet, but others near you have reported the same. We are checking it. We do not know yet when power will be back."
      )
      #expect(
        speech("es", isStale: isStale).inside(suspected)
          == "Todavía no sabemos de un corte de luz en su dirección, pero otras personas cerca de usted han informado de lo mismo. Lo estamos comprobando. Todavía no sabemos cuándo volverá la luz."
      )
      #expect(speech(isStale: isStale).near(suspected).contains("people close to you have reported"))
    }
  }

  @Test func `an ERT in the past is not promised`() {
    let said = speech().inside(outage { $0.estimatedRestorationAt = now })
    #expect(said.hasSuffix("It is taking longer than we expected, and we do not have a new time yet."))
    #expect(!said.contains("10"))
  }

  @Test func `a stale layer promises nothing`() {
    for language in ["en", "es"] {
      let stale = speech(language, isStale: true)
      for said in [stale.inside(outage()), stale.near(outage()), stale.none] {
        #expect(!said.contains("6:30"))
        #expect(!speech(language).inside(outage()).contains(said))
      }
      #expect(stale.none != speech(language).none)
    }
  }

  @Test func `a planned outage that has not begun is announced with its start`() {
    let planned = outage {
      $0.kind = .known(.planned)
      $0.startedAt = Timestamp(iso8601: "2026-11-25T17:00:00Z")
      $0.estimatedRestorationAt = Timestamp(iso8601: "2026-11-25T20:15:00Z")
    }
    #expect(
      speech().inside(planned)
        == "Planned work will turn off the power at your address at 9 AM tomorrow. We expect power back by 12:15 PM tomorrow."
    )
  }

  @Test func `a shut-off that has not begun is announced as one`() {
    let shutoff = outage {
      $0.kind = .known(.publicSafetyShutoff)
      $0.startedAt = Timestamp(iso8601: "2026-11-25T00:00:00Z")
      $0.estimatedRestorationAt = nil
    }
    #expect(
      speech().inside(shutoff)
        == "For public safety, we are going to turn off the power at your address at 4 PM.")
  }

  @Test(arguments: [
    (OutageStatus.restored, "Power was restored at your address."),
    (.closed, "Power was restored at your address."),
    (.cancelled, "has been cancelled."),
  ])
  func `an outage that is over says so`(status: OutageStatus, part: String) {
    #expect(speech().inside(outage { $0.status = .known(status) }).contains(part))
  }

  @Test func `a cause that no table knows is told in the utility's words`() {
    let said = speech().inside(
      outage {
        $0.cause = "Ice on insulators."
        $0.causeKind = nil
      })
    #expect(said.contains("The cause is given as: Ice on insulators. A crew is on site."))
  }

  @Test func `a time with low confidence is worded with care`() {
    let said = speech().inside(outage { $0.ertConfidence = .known(.low) })
    #expect(said.contains("may change"))
  }

  @Test(arguments: [
    ("2026-11-24T18:05:00Z", "10:05 AM", "las 10:05 de la mañana"),
    ("2026-11-25T07:59:00Z", "11:59 PM", "las 11:59 de la noche"),
    ("2026-11-25T08:00:00Z", "12 AM tomorrow", "las 12 de la noche de mañana"),
    ("2026-11-24T21:00:00Z", "1 PM", "la 1 de la tarde"),
    ("2026-11-27T20:00:00Z", "12 PM on Friday", "las 12 del mediodía del viernes"),
    (
      "2026-12-04T01:30:00Z", "5:30 PM on Thursday, December 3",
      "las 5:30 de la tarde del jueves 3 de diciembre"
    ),
  ])
  func `times are told as a person would`(moment: String, english: String, spanish: String) {
    for (language, expected) in [("en", english), ("es", spanish)] {
      let templates = SpeechTemplates.shipped.first { $0.language == language }!
      #expect(templates.times.say(Timestamp(iso8601: moment)!, now: now, in: zone) == expected)
    }
  }
}

@Suite struct EveryWordingTests {
  /// All that can be said of one outage, or of none, by the situation.
  private static func situations(_ language: String) -> [String: String] {
    let later = Timestamp(iso8601: "2026-11-25T17:00:00Z")
    let stale = speech(language, isStale: true)
    let fresh = speech(language)
    func inside(_ change: (inout Outage) -> Void) -> String { fresh.inside(outage(change)) }
    func scheduled(_ kind: OutageKind, ert: String?) -> String {
      inside {
        $0.kind = .known(kind)
        $0.startedAt = later
        $0.estimatedRestorationAt = ert.flatMap { Timestamp(iso8601: $0) }
      }
    }
    return [
      "in force": inside { _ in },
      "low confidence": inside { $0.ertConfidence = .known(.low) },
      "assessing": inside { $0.estimatedRestorationAt = nil },
      "overdue": inside { $0.estimatedRestorationAt = now },
      "predicted": inside { $0.status = .known(.predicted) },
      "partially restored": inside { $0.status = .known(.partiallyRestored) },
      "planned": inside { $0.kind = .known(.planned) },
      "planned, not begun": scheduled(.planned, ert: nil),
      "planned, not begun, with its end": scheduled(.planned, ert: "2026-11-25T20:00:00Z"),
      "shut-off": inside { $0.kind = .known(.publicSafetyShutoff) },
      "shut-off, not begun": scheduled(.publicSafetyShutoff, ert: nil),
      "shut-off, not begun, with its end": scheduled(.publicSafetyShutoff, ert: "2026-11-25T20:00:00Z"),
      "restored": inside { $0.status = .known(.restored) },
      "cancelled": inside { $0.status = .known(.cancelled) },
      "near": fresh.near(outage()), "none": fresh.none,
      "stale, inside": stale.inside(outage()), "stale, near": stale.near(outage()), "stale, none": stale.none,
    ]
  }

  @Test(arguments: ["en", "es"])
  func `each situation has its own wording`(language: String) {
    let situations = Self.situations(language)
    #expect(Set(situations.values).count == situations.count, "\(situations)")
    for (situation, said) in situations {
      #expect(said.hasSuffix("."), "\(situation): \(said)")
      #expect(!said.contains("{") && !said.contains("  "), "\(situation): \(said)")
    }
  }

  @Test(arguments: ["en", "es"])
  func `each crew status and each cause has its own sentence`(language: String) {
    let crews = CrewStatus.allCases.map { status in
      speech(language).inside(outage { $0.crewStatus = .known(status) })
    }
    #expect(Set(crews).count == CrewStatus.allCases.count)
    let causes = OutageCauseKind.allCases.map { kind in
      speech(language).inside(outage { $0.causeKind = .known(kind) })
    }
    #expect(Set(causes).count == OutageCauseKind.allCases.count)
  }

  @Test func `the two languages share no sentence`() {
    let spanish = Self.situations("es")
    for (situation, said) in Self.situations("en") { #expect(spanish[situation] != said, "\(situation)") }
  }

  @Test(arguments: ["en", "es"])
  func `nothing but a known ERT names a time for power to be back`(language: String) {
    let promised = language == "en" ? "6:30 PM" : "6:30 de la tarde"
    for (situation, said) in Self.situations(language) {
      let mayPromise = [
        "in force", "low confidence", "predicted", "partially restored", "planned", "shut-off", "near",
      ].contains(situation)
      #expect(said.contains(promised) == mayPromise, "\(situation): \(said)")
    }
  }
}

@Suite struct SpeechTemplatesTests {
  private let english = PackageResourcesForTests.english

  @Test func `a template file without a sentence is refused with its key`() throws {
    let broken = english.replacingOccurrences(of: "\"ertOverdue\"", with: "\"ertOverdew\"")
    #expect(
      throws: SpeechError.badTemplate(
        file: "fr.json", key: "sentences.ertOverdue", found: "nothing", expected: "a sentence")
    ) { try SpeechTemplates(json: Data(broken.utf8), file: "fr.json") }
  }

  @Test func `a template file with a wrong placeholder is refused`() {
    let broken = english.replacingOccurrences(of: "back by {time}.\"", with: "back by {tiem}.\"")
    #expect {
      try SpeechTemplates(json: Data(broken.utf8), file: "fr.json")
    } throws: { error in
      "\(error)".contains("placeholders [\"tiem\"]") || "\(error)".contains("\"start\", \"tiem\"")
    }
  }

  @Test func `a template file that leaves out an hour is refused`() {
    let broken = english.replacingOccurrences(of: "[12, 23]", with: "[13, 23]")
    #expect {
      try SpeechTemplates(json: Data(broken.utf8), file: "fr.json")
    } throws: { "\($0)".contains("times.clock") }
  }

  @Test func `what is no JSON is refused`() {
    #expect { try SpeechTemplates(json: Data("{".utf8), file: "fr.json") } throws: {
      "\($0)".hasPrefix("fr.json: ")
    }
  }
}

enum PackageResourcesForTests {
  /// The shipped English file.
  static let english = String(decoding: SpeechTemplates.englishFile, as: UTF8.self)
}
