// Compares each served Territory with what was told so far, and writes the difference into the log of changes.

import ByteBuffers
import EventLog
import OutageModel
import Territory

/// What the configuration says of changes.
struct ChangeSettings: Sendable, Equatable {
  /// Changes are deleted after this time.
  var keepHours = 72
  var damping = ERTDamping()
}

/// Keeps the log of changes up to date with the Territory. Used on one thread at a time.
final class ChangeRecorder {
  let log: ChangeLog
  var settings: ChangeSettings
  /// `nil` while it is being moved forward, so that there is one of it and not two; and where that has failed: then it is read again.
  private var told: ToldTerritory?
  /// What the rows of `told` are rows of.
  private var servicePoints: ServicePointTable

  /// Takes up what was told before, of the service points that are there now.
  /// - Throws: `StoreError`.
  init(log: ChangeLog, servicePoints: ServicePointTable, settings: ChangeSettings) throws {
    self.log = log
    self.settings = settings
    self.servicePoints = servicePoints
    told = try read()
  }

  /// The groups have other numbers than in the file: the first write puts all of them anew.
  private var isRenumbered = true

  private func read() throws -> ToldTerritory {
    var told = ToldTerritory(servicePoints: servicePoints)
    try log.forEachTold { told.restore($0, $1) }
    isRenumbered = true
    return told
  }

  /// Writes what has changed for whom; nothing where nothing has.
  /// - Returns: the moment at which a held ERT is due; `nil` if none is held.
  /// - Throws: `StoreError`: nothing is taken as told then, and the next call tells it.
  func advance(to territory: Territory, at now: Timestamp) throws -> Timestamp? {
    var next = try told ?? read()
    told = nil
    var walk = next.walk(to: territory, at: now, damping: settings.damping)
    let layerNumber = territory.outages.layer?.number
    guard !walk.isEmpty || layerNumber != log.progress.layerNumber else {
      keep(next)
      return walk.nextDue
    }
    var progress = log.progress
    progress.layerNumber = layerNumber
    try log.append(progress: progress, keepFrom: keepFrom(now)) { writer in
      var members = ChangeMembers()
      var feeders = FeederNumbers()
      try next.tell(&walk) { changes in
        for (kind, body, changed) in Self.toldAlike(changes, territory, at: now) {
          func end() throws {
            try writer.append(kind: kind, at: now, body: body, members)
            members.removeAll()
            feeders.beginBatch()
          }
          for changed in changed {
            for row in changed.rows {
              let feeder = feeders.number(row: Int(row), of: changed.table, in: &members)
              members.append(row: Int(row), of: changed.table, feeder: feeder)
              if members.count == ChangeMembers.countMax { try end() }
            }
          }
          try end()
        }
      }
      if isRenumbered { try writer.dropAllGroups() }
      try next.takeChangedGroups { number, told, rows in
        guard let told else { return try writer.drop(group: number) }
        var ids = PackedIds()
        for row in rows {
          territory.servicePoints.withBytes(.servicePointId, row: Int(row)) { ids.append($0) }
        }
        try writer.keep(group: number, told, servicePoints: ids)
      }
    }
    isRenumbered = false
    keep(next)
    return walk.nextDue
  }

  private func keep(_ told: consuming ToldTerritory) {
    servicePoints = told.servicePoints
    self.told = told
  }

  /// Changes whose events tell the same, together: those who are told of an outage's crew may have been told something else each before.
  private static func toldAlike(
    _ changes: [ChangedServicePoints], _ territory: Territory, at now: Timestamp
  ) -> [(kind: ChangeKind, body: String, changed: [ChangedServicePoints])] {
    var alike: [(kind: ChangeKind, body: String, changed: [ChangedServicePoints])] = []
    var placeOfBody: [String: Int] = [:]
    for changed in changes {
      let outage = (changed.change.after ?? changed.change.before)
        .flatMap { territory.outages.number(ofId: $0.outageId) }.map { territory.outages.outages[$0] }
      let body = changed.change.body(at: now, layerNumber: territory.outages.layer?.number, outage: outage)
      if let place = placeOfBody[body] {
        alike[place].changed.append(changed)
      } else {
        placeOfBody[body] = alike.count
        alike.append((changed.change.kind, body, [changed]))
      }
    }
    return alike
  }

  /// Writes an event for each report of a wire down that the log has not taken in yet.
  /// - Parameter reports: by ascending number.
  func wiresDown(_ reports: [OutageReport], at now: Timestamp) throws {
    let new = reports.filter { $0.sequence > log.progress.reportSequence }
    guard let last = new.last else { return }
    var progress = log.progress
    progress.reportSequence = last.sequence
    try log.append(progress: progress, keepFrom: keepFrom(now)) { writer in
      for report in new {
        var members = ChangeMembers()
        let feeder = members.add(feeder: report.draft.feederId ?? "")
        var (id, account) = (report.draft.servicePointId ?? "", report.draft.accountId ?? "")
        id.withUTF8 { id in
          account.withUTF8 { account in
            members.append(
              servicePointId: UnsafeRawBufferPointer(id), accountId: UnsafeRawBufferPointer(account),
              feeder: feeder, isCriticalCustomer: report.draft.isCriticalCustomer)
          }
        }
        try writer.append(kind: .wireDown, at: now, body: report.changeBody, members)
      }
    }
  }

