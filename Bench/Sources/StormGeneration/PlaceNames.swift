// The names and places of the made-up utility: towns around Davis, California, and the streets that they share.

import OutageModel

/// A town as it is known before any service point stands in it.
struct TownSeed {
  var name: String
  var postalCode: String
  var centre: LonLat
  /// Its part of the service points, against the other towns'.
  var weight: Double
}

enum PlaceNames {
  /// The towns that every territory has. They lie within the area that EPSG:2227 (NAD83 / California zone 3, US survey feet) bounds.
  static let towns: [TownSeed] = [
    TownSeed(name: "Davis", postalCode: "95616", centre: at(-121.7405, 38.5449), weight: 0.26),
    TownSeed(name: "Woodland", postalCode: "95695", centre: at(-121.7733, 38.6785), weight: 0.22),
    TownSeed(name: "Vacaville", postalCode: "95688", centre: at(-121.9877, 38.3566), weight: 0.16),
    TownSeed(name: "West Sacramento", postalCode: "95691", centre: at(-121.5302, 38.5805), weight: 0.14),
    TownSeed(name: "Dixon", postalCode: "95620", centre: at(-121.8233, 38.4455), weight: 0.09),
    TownSeed(name: "Winters", postalCode: "95694", centre: at(-121.9708, 38.5249), weight: 0.06),
    TownSeed(name: "Cañada Verde", postalCode: "95627", centre: at(-122.0170, 38.6922), weight: 0.04),
    TownSeed(name: "Clarksburg", postalCode: "95612", centre: at(-121.5272, 38.4205), weight: 0.03),
  ]

  /// A further town of a large territory: on a jittered grid of 7.5 km south of the first eight.
  static func furtherTown(_ index: Int, seed: UInt64) -> TownSeed {
    var random = SplitMix64(seed: seed, keys: 11, UInt64(index))
    let first = [
      "Oak", "Mill", "Willow", "Cedar", "Stone", "Valley", "River", "Fair", "Green", "Clear", "Elk", "Sand",
      "Rose", "Golden", "Silver", "Blue",
    ]
    let second = [
      "Grove", "Creek", "Field", "Point", "Landing", "Heights", "Bend", "Springs", "Crossing", "Meadows",
      "Ridge", "Hollow", "Ranch", "Station", "Bridge", "Flat",
    ]
    let (row, column) = index.quotientAndRemainder(dividingBy: 16)
    let name = "\(first[(index * 7 + index / 16) % 16]) \(second[(index / 16 + index * 3) % 16])"
    return TownSeed(
      name: name, postalCode: String(95_900 - index * 3),
      centre: at(
        -122.05 + Double(column) * 0.0857 + random.uniform(-0.008..<0.008),
        38.27 - Double(row) * 0.0676 + random.uniform(-0.006..<0.006)),
      weight: random.uniform(0.06..<0.19))
  }

  /// The name of the street that is `row` streets up in a town.
  static func street(row: Int, town: Int) -> String {
    guard row < streets.count else { return ordinal(row - streets.count + 11) + " St" }
    return streets[(row * 23 + town * 17) % streets.count]
  }

  private static func ordinal(_ number: Int) -> String {
    switch (number % 10, number % 100) {
    case (_, 11...13): "\(number)th"
    case (1, _): "\(number)st"
    case (2, _): "\(number)nd"
    case (3, _): "\(number)rd"
    default: "\(number)th"
    }
  }

  private static let streets = [
    "Oak St", "Elm St", "Maple Ave", "Pine St", "Cedar Ln", "Walnut St", "Almond Ave", "Peach Ct", "Olive Dr",
    "Fig Way",
    "Main St", "Depot St", "Railroad Ave", "College St", "Court St", "Lincoln Ave", "Grant Ave",
    "Sycamore Ln", "Laurel Dr", "Willow Way",
    "Pole Line Rd", "Covell Blvd", "Anderson Rd", "Russell Blvd", "Cowell Blvd", "Putah Creek Rd",
    "Gibson Rd", "Beamer St", "Cottonwood St", "Ashley Ave",
    "Peña Ave", "Alamo Dr", "Elmira Rd", "Mason St", "Merchant St", "Buck Ave", "Ulatis Dr", "Marshall Rd",
    "Nut Tree Rd", "Leisure Town Rd",
    "Jefferson Blvd", "Linden Rd", "Village Pkwy", "Harbor Blvd", "Riverbank Rd", "Stone Blvd", "Sutter St",
    "Folsom St", "Solano Ave", "Yolo Ave",
    "Vine St", "Orchard Ln", "Meadow Ct", "Heron Way", "Egret Ln", "Poppy Ln", "Lupine Way", "Magnolia Ave",
    "Redwood Ln", "Sequoia Dr", "Juniper St",
  ]

  private static func at(_ lonDegrees: Double, _ latDegrees: Double) -> LonLat {
    LonLat(lonDegrees: lonDegrees, latDegrees: latDegrees)
  }
}
