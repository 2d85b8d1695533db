// Every request that a run may send, encoded once, and which locations its answer must list.

import ByteBuffers
import StormGeneration
import WireProtocol

/// The requests of a plan as bytes, and the service points that each leads to.
public struct RequestTable: Sendable {
  /// One request.
  struct Entry: Sendable {
    var kind: RequestKind
    var bytes: Range<Int>
    /// In `locations`.
    var locations: Range<Int>
    /// Further locations that the answer only counts.
    var omittedCount: Int
  }

  /// A service point that an answer must list.
  struct Location: Sendable {
    /// What its object begins with, in `texts`: `{"servicePointId":"SP-1",` or `{"lonDegrees":`.
    var head: Range<Int>
    /// In `setNumbers`: one for each layer.
    var firstSet: Int
  }

  private(set) var entries: [Entry] = []
  private(set) var bytes: [UInt8] = []
  private(set) var locations: [Location] = []
  private(set) var texts: [UInt8] = []
  private(set) var setNumbers: [Int32] = []
  /// By customer: entries, -1 where there is none.
  private var byAccount: [Int32] = []
  private var byPhone: [Int32] = []
  private var byPoint: [Int32] = []
  private var reports: [Int32] = []
  private var unknown: Range<Int> = 0..<0

  public static let unknownCount = 10_000

  public var customerCount: Int { byPoint.count }

  /// - Parameter verb: another command that takes an account's id, such as `GET`, in place of `OUTAGE.ACCOUNT`.
  public init(_ plan: LoadPlan, verb: String? = nil, seed: UInt64) {
    for customer in plan.customers {
      byAccount.append(
        add(.account, customer.account, [verb ?? "OUTAGE.ACCOUNT", customer.account?.text ?? ""]))
      byPhone.append(add(.phone, customer.phone, ["OUTAGE.PHONE", customer.phone?.text ?? ""]))
      byPoint.append(
        add(
          .point, customer.point,
          ["OUTAGE.POINT"] + customer.point.text.split(separator: " ").map(String.init)))
    }
    for customer in plan.customers where plan.isOutInEveryLayer(customer.point.locations[0]) {
      let id = customer.point.locations[0].servicePointId
      // The number of the call goes behind it when it is sent.
      reports.append(
        add(
          .report, customer.point, ["REPORT.ADD", "SERVICEPOINT", id, "KIND", "out", "CALL"], furtherWords: 1)
      )
      texts += "\"\(id)\"".utf8
      locations[locations.count - 1].head = texts.count - id.utf8.count - 2..<texts.count
    }
    let first = entries.count
    var random = SplitMix64(seed: seed, keys: 42)
    for _ in 0..<Self.unknownCount {
      // Accounts of the fixtures are counted from 0 and have twelve digits.
      let id = String(900_000_000_000 + random.below(99_999_999_999))
      _ = add(.unknown, LoadPlan.Key(text: id, locations: []), [verb ?? "OUTAGE.ACCOUNT", id])
    }
    unknown = first..<entries.count
  }

  private mutating func add(
    _ kind: RequestKind, _ key: LoadPlan.Key?, _ words: [String], furtherWords: Int = 0
  ) -> Int32 {
    guard let key else { return -1 }
    var request = ByteBuffer()
    request.appendArrayHeader(words.count + furtherWords)
    for word in words { request.appendBulk(word) }
    let start = bytes.count
    bytes += request.bytes
    let firstLocation = locations.count
    for location in key.locations {
      let head = kind == .point ? "{\"lonDegrees\":" : "{\"servicePointId\":\"\(location.servicePointId)\","
      let textStart = texts.count
      texts += head.utf8
      locations.append(Location(head: textStart..<texts.count, firstSet: setNumbers.count))
      setNumbers += location.sets.map(Int32.init)
    }
    entries.append(
      Entry(
        kind: kind, bytes: start..<bytes.count, locations: firstLocation..<locations.count,
        omittedCount: key.omittedCount))
    return Int32(entries.count - 1)
  }

  /// The entry by which this customer is asked about; one without a phone is asked about by account, one without an account by position.
  /// Reports come from customers in an outage of every layer only, so that they make no suspected outages, and no answer changes by them.
  func entry(_ kind: RequestKind, customer: Int, _ random: inout SplitMix64) -> Int {
    switch kind {
    case .unknown: return unknown.lowerBound + random.below(unknown.count)
    case .report where !reports.isEmpty: return Int(reports[customer % reports.count])
    case .phone where byPhone[customer] >= 0: return Int(byPhone[customer])
    case .account where byAccount[customer] >= 0, .phone where byAccount[customer] >= 0:
      return Int(byAccount[customer])
    default: return Int(byPoint[customer])
    }
  }
}