  private func keepFrom(_ now: Timestamp) -> Timestamp {
    now.adding(seconds: -3600 * Int64(settings.keepHours))
  }
}

extension OutageChange {
  /// What the events of a change share, as fields of a JSON object.
  func body(at moment: Timestamp, layerNumber: Int?, outage: Outage?) -> String {
    var text = ByteBuffer()
    text.append("{")
    text.append(jsonField: "kind", kind.rawValue)
    text.append(jsonField: "at", moment.iso8601)
    text.append(jsonField: "layerVersion", layerNumber ?? 0)
    text.append(jsonField: "outageId", (after ?? before)?.outageId)
    switch kind {
    case .outageStarted:
      text.append(jsonField: "outageKind", outage?.kind.text)
      text.append(jsonField: "causeKind", outage?.causeKind?.text)
      text.append(jsonField: "startedAt", outage?.startedAt?.iso8601)
      text.append(jsonField: "estimatedRestorationAt", after?.estimatedRestorationAt?.iso8601)
      text.append(jsonField: "crewStatus", after?.crewStatus)
    case .restored:
      text.append(jsonField: "reason", reason?.rawValue)
    case .outageMerged, .outageSplit, .outageReplaced:
      text.append(jsonField: "previousOutageId", before?.outageId)
    case .ertChanged:
      text.append(nullableJSONField: "estimatedRestorationAt", after?.estimatedRestorationAt?.iso8601)
      text.append(
        nullableJSONField: "previousEstimatedRestorationAt", before?.estimatedRestorationAt?.iso8601)
    case .crewChanged:
      text.append(nullableJSONField: "crewStatus", after?.crewStatus)
      text.append(nullableJSONField: "previousCrewStatus", before?.crewStatus)
    case .wireDown: break
    }
    return String(decoding: text.bytes.dropFirst(), as: UTF8.self)
  }
}

extension OutageReport {
  /// Of the change event that a report of a wire down is.
  fileprivate var changeBody: String {
    var text = ByteBuffer()
    text.append("{")
    text.append(jsonField: "kind", ChangeKind.wireDown.rawValue)
    text.append(jsonField: "at", draft.receivedAt.iso8601)
    text.append(jsonField: "report", sequence)
    text.append(jsonField: "callId", draft.callId)
    text.append(jsonField: "repeatOf", repeatOf)
    if let position = draft.position {
      text.append(utf8Of: ",\"lonDegrees\":\(position.lonDegrees),\"latDegrees\":\(position.latDegrees)")
    }
    text.append(jsonField: "note", draft.note)
    return String(decoding: text.bytes.dropFirst(), as: UTF8.self)
  }
}

extension ByteBuffer {
  /// A change from or to nothing says so.
  fileprivate mutating func append(nullableJSONField key: StaticString, _ text: String?) {
    if let text { return append(jsonField: key, text) }
    append(",\"")
    append(key)
    append("\":null")
  }
}

extension ServicePointTable {
  /// Calls `body` with the bytes of one cell, valid there only.
  func withBytes<Result>(
    _ column: TextColumn, row: Int, _ body: (UnsafeRawBufferPointer) -> Result
  ) -> Result {
    let text = packedText(column, row: row)
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: max(1, byteCountBound(text))) { space in
      let count = write(text, to: space.baseAddress!)
      return body(UnsafeRawBufferPointer(start: space.baseAddress, count: count))
    }
  }
}

/// The feeders of many batches: each one's text is unpacked once, and found again by its packed form.
private struct FeederNumbers {
  private var table: ServicePointTable?
  private var placeOfText: [PackedText: Int] = [:]
  /// With the batch that had it last, and its number there.
  private var feeders: [(id: String, batch: Int, number: Int)] = []
  private var batch = 1

  mutating func beginBatch() { batch += 1 }

  /// The number of a row's feeder in the batch, which gets it where it does not have it yet; 0 for none.
  mutating func number(row: Int, of table: ServicePointTable, in members: inout ChangeMembers) -> Int {
    if table !== self.table { (self.table, placeOfText) = (table, [:]) }
    let text = table.packedText(.feederId, row: row)
    let place = placeOfText[text] ?? feeders.count
    if place == feeders.count {
      placeOfText[text] = place
      feeders.append((table.string(.feederId, row: row), 0, 0))
    }
    if feeders[place].batch != batch {
      feeders[place].batch = batch
      feeders[place].number = members.add(feeder: feeders[place].id)
    }
    return feeders[place].number
  }
}

extension ChangeMembers {
  fileprivate mutating func append(row: Int, of table: ServicePointTable, feeder: Int) {
    table.withBytes(.servicePointId, row: row) { id in
      table.withBytes(.accountId, row: row) { account in
        append(
          servicePointId: id, accountId: account, feeder: feeder,
          isCriticalCustomer: table.isCriticalCustomer(row: row))
      }
    }
  }
}
