// A made-up utility's territory: towns of streets and feeders, from which any service point can be computed by its number.

import OutageModel

/// The plan of a territory. Nothing is stored per service point: `servicePoint(_:)` computes any of them from its number, so that five million
/// can be streamed in constant memory, in any order.
///
/// A town is a grid of feeder cells; a cell has blocks of 120 m along its streets, which lie 80 m apart, with twelve lots a block, seven in
/// eight of them built on. Of 51 service points, 50 have an account of their own, counted without a gap from 000000000000; the 51st is a
/// second service point (a well, a shop) of one of those accounts.
public struct TerritoryPlan: Sendable {
  public static let blockLengthMetres = 120.0
  public static let streetSpacingMetres = 80.0
  static let lotsPerBlock = 12

  public let seed: UInt64
  public let servicePointCount: Int
  public let towns: [Town]
  /// Blocks along and streets across a feeder's cell.
  public let feederColumns: Int
  public let feederRows: Int

  /// - Parameter servicePointCount: at least 51.
  public init(servicePointCount: Int, seed: UInt64) {
    precondition(servicePointCount >= 51)
    self.seed = seed
    self.servicePointCount = servicePointCount
    (feederColumns, feederRows) = servicePointCount <= 50_000 ? (4, 4) : (8, 12)
    let perFeeder = feederColumns * feederRows * Self.lotsPerBlock * 7 / 8

    let townCount = max(PlaceNames.towns.count, servicePointCount / 20_000)
    let seeds =
      PlaceNames.towns
      + (0..<(townCount - PlaceNames.towns.count)).map { PlaceNames.furtherTown($0, seed: seed) }
    let weight = seeds.reduce(0) { $0 + $1.weight }
    var towns: [Town] = []
    var (first, firstFeeder, share) = (0, 0, 0.0)
    for (index, place) in seeds.enumerated() {
      share += place.weight
      let end = index == seeds.count - 1 ? servicePointCount : Int(Double(servicePointCount) * share / weight)
      let feederCount = (end - first + perFeeder - 1) / perFeeder
      var random = SplitMix64(seed: seed, keys: 1, UInt64(index))
      towns.append(
        Town(
          index: index, name: place.name, postalCode: place.postalCode,
          frame: LocalFrame(origin: place.centre, rotationRadians: random.uniform(-0.35..<0.35)),
          servicePoints: first..<end, feeders: firstFeeder..<(firstFeeder + feederCount),
          feederColumns: feederColumns, feederRows: feederRows))
      first = end
      firstFeeder += feederCount
    }
    self.towns = towns
  }

  /// The plan with exactly that many accounts, and one more service point for every fifty of them.
  public init(accountCount: Int, seed: UInt64) {
    self.init(servicePointCount: accountCount + accountCount / 50, seed: seed)
  }

  public var accountCount: Int { servicePointCount - servicePointCount / 51 }
  public var feederCount: Int { towns.last!.feeders.upperBound }

  public func town(ofFeeder feeder: Int) -> Town {
    towns[towns.partitionPoint { $0.feeders.upperBound > feeder }]
  }

  public func feederId(_ feeder: Int) -> String { String(1101 + feeder) }

  /// - Parameter number: in `0 ..< servicePointCount`; `SP-000000000` is number 0.
  public func servicePoint(_ number: Int) -> ServicePoint {
    let town = towns[towns.partitionPoint { $0.servicePoints.upperBound > number }]
    let site = site(number - town.servicePoints.lowerBound, in: town)
    var random = SplitMix64(seed: seed, keys: 2, UInt64(number))

    var point = ServicePoint(
      servicePointId: Self.servicePointId(number), position: town.frame.lonLat(site.position))
    let account = account(of: number)
    point.accountId = Self.accountId(account)
    if !random.chance(0.01) { point.meterId = "M" + padded(70_000_000 + number, 8) }
    point.phones = phones(ofAccount: account)
    point.addressLine = "\(site.houseNumber) \(PlaceNames.street(row: site.streetRow, town: town.index))"
    point.unit = site.unit
    point.city = town.name
    point.postalCode = town.postalCode
    point.feederId = feederId(site.feeder)
    point.transformerId = "T\(feederId(site.feeder))-\(padded(site.transformer, 3))"
    point.isCriticalCustomer = random.chance(0.015)
    return point
  }

  public static func servicePointId(_ number: Int) -> String { "SP-" + padded(number, 9) }
  public static func accountId(_ number: Int) -> String { padded(number, 12) }

  private func account(of number: Int) -> Int {
    guard number % 51 == 50 else { return number - number / 51 }
    var random = SplitMix64(seed: seed, keys: 3, UInt64(number))
    // One in three goes to the chain that is the first account, so that one account has many service points.
    return random.chance(1 / 3) ? 0 : random.below(accountCount)
  }

  /// None for one account in ten, two for one in eight; one in twenty-five is reached at a property manager's number.
  private func phones(ofAccount account: Int) -> [String] {
    var random = SplitMix64(seed: seed, keys: 4, UInt64(account))
    let kind = random.uniform(0..<1)
    if kind < 0.10 { return [] }
    var phones = [
      Self.phone(
        kind < 0.14 ? 2 * random.below(accountCount / 400 + 1) : 2 * (account + accountCount / 400 + 1))
    ]
    if kind >= 0.875 { phones.append(Self.phone(2 * account + 1)) }
    return phones
  }

