// What is said of one outage in one language at one moment.

import Foundation
import OutageModel

/// Words for one outage: which sentences, in which order.
struct OutageSpeech {
  let templates: SpeechTemplates
  let zone: TimeZone
  let now: Timestamp
  /// The layer is older than it may be: nothing of it is promised.
  let isStale: Bool
  private let saidTimes = SaidTimes()

  init(templates: SpeechTemplates, zone: TimeZone, now: Timestamp, isStale: Bool) {
    self.templates = templates
    self.zone = zone
    self.now = now
    self.isStale = isStale
  }

  /// What a caller hears whose service point the outage covers.
  func inside(_ outage: Outage) -> String {
    // It rests on what callers say, and not on the layer.
    if outage.isSuspected { return joined([templates[.suspected], templates[.ertAssessing]]) }
    if isStale { return templates[.staleInside] }
    switch outage.phase(at: now) {
    case .over: return templates[outage.status.code == .cancelled ? .cancelled : .restored]
    case .scheduled:
      let start = outage.startedAt.map(say) ?? ""
      let isShutoff = outage.kind.code == .publicSafetyShutoff
      guard case .known(let ert) = outage.ert(at: now) else {
        return templates[isShutoff ? .scheduledShutoff : .scheduled].filled("start", start)
      }
      return templates[isShutoff ? .scheduledShutoffUntil : .scheduledUntil]
        .filled("start", start).filled("time", say(ert))
    case .inForce:
      return joined([opening(outage)] + details(outage))
    }
  }

  /// What a caller hears who is not in the outage but close to it.
  func near(_ outage: Outage) -> String {
    if outage.isSuspected { return templates[.suspectedNear] }
    if isStale { return templates[.staleNear] }
    guard outage.phase(at: now) == .inForce else { return templates[.none] }
    return joined([templates[.near]] + details(outage))
  }

  var none: String { templates[isStale ? .staleNone : .none] }

  private func opening(_ outage: Outage) -> String {
    switch (outage.kind.code, outage.status.code) {
    case (.planned, _): templates[.planned]
    case (.publicSafetyShutoff, _): templates[.publicSafetyShutoff]
    case (_, .predicted): templates[.predicted]
    case (_, .partiallyRestored): templates[.partiallyRestored]
    default: templates[.unplanned]
    }
  }

  private func details(_ outage: Outage) -> [String?] {
    [cause(outage), outage.crewStatus?.code.flatMap { templates.crews[$0] }, ert(outage), outage.message]
  }

  private func cause(_ outage: Outage) -> String? {
    // A planned outage's opening has said why already.
    if outage.kind.code == .planned { return nil }
    if let kind = outage.causeKind?.code, let sentence = templates.causes[kind] { return sentence }
    return outage.cause.flatMap {
      let words = $0.trimmingCharacters(in: CharacterSet(charactersIn: " .\t\r\n"))
      return words.isEmpty ? nil : templates[.causeAsWorded].filled("cause", words)
    }
  }

  private func ert(_ outage: Outage) -> String {
    switch outage.ert(at: now) {
    case .known(let moment):
      templates[outage.ertConfidence?.code == .low ? .ertLowConfidence : .ertKnown].filled(
        "time", say(moment))
    case .assessing: templates[.ertAssessing]
    case .overdue: templates[.ertOverdue]
    }
  }

  /// Ten thousand outages share a few hundred times, and to word one costs more than all else that is said of an outage.
  private func say(_ moment: Timestamp) -> String {
    let minute = moment.millisecondsSinceEpoch / 60_000
    if let said = saidTimes.byMinute[minute] { return said }
    let said = templates.times.say(moment, now: now, in: zone)
    saidTimes.byMinute[minute] = said
    return said
  }

  private func joined(_ sentences: [String?]) -> String {
    sentences.compactMap { $0 }.joined(separator: " ")
  }
}

/// How times are said, by their minute since 1970; of use for one moment only. On one thread.
private final class SaidTimes {
  var byMinute: [Int64: String] = [:]
}
