// A report as JSON and as a line of CSV, for those who take it over.

import ByteBuffers
import OutageModel

extension OutageReport {
  /// Appends the report as a JSON object; what is not known is left out.
  public func appendJSON(to output: inout ByteBuffer) {
    output.append("{")
    output.append(jsonField: "sequence", sequence)
    output.append(jsonField: "kind", draft.kind.rawValue)
    output.append(jsonField: "receivedAt", draft.receivedAt.iso8601)
    output.append(jsonField: "callId", draft.callId)
    output.append(jsonField: "servicePointId", draft.servicePointId)
    output.append(jsonField: "accountId", draft.accountId)
    if let position = draft.position {
      output.append(utf8Of: ",\"lonDegrees\":\(position.lonDegrees),\"latDegrees\":\(position.latDegrees)")
    }
    output.append(jsonField: "transformerId", draft.transformerId)
    output.append(jsonField: "feederId", draft.feederId)
    if draft.isCriticalCustomer { output.append(",\"critical\":true") }
    output.append(jsonField: "note", draft.note)
    output.append(jsonField: "layerVersion", draft.layerNumber)
    output.append(jsonField: "knownOutageId", draft.knownOutageId)
    output.append(jsonField: "repeatOf", repeatOf)
    if let match {
      output.append(jsonField: "matchedOutageId", match.outageId)
      output.append(jsonField: "matchedLayerVersion", match.layerNumber)
      output.append(jsonField: "matchDelaySeconds", Int(match.delayMilliseconds / 1000))
    }
    output.append("}")
  }

  static let csvHeader = """
    sequence,kind,receivedAt,callId,servicePointId,accountId,lonDegrees,latDegrees,transformerId,feederId,critical,note,\
    layerVersion,knownOutageId,repeatOf\r\n
    """

  /// Appends the report as a line of CSV (RFC 4180), in the order of `csvHeader`.
  func appendCSV(to output: inout ByteBuffer) {
    let fields: [String?] = [
      String(sequence), draft.kind.rawValue, draft.receivedAt.iso8601, draft.callId, draft.servicePointId,
      draft.accountId, draft.position.map { "\($0.lonDegrees)" }, draft.position.map { "\($0.latDegrees)" },
      draft.transformerId, draft.feederId, draft.isCriticalCustomer ? "true" : "false", draft.note,
      draft.layerNumber.map(String.init), draft.knownOutageId, repeatOf.map(String.init),
    ]
    for (index, field) in fields.enumerated() {
      if index > 0 { output.append(UInt8(ascii: ",")) }
      guard let field else { continue }
      if field.utf8.contains(where: { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }) {
        output.append(UInt8(ascii: "\""))
        for byte in field.utf8 {
          if byte == 0x22 { output.append(byte) }
          output.append(byte)
        }
        output.append(UInt8(ascii: "\""))
      } else {
        output.append(utf8Of: field)
      }
    }
    output.append("\r\n")
  }
}
