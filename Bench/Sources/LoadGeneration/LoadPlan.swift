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

  /// A key and the service points that it leads to, by ascending id.
  public struct Key: Sendable {
    public var text: String
    public var locations: [Location]
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
    var drawn = Set<Int>()
    while drawn.count < min(customerCount, points.count) { drawn.insert(random.below(points.count)) }
    var order = drawn.sorted()
    for index in order.indices.reversed() { order.swapAt(index, random.below(index + 1)) }

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
      return Key(text: text, locations: sorted.map(location))
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
  private static let firstLine = "outage-load plan 1"

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
        text += "\(kind)\t\(key.text)"
        for location in key.locations {
          text += "\t\(location.servicePointId)\t" + location.sets.map(String.init).joined(separator: " ")
        }
        text += "\n"
      }
    }
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }

  public init(contentsOf path: String) throws {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let lines = bytes.split(separator: UInt8(ascii: "\n"))
    guard let first = lines.first, String(decoding: first, as: UTF8.self) == Self.firstLine else {
      throw LoadPlanError(
        description: "\(path): the first line is not '\(Self.firstLine)'; make it with outage-load plan")
    }
    var account: Key?
    var phone: Key?
    for (number, line) in lines.enumerated().dropFirst() {
      let fields = line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
      func text(_ index: Int) -> String { String(decoding: fields[index], as: UTF8.self) }
      func numbers(_ index: Int) -> [Int] {
        fields[index].split(separator: UInt8(ascii: " ")).compactMap(Self.number)
      }
      func key() -> Key {
        Key(
          text: text(1),
          locations: stride(from: 2, to: fields.count - 1, by: 2).map {
            Location(servicePointId: text($0), sets: numbers($0 + 1))
          })
      }
      let last = layers.count - 1
      switch (line.first, fields.count) {
      case (UInt8(ascii: "L"), 2): layers.append(Layer(path: text(1)))
      case (UInt8(ascii: "O"), 4) where last >= 0:
        layers[last].outageIds.append(text(1))
        layers[last].isOver.append(text(2) == "1")
        layers[last].scheduledUntilMilliseconds.append(Int64(text(3)) ?? .min)
      case (UInt8(ascii: "S"), 2) where last >= 0:
        layers[last].sets.append(numbers(1).map(UInt32.init))
      case (UInt8(ascii: "C"), 1): (account, phone) = (nil, nil)
      case (UInt8(ascii: "A"), 4...): account = key()
      case (UInt8(ascii: "P"), 4...): phone = key()
      case (UInt8(ascii: "X"), 4):
        customers.append(Customer(account: account, phone: phone, point: key()))
      default: throw LoadPlanError(description: "\(path), line \(number + 1): no record of a plan")
      }
    }
  }

  private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
    var value = 0
    for digit in digits {
      guard digit >= 0x30, digit <= 0x39 else { return nil }
      value = value * 10 + Int(digit - 0x30)
    }
    return value
  }
}
