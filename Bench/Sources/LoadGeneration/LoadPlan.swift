// Customers to ask about, and what GEOS says covers each of their service points in each layer: worked out once, kept in a text file.

import Foundation
import LayerImport
import OutageModel
import StormGeneration
import Territory

/// What `outage-load run` asks, and what it holds each answer against.
public struct LoadPlan: Sendable {
  /// A layer file and its outages, in the order of precedence that the protocol's documentation gives.
  public struct Layer: Sendable {
    public var path: String
    public var outageIds: [String] = []
    /// Closed, cancelled or restored.
    public var isOver: [Bool] = []
    /// Planned outages and shut-offs have not begun before; `.min` for others.
    public var scheduledUntilMilliseconds: [Int64] = []
    /// Sets of outages that cover a service point together, each ascending; the first is empty.
    public var sets: [[UInt32]] = [[]]
  }

  /// A service point's id, and the number of its set in each layer.
  public struct Location: Sendable {
    public var servicePointId: String
    public var sets: [Int]
  }

  /// A key and the service points that it leads to, by ascending id: the first of them, as many as an answer lists.
  public struct Key: Sendable {
    public var text: String
    public var locations: [Location]
    /// How many more there are.
    public var omittedCount = 0

    public init(text: String, locations: [Location], omittedCount: Int = 0) {
      (self.text, self.locations, self.omittedCount) = (text, locations, omittedCount)
    }
  }

  /// Somebody who may call: three ways to ask about the same person.
  public struct Customer: Sendable {
    public var account: Key?
    public var phone: Key?
    /// `lon lat`, as it is asked.
    public var point: Key
  }

  public var layers: [Layer] = []
  public var customers: [Customer] = []

  /// Whether each layer has an outage in force there, whatever the time.
  func isOutInEveryLayer(_ location: Location) -> Bool {
    layers.indices.allSatisfy { index in
      let layer = layers[index]
      return layer.sets[location.sets[index]].contains {
        !layer.isOver[Int($0)] && layer.scheduledUntilMilliseconds[Int($0)] == .min
      }
    }
  }

  /// An answer lists at most so many locations.
  public static let locationsMax = 100
}

// MARK: - Making one

extension LoadPlan {
  /// Reads the files as the daemon's import does, draws customers, and asks GEOS.
  /// - Throws: `ImportError`
  public init(addresses: String, layers paths: [String], customerCount: Int, seed: UInt64) throws {
    var points: [ServicePoint] = []
    _ = try LayerImporter.readAddresses(addresses, options: ImportOptions(), progress: { _ in }) {
      var point = ServicePoint(servicePointId: $0.servicePointId, position: $0.position)
      (point.accountId, point.phones) = ($0.accountId, $0.phones)
      points.append(point)
    }
    var references: [CoverReference] = []
    for path in paths {
      let (outages, _) = try LayerImporter.readOutages(path, options: ImportOptions(), progress: { _ in })
      let table = OutageTable(layer: nil, outages: outages)
      var layer = Layer(path: path)
      for outage in table.outages {
        layer.outageIds.append(outage.outageId)
        layer.isOver.append(outage.phase(at: .latest) == .over)
        let isScheduled = outage.phase(at: .earliest) == .scheduled
        layer.scheduledUntilMilliseconds.append(
          isScheduled ? outage.startedAt?.millisecondsSinceEpoch ?? .min : .min)
      }
      layers.append(layer)
      references.append(CoverReference(table.outages.map(\.area)))
    }

    var random = SplitMix64(seed: seed, keys: 41)
    // Each account once, or those with thousands of service points would be asked about most.
    var shuffled = Array(points.indices)
    var order: [Int] = []
    var drawnAccounts = Set<String>()
    for index in shuffled.indices where order.count < customerCount {
      shuffled.swapAt(index, index + random.below(shuffled.count - index))
      let row = shuffled[index]
      if let account = points[row].accountId, !drawnAccounts.insert(account).inserted { continue }
      order.append(row)
    }

    var rowsOfAccount: [String: [Int]] = [:]
    var rowsOfPhone: [String: [Int]] = [:]
    for row in order {
      if let account = points[row].accountId { rowsOfAccount[account] = [] }
      if let phone = points[row].phones.first { rowsOfPhone[phone] = [] }
    }
    for (row, point) in points.enumerated() {
      if let account = point.accountId { rowsOfAccount[account]?.append(row) }
      for phone in Set(point.phones) { rowsOfPhone[phone]?.append(row) }
    }

    var setNumbers = [[[UInt32]: Int]](repeating: [[]: 0], count: layers.count)
    var known: [Int: [Int]] = [:]
    func location(_ row: Int) -> Location {
      if let sets = known[row] { return Location(servicePointId: points[row].servicePointId, sets: sets) }
      let sets = references.indices.map { layer in
        let covering = references[layer].covering(points[row].position)
        if let number = setNumbers[layer][covering] { return number }
        let number = layers[layer].sets.count
        setNumbers[layer][covering] = number
        layers[layer].sets.append(covering)
        return number
      }
      known[row] = sets
      return Location(servicePointId: points[row].servicePointId, sets: sets)
    }
    func key(_ text: String, _ rows: [Int]) -> Key {
      let sorted = rows.sorted { points[$0].servicePointId < points[$1].servicePointId }
      return Key(
        text: text, locations: sorted.prefix(LoadPlan.locationsMax).map(location),
        omittedCount: max(0, sorted.count - LoadPlan.locationsMax))
    }
    for row in order {
      let point = points[row]
      customers.append(
        Customer(
          account: point.accountId.map { key($0, rowsOfAccount[$0]!) },
          phone: point.phones.first.map { key($0, rowsOfPhone[$0]!) },
          point: key("\(point.position.lonDegrees) \(point.position.latDegrees)", [row])))
    }
  }
}

