// Which service points share a transformer or a feeder.

import OutageModel
import Territory

/// The service points of each device of one kind, by the device's number. Rows without a device have the number `none`.
struct DeviceTable {
  static let none = UInt32.max

  /// By row.
  private let deviceOfRow: [UInt32]
  /// Device d has the rows `rows[starts[d] ..< starts[d + 1]]`, ascending.
  private let starts: [Int32]
  private let rows: [UInt32]

  init(_ table: ServicePointTable, _ column: ServicePointTable.TextColumn) {
    var numberOfPacked: [PackedText: UInt32] = [:]
    var numberOfText: [String: UInt32] = [:]
    var counts: [Int32] = []
    var devices: [UInt32] = []
    devices.reserveCapacity(table.rowCount)
    for row in 0..<table.rowCount {
      let packed = table.packedText(column, row: row)
      guard !packed.isEmpty else {
        devices.append(Self.none)
        continue
      }
      // Long texts may be packed twice, so that their packed form alone does not tell.
      let known = numberOfPacked[packed]
      let number = known ?? numberOfText[table.string(column, row: row), default: UInt32(counts.count)]
      if known == nil {
        numberOfPacked[packed] = number
        numberOfText[table.string(column, row: row)] = number
      }
      if number == counts.count { counts.append(0) }
      counts[Int(number)] += 1
      devices.append(number)
    }
    var starts: [Int32] = [0]
    for count in counts { starts.append(starts.last! + count) }
    var next = starts
    var rows = [UInt32](repeating: 0, count: Int(starts.last!))
    for (row, device) in devices.enumerated() where device != Self.none {
      rows[Int(next[Int(device)])] = UInt32(row)
      next[Int(device)] += 1
    }
    (deviceOfRow, self.starts, self.rows) = (devices, starts, rows)
  }

  var count: Int { starts.count - 1 }

  /// `nil` where the address data names none.
  func device(ofRow row: Int) -> UInt32? {
    let device = deviceOfRow[row]
    return device == Self.none ? nil : device
  }

  func rows(of device: UInt32) -> ArraySlice<UInt32> {
    rows[Int(starts[Int(device)])..<Int(starts[Int(device) + 1])]
  }
}

/// The network as far as the address data tells it.
struct DeviceNetwork {
  let transformers: DeviceTable
  let feeders: DeviceTable
  /// Transformers that serve a feeder's customers, by feeder.
  private let transformerCounts: [Int]

  init(_ table: ServicePointTable) {
    let (transformers, feeders) = (DeviceTable(table, .transformerId), DeviceTable(table, .feederId))
    self.transformers = transformers
    self.feeders = feeders
    transformerCounts = (0..<feeders.count).map { feeder in
      Set(feeders.rows(of: UInt32(feeder)).compactMap { transformers.device(ofRow: Int($0)) }).count
    }
  }

  func transformerCount(ofFeeder feeder: UInt32) -> Int { transformerCounts[Int(feeder)] }
}
