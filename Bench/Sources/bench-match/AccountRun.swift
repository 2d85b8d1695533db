// The account lookup in process: how long it takes, and what a service point costs.

import MatchWorkload
import OutageModel
import Territory

struct AccountReport {
  var servicePointCount = 0
  var lookupNanoseconds = Spread([])
  var missNanoseconds = Spread([])
  var phoneNanoseconds = Spread([])
  var bytesPerServicePoint = 0.0
  var buildSeconds = 0.0
  var wrong = 0

  var lines: [String] {
    [
      "| what | ns |", "| --- | ---: |", "| account that is there | \(lookupNanoseconds.text()) |",
      "| account that is not | \(missNanoseconds.text()) |", "| phone | \(phoneNanoseconds.text()) |", "",
      "\(servicePointCount) service points, each with an id, an account, a meter, one phone or two, an address line, "
        + "a city, a postal code, a transformer, a feeder and a position; one account in 51 has several. "
        + "All told \(WorkloadReport.number(bytesPerServicePoint, 1)) bytes a service point: columns, texts and indexes. "
        + "The table is built in \(WorkloadReport.number(buildSeconds, 1)) s. \(wrong) answers were wrong.",
    ]
  }
}

struct AccountRun {
  let servicePointCount: Int
  let seed: UInt64
  let rounds: Int
  private static let streets = [
    "Oak St", "Maple Ave", "2nd St", "Main St", "Birch Ln", "Mill Rd", "County Road 32A", "Elm Ct",
    "Sycamore Dr",
    "Railroad Ave", "Poplar Way", "Hillside Blvd", "Rue du Général-Leclerc", "Lakeshore Dr", "Church St",
    "E 14th St",
  ]

  func measure() -> AccountReport {
    print("\n== accounts: \(servicePointCount) service points")
    var report = AccountReport()
    report.servicePointCount = servicePointCount
    let start = ThreadTime()
    var builder = ServicePointTableBuilder()
    var random = SeededRandom(seed: seed)
    for number in 0..<servicePointCount { builder.append(servicePoint(number, &random)) }
    let table = builder.build(addressVersion: 1)
    report.buildSeconds = start.seconds
    report.bytesPerServicePoint = Double(table.byteCount) / Double(servicePointCount)

    let count = 1_000_000
    let numbers = (0..<count).map { _ in random.int(0..<servicePointCount) }
    let hits = KeyList(numbers.map { account($0) })
    let misses = KeyList(numbers.map { account($0 + servicePointCount * 2) })
    defer {
      hits.deallocate()
      misses.deallocate()
    }
    var (found, missing, phones) = ([Double](), [Double](), [Double]())
    for round in 0...rounds {
      var rows = 0
      var time = ThreadTime()
      for index in 0..<count { rows &+= table.rows(account: hits[index])[0] }
      let foundTime = time.seconds
      time = ThreadTime()
      var stray = 0
      for index in 0..<count { stray += table.rows(account: misses[index]).count }
      let missingTime = time.seconds
      time = ThreadTime()
      for number in numbers { rows &+= table.rows(phoneDigits: phone(number))[0] }
      let phoneTime = time.seconds
      report.wrong += stray + (rows == 0 ? 1 : 0)
      if round == 0 { continue }
      found.append(foundTime * 1e9 / Double(count))
      missing.append(missingTime * 1e9 / Double(count))
      phones.append(phoneTime * 1e9 / Double(count))
    }
    report.lookupNanoseconds = Spread(found)
    report.missNanoseconds = Spread(missing)
    report.phoneNanoseconds = Spread(phones)
    // What was found is what was asked for.
    for index in stride(from: 0, to: count, by: 7) {
      let number = numbers[index]
      let rows = table.rows(account: hits[index])
      let isRight =
        rows.count == pointsOfAccount(number)
        && rows.allSatisfy { table.string(.accountId, row: $0) == account(number) }
        && table.rows(phoneDigits: phone(number)).contains {
          table.string(.servicePointId, row: $0) == id(number)
        }
      if !isRight { report.wrong += 1 }
    }
    return report
  }

  private func id(_ number: Int) -> String { "SP-\(Self.padded(number, 8))" }

  /// Of 51 service points in a row the last two share an account.
  private func accountNumber(_ number: Int) -> Int { number % 51 == 50 ? number - 1 : number }

  private func account(_ number: Int) -> String { Self.padded(accountNumber(number) * 97 + 98, 12) }

  private func pointsOfAccount(_ number: Int) -> Int {
    let first = accountNumber(number)
    return first % 51 == 49 && first + 1 < servicePointCount ? 2 : 1
  }

  private func phone(_ number: Int) -> UInt64 { 15_300_000_000 + UInt64(number) * 3 }

  private func servicePoint(_ number: Int, _ random: inout SeededRandom) -> ServicePoint {
    let town = number / 20_000
    var point = ServicePoint(
      servicePointId: id(number),
      position: LonLat(
        lonDegrees: -122 + Double(town % 16) * 0.2 + random.double(0...0.1),
        latDegrees: 36 + Double(town / 16) * 0.2 + random.double(0...0.1)))
    point.accountId = account(number)
    point.meterId = "M\(Self.padded(number * 13 + 7, 9))"
    point.phones = ["+\(phone(number))"]
    if number % 10 == 0 { point.phones.append("+\(phone(number) + 1)") }
    let street = Self.streets[random.int(0..<Self.streets.count)]
    point.addressLine = "\(random.int(1..<9_999)) \(["", "N ", "S "][random.int(0..<3)])\(street)"
    if number % 6 == 0 { point.unit = "Unit \(random.int(1..<40))" }
    point.city = "Town \(town)"
    point.postalCode = Self.padded(90_000 + town, 5)
    point.transformerId = "T-\(Self.padded(number / 8, 7))"
    point.feederId = "F-\(number / 2_000)"
    point.isCriticalCustomer = number % 200 == 0
    return point
  }

  private static func padded(_ number: Int, _ digits: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }
}

/// Keys one after another, as a request's buffer holds them. Plain pointers: an array's or an object's reference count would be an atomic operation for
/// each key, behind which the processor begins no further look-up.
private struct KeyList {
  private let bytes: UnsafeMutableBufferPointer<UInt8>
  private let starts: UnsafeMutableBufferPointer<Int>

  init(_ keys: [String]) {
    let all = keys.joined().utf8
    bytes = .allocate(capacity: all.count)
    _ = bytes.initialize(from: all)
    starts = .allocate(capacity: keys.count + 1)
    starts[0] = 0
    for (index, key) in keys.enumerated() { starts[index + 1] = starts[index] + key.utf8.count }
  }

  func deallocate() {
    bytes.deallocate()
    starts.deallocate()
  }

  subscript(index: Int) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(rebasing: bytes[starts[index]..<starts[index + 1]])
  }
}