// MARK: - The file

/// What is wrong with a plan's file.
public struct LoadPlanError: Error, CustomStringConvertible {
  public var description: String
}

extension LoadPlan {
  private static let firstLine = "outage-load plan 2"

  /// Writes the plan, a record a line, its fields separated by tabs.
  public func write(to path: String) throws {
    var text = Self.firstLine + "\n"
    for layer in layers {
      text += "L\t\(layer.path)\n"
      for index in layer.outageIds.indices {
        text +=
          "O\t\(layer.outageIds[index])\t\(layer.isOver[index] ? 1 : 0)\t\(layer.scheduledUntilMilliseconds[index])\n"
      }
      for set in layer.sets.dropFirst() {
        text += "S\t" + set.map(String.init).joined(separator: " ") + "\n"
      }
    }
    for customer in customers {
      text += "C\n"
      for (kind, key) in [("A", customer.account), ("P", customer.phone), ("X", customer.point)] {
        guard let key else { continue }
        text += "\(kind)\t\(key.text)\t\(key.omittedCount)"
        for location in key.locations {
          text += "\t\(location.servicePointId)\t" + location.sets.map(String.init).joined(separator: " ")
        }
        text += "\n"
      }
    }
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }

  public init(contentsOf path: String) throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    try data.withUnsafeBytes { try read(Fields($0), path) }
  }

  private mutating func read(_ start: Fields, _ path: String) throws {
    var fields = start
    guard fields.text() == Self.firstLine else {
      throw LoadPlanError(
        description: "\(path): the first line is not '\(Self.firstLine)'; make it with outage-load plan")
    }
    var account: Key?
    var phone: Key?
    var lineNumber = 1
    while fields.nextLine() {
      lineNumber += 1
      let last = layers.count - 1
      switch fields.text() {
      case "L": layers.append(Layer(path: fields.text()))
      case "O" where last >= 0:
        layers[last].outageIds.append(fields.text())
        layers[last].isOver.append(fields.text() == "1")
        layers[last].scheduledUntilMilliseconds.append(Int64(fields.text()) ?? .min)
      case "S" where last >= 0: layers[last].sets.append(fields.numbers().map(UInt32.init))
      case "C": (account, phone) = (nil, nil)
      case "A": account = fields.key()
      case "P": phone = fields.key()
      case "X": customers.append(Customer(account: account, phone: phone, point: fields.key()))
      default: throw LoadPlanError(description: "\(path), line \(lineNumber): no record of a plan")
      }
    }
  }
}

/// Walks over lines of fields that tabs separate.
private struct Fields {
  private let bytes: UnsafeRawBufferPointer
  private var offset = 0
  private var lineEnd = 0

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
    lineEnd = endOfLine(from: 0)
  }

  private func endOfLine(from start: Int) -> Int {
    var end = start
    while end < bytes.count, bytes[end] != 10 { end += 1 }
    return end
  }

  /// Goes to the next line.
  /// - Returns: whether there is one.
  mutating func nextLine() -> Bool {
    offset = lineEnd + 1
    guard offset < bytes.count else { return false }
    lineEnd = endOfLine(from: offset)
    return true
  }

  private var hasMore: Bool { offset < lineEnd }

  /// The next field; empty behind the last one.
  mutating func text() -> String {
    let start = offset
    while offset < lineEnd, bytes[offset] != 9 { offset += 1 }
    let text = String(decoding: UnsafeRawBufferPointer(rebasing: bytes[start..<offset]), as: UTF8.self)
    if offset < lineEnd { offset += 1 }
    return text
  }

  /// The next field's whole numbers, between spaces.
  mutating func numbers() -> [Int] {
    var numbers: [Int] = []
    var number = 0
    while offset < lineEnd, bytes[offset] != 9 {
      if bytes[offset] == 32 {
        numbers.append(number)
        number = 0
      } else {
        number = number * 10 + Int(bytes[offset] & 15)
      }
      offset += 1
    }
    numbers.append(number)
    if offset < lineEnd { offset += 1 }
    return numbers
  }

  /// All that is left of the line: a key's text, how many locations are left out, and pairs of a service point's id and its sets.
  mutating func key() -> LoadPlan.Key {
    var key = LoadPlan.Key(text: text(), locations: [], omittedCount: numbers()[0])
    while hasMore { key.locations.append(LoadPlan.Location(servicePointId: text(), sets: numbers())) }
    return key
  }
}