  /// A number for each index below 16 million. The first 40,000 have the exchange 555, which is nobody's.
  static func phone(_ index: Int) -> String {
    let areaCodes = ["530", "916", "707", "209"]
    let exchange = 200 + (355 + index / 40_000) % 800
    return "+1" + areaCodes[index % 4] + padded(exchange, 3) + padded(index / 4 % 10_000, 4)
  }
}

extension TerritoryPlan {
  private struct Site {
    var position: PlanePoint
    var feeder, transformer, streetRow, houseNumber: Int
    var unit: String?
  }

  private func site(_ local: Int, in town: Town) -> Site {
    let perFeeder = feederColumns * feederRows * Self.lotsPerBlock * 7 / 8
    let (cell, ordinal) = local.quotientAndRemainder(dividingBy: perFeeder)
    let (group, place) = ordinal.quotientAndRemainder(dividingBy: 7)
    var random = SplitMix64(seed: seed, keys: 5, UInt64(town.feeders.lowerBound + cell), UInt64(group))
    let empty = random.below(8)
    let lot = group * 8 + (place < empty ? place : place + 1)

    let (block, lotInBlock) = lot.quotientAndRemainder(dividingBy: Self.lotsPerBlock)
    let (row, column) = block.quotientAndRemainder(dividingBy: feederColumns)
    let (face, lotOnFace) = lotInBlock.quotientAndRemainder(dividingBy: Self.lotsPerBlock / 2)
    let node = town.node(cell: cell, column: column, row: row)

    var jitter = SplitMix64(seed: seed, keys: 6, UInt64(town.feeders.lowerBound + cell), UInt64(lot))
    var block6 = SplitMix64(
      seed: seed, keys: 7, UInt64(town.feeders.lowerBound + cell), UInt64(block * 2 + face))
    let isApartmentHouse = block6.chance(0.06)
    let corner = town.position(node)
    let side = face == 0 ? -1.0 : 1.0
    let houseBase = 100 * (node.column + 1) + (face == 0 ? 2 : 1)
    let position =
      isApartmentHouse
      // The units of one house stand on one spot, as they do in real address files.
      ? PlanePoint(corner.xMetres + block6.uniform(40..<80), corner.yMetres + side * 19)
      : PlanePoint(
        corner.xMetres + 10 + 20 * Double(lotOnFace) + jitter.uniform(-4..<4),
        corner.yMetres + side * jitter.uniform(13..<24))
    return Site(
      position: position, feeder: town.feeders.lowerBound + cell, transformer: block * 2 + face + 1,
      streetRow: node.row, houseNumber: houseBase + (isApartmentHouse ? 24 : 8 * lotOnFace),
      unit: isApartmentHouse ? "Apt \(lotOnFace + 1)" : nil)
  }
}

/// One town of a territory.
public struct Town: Sendable {
  public let index: Int
  public let name: String
  public let postalCode: String
  public let frame: LocalFrame
  /// Numbers of its service points.
  public let servicePoints: Range<Int>
  /// Numbers of its feeders, one for each cell.
  public let feeders: Range<Int>
  let feederColumns: Int
  let feederRows: Int
  /// Cells beside one another, so that the town is about as wide as it is high.
  let cellsAcross: Int

  init(
    index: Int, name: String, postalCode: String, frame: LocalFrame, servicePoints: Range<Int>,
    feeders: Range<Int>, feederColumns: Int, feederRows: Int
  ) {
    self.index = index
    self.name = name
    self.postalCode = postalCode
    self.frame = frame
    self.servicePoints = servicePoints
    self.feeders = feeders
    self.feederColumns = feederColumns
    self.feederRows = feederRows
    let shape =
      Double(feederRows) * TerritoryPlan.streetSpacingMetres
      / (Double(feederColumns) * TerritoryPlan.blockLengthMetres)
    cellsAcross = max(1, Int((Double(feeders.count) * shape).squareRoot().rounded(.up)))
  }

  func node(cell: Int, column: Int, row: Int) -> StreetNode {
    let (down, across) = cell.quotientAndRemainder(dividingBy: cellsAcross)
    return StreetNode(
      town: index, column: across * feederColumns + column, row: down * feederRows + row)
  }

  func position(_ node: StreetNode) -> PlanePoint {
    let width = Double(cellsAcross * feederColumns) * TerritoryPlan.blockLengthMetres
    let cellsDown = (feeders.count + cellsAcross - 1) / cellsAcross
    let height = Double(cellsDown * feederRows) * TerritoryPlan.streetSpacingMetres
    return PlanePoint(
      Double(node.column) * TerritoryPlan.blockLengthMetres - width / 2,
      (Double(node.row) + 0.5) * TerritoryPlan.streetSpacingMetres - height / 2)
  }
}

/// A crossing in a town, counted along and across its streets.
public struct StreetNode: Hashable, Comparable, Sendable {
  public var town, column, row: Int

  public static func < (a: Self, b: Self) -> Bool {
    (a.town, a.row, a.column) < (b.town, b.row, b.column)
  }
}

/// Decimal digits with leading zeros.
public func padded(_ value: Int, _ width: Int) -> String {
  let digits = String(value)
  return String(repeating: "0", count: max(0, width - digits.count)) + digits
}

extension Array {
  /// The first index whose element fulfils the predicate, if all after it do; `count` if none does.
  func partitionPoint(_ predicate: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if predicate(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
