// From a caller's report to what is stored of it, and to the receipt that the caller hears.

import ByteBuffers
import CallerAnswer
import EventLog
import OutageModel
import Territory
import WireProtocol

/// A report that was looked up and waits for the disk: all of its receipt is there but what the journal decides.
struct ReportIntake: Sendable {
  let draft: ReportDraft
  /// `{"safety":...,"say":"..."`
  private let head: [UInt8]
  /// From `,"outageKnown"` to the closing brace.
  private let tail: [UInt8]

  /// - Throws: `UNKNOWN` for an account or a service point that is not in the address data: it is not stored then.
  init(
    _ request: ReportRequest, sheet: AnswerSheet, language: Int, receivedAt: Timestamp
  ) throws(RequestError) {
    var draft = ReportDraft(kind: request.kind, receivedAt: receivedAt)
    draft.callId = request.callId.map { String(decoding: $0, as: UTF8.self) }
    draft.note = request.note.map { String(decoding: $0, as: UTF8.self) }
    draft.layerNumber = sheet.territory.outages.layer?.number
    let table = sheet.territory.servicePoints
    var rows: [Int] = []
    var outage: Int?
    switch request.place {
    case .position(let position):
      draft.position = position
      outage = sheet.outageInForce(at: position)
    case .account(let id):
      rows = table.rows(account: id.assumingMemoryBound(to: UInt8.self)).map { $0 }
      draft.accountId = String(decoding: id, as: UTF8.self)
      guard !rows.isEmpty else { throw Self.unknown("account", id) }
    case .servicePoint(let id):
      rows = table.rows(servicePoint: id.assumingMemoryBound(to: UInt8.self)).map { $0 }
      guard !rows.isEmpty else { throw Self.unknown("service point", id) }
    }
    if rows.count == 1 {
      let row = rows[0]
      func text(_ column: ServicePointTable.TextColumn) -> String? {
        let text = table.string(column, row: row)
        return text.isEmpty ? nil : text
      }
      draft.servicePointId = text(.servicePointId)
      draft.accountId = text(.accountId)
      draft.transformerId = text(.transformerId)
      draft.feederId = text(.feederId)
      draft.position = table.position(row: row)
      draft.isCriticalCustomer = table.isCriticalCustomer(row: row)
    }
    // The one that takes precedence; suspected ones come last.
    if let known = rows.compactMap({ sheet.outageInForce(row: $0) }).min() { outage = known }
    let isKnown = outage.map { !sheet.territory.outages.outages[$0].isSuspected } ?? false
    if let outage, isKnown { draft.knownOutageId = sheet.territory.outages.outages[outage].outageId }

    var head = ByteBuffer()
    head.append("{")
    sheet.appendReportHead(request.kind, outage: outage, language: language, to: &head)
    var tail = ByteBuffer()
    tail.append(isKnown ? ",\"outageKnown\":true,\"outage\":" : ",\"outageKnown\":false,\"outage\":")
    sheet.appendOutage(outage, to: &tail)
    tail.append(",\"layerVersion\":")
    tail.append(decimal: draft.layerNumber ?? 0)
    if rows.count > 1 {
      // The report is taken; which of them it is about, the bot should ask.
      tail.append(",\"servicePoints\":[")
      for (index, row) in rows.prefix(AnswerComposer.locationsMax).enumerated() {
        tail.append(index == 0 ? "\"" : ",\"")
        tail.append(jsonEscaped: table.string(.servicePointId, row: row))
        tail.append("\"")
      }
      tail.append("]")
    }
    tail.append("}")
    self.draft = draft
    self.head = Array(head.bytes)
    self.tail = Array(tail.bytes)
  }

  private static func unknown(_ what: String, _ id: Bytes) -> RequestError {
    RequestError(
      .unknown,
      "\(what) '\(String(decoding: id.prefix(64), as: UTF8.self))' is not in the address data; report it by POINT"
    )
  }

  /// The receipt: once it is sent, the report is on the disk.
  func receipt(_ receipt: ReportReceipt) -> [UInt8] {
    let report = receipt.report
    var output = ByteBuffer(capacity: 1024)
    head.withUnsafeBytes { output.append($0) }
    output.append(",\"report\":")
    output.append(decimal: report.sequence)
    output.append(jsonField: "kind", report.draft.kind.rawValue)
    output.append(jsonField: "receivedAt", report.draft.receivedAt.iso8601)
    output.append(receipt.isDuplicate ? ",\"duplicate\":true" : ",\"duplicate\":false")
    output.append(report.repeatOf == nil ? ",\"repeat\":false" : ",\"repeat\":true")
    output.append(jsonField: "servicePointId", report.draft.servicePointId)
    output.append(jsonField: "accountId", report.draft.accountId)
    tail.withUnsafeBytes { output.append($0) }
    return Array(output.bytes)
  }
}
