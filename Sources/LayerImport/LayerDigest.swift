// The hash of a layer's content, whatever the order and the format that it came in.

import CCrypto
import OutageModel

/// Tells whether two layers say the same.
public enum LayerDigest {
  /// SHA-256 over the SHA-256 of each outage, these in ascending order, so that the order of records does not count; lower-case hexadecimal.
  ///
  /// What an outage is hashed as: each field with its length or a mark that it is not there, then the area's flat arrays.
  public static func hexadecimal(of outages: [Outage]) -> String {
    var digests: [[UInt8]] = []
    digests.reserveCapacity(outages.count)
    var bytes: [UInt8] = []
    for outage in outages {
      bytes.removeAll(keepingCapacity: true)
      bytes.append(outage: outage)
      let hash = FileHash()
      bytes.withUnsafeBytes { hash.update($0) }
      outage.area.withCoordinates { hash.update(UnsafeRawBufferPointer($0)) }
      outage.area.ringStarts.withUnsafeBytes { hash.update($0) }
      outage.area.polygonStarts.withUnsafeBytes { hash.update($0) }
      digests.append(hash.digest())
    }
    digests.sort { $0.lexicographicallyPrecedes($1) }
    let hash = FileHash()
    for digest in digests { digest.withUnsafeBytes { hash.update($0) } }
    return hash.hexadecimal()
  }
}

extension [UInt8] {
  fileprivate mutating func append(outage: Outage) {
    for text in [
      outage.outageId, outage.kind.text, outage.status.text, outage.cause, outage.causeKind?.text,
      outage.ertConfidence?.text, outage.ertSource?.text, outage.crewStatus?.text, outage.feederId,
      outage.communityDescriptor, outage.message,
    ] {
      append(number: text.map { Int64($0.utf8.count) })
      append(contentsOf: (text ?? "").utf8)
    }
    for time in [outage.startedAt, outage.estimatedRestorationAt, outage.updatedAt] {
      append(number: time?.millisecondsSinceEpoch)
    }
    for count in [outage.customersAffected, outage.customersRestored] {
      append(number: count.map(Int64.init))
    }
  }

  private mutating func append(number: Int64?) {
    Swift.withUnsafeBytes(of: (number ?? .min).littleEndian) { append(contentsOf: $0) }
  }
}
