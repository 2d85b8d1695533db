// The snapshot file: read back as it was written, and refused by name when it is anything else.

import CChecksum
import CallerAnswer
import DiskPace
import Foundation
import OutageModel
import Territory
import Testing

@testable import OutageDaemon

@Suite struct TerritorySnapshotTests {
  private let directory =
    FileManager.default.temporaryDirectory.path + "/outaged-snapshot-\(UUID().uuidString)"
  private var path: String { TerritorySnapshot.path(in: directory) }
  private let versions = TerritoryVersions(
    addresses: version(.addresses, 4), outages: version(.outages, 9))

  init() throws {
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  }

  private static func version(_ kind: LayerKind, _ number: Int) -> LayerVersion {
    LayerVersion(
      kind: kind, number: number, publishedAt: Timestamp(secondsSinceEpoch: 1_790_000_000), source: "a.csv",
      sha256: "0123", recordCount: 1, vertexCount: 0)
  }

  private func territory() -> Territory {
    var builder = ServicePointTableBuilder()
    for index in 0..<50 {
      var point = ServicePoint(
        servicePointId: "SP-\(index)",
        position: LonLat(lonDegrees: Double(index) / 100, latDegrees: Double(index) / 100))
      point.accountId = "A\(index / 2)"
      builder.append(point)
    }
    var area = OutageArea()
    area.append(polygon: [
      [(0.0, 0.0), (0.25, 0.0), (0.25, 0.25), (0.0, 0.25), (0.0, 0.0)].map {
        LonLat(lonDegrees: $0.0, latDegrees: $0.1)
      }
    ])
    return Territory(
      servicePoints: builder.build(addressVersion: 4),
      outages: OutageTable(layer: versions.outages, outages: [Outage(outageId: "O-1", area: area)]))
  }

  private func withSnapshot(_ body: ([UInt8]) throws -> Void) throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try TerritorySnapshot.write(territory(), versions, to: path)
    try body(Array(Data(contentsOf: URL(fileURLWithPath: path))))
  }

  private func readError(_ bytes: [UInt8]) throws -> SnapshotError? {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    do throws(SnapshotError) {
      _ = try TerritorySnapshot.read(path)
      return nil
    } catch {
      return error
    }
  }

  @Test func `what is written is read back, and nobody else can read it`() throws {
    try withSnapshot { bytes in
      let content = try TerritorySnapshot.read(path)
      let read = content.territory
      #expect(content.versions == versions)
      #expect(content.rendered == nil)
      #expect(read.servicePoints.rowCount == 50)
      #expect(read.outages.layer == versions.outages)
      #expect((0..<50).filter { !read.outages(coveringRow: $0).isEmpty }.count == 26)
      #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o640)
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["territory.snapshot"])
      #expect(bytes.count == (try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int))
    }
  }

  @Test func `texts that were rendered come back with the Territory, to the same program`() throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let territory = territory()
    let settings = AnswerSettings(
      timeZone: try #require(TimeZone(identifier: "UTC")), staleAfterSeconds: 900,
      languages: SpeechTemplates.shipped)
    let now = Timestamp(secondsSinceEpoch: 1_790_000_100)
    let sheet = AnswerSheet(territory: territory, settings: settings, at: now)
    try TerritorySnapshot.write(territory, versions, rendered: sheet.rendered, to: path)
    #expect(try TerritorySnapshot.read(path).rendered != nil)
    _ = try TerritorySnapshot.write(
      territory, versions, sheet.rendered, by: "another program", to: path, at: WritingPace())
    #expect(try TerritorySnapshot.read(path).rendered == nil)
    #expect(try TerritorySnapshot.read(path).territory.outages.outages == territory.outages.outages)
  }

  @Test func `a change of any byte that holds something is found`() throws {
    try withSnapshot { bytes in
      for index in Array(0..<512) + Array(stride(from: 512, to: bytes.count, by: 5)) {
        var changed = bytes
        changed[index] ^= 0x40
        // What fills up to the next section's place means nothing.
        let error = try readError(changed)
        if error == nil {
          #expect(bytes[index] == 0, "byte \(index) of \(bytes.count)")
        }
      }
    }
  }

  @Test func `a file that is cut off anywhere is refused`() throws {
    try withSnapshot { bytes in
      for count in Array(0..<130) + Array(stride(from: 130, to: bytes.count, by: 97)) {
        let error = try readError(Array(bytes[..<count]))
        #expect(error != nil, "\(count) bytes")
      }
      let error = try readError(bytes + [0])
      #expect(error != nil)
    }
  }

  @Test func `what is wrong with a file is said`() throws {
    try withSnapshot { bytes in
      var other = bytes
      other[8] = 99
      let otherFormat = try readError(other)
      #expect(
        otherFormat
          == .otherFormat(
            file: path, found: "version 99", expected: "version \(TerritorySnapshot.formatVersion)"))
      #expect(
        try readError(Array("no snapshot".utf8) + [UInt8](repeating: 32, count: 100))
          == .damaged(file: path, found: "another kind of file", expected: "a snapshot of outaged"))
      let newer = TerritoryVersions(
        addresses: versions.addresses, outages: Self.version(.outages, 10))
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      let error = #expect(throws: SnapshotError.self) {
        try SnapshotReading(path).content(expecting: newer)
      }
      #expect(error?.description.contains("layer 9 of 2026-09-21") == true, "\(error?.description ?? "")")
      #expect(error?.description.contains("the store holds address load 4") == true)
      try FileManager.default.removeItem(atPath: path)
      #expect(throws: SnapshotError.missing(file: path)) {
        try SnapshotReading(path).content(expecting: versions)
      }
    }
  }

  @Test func `the checksum is CRC-32C, with the processor's instruction and without`() {
    let digits = Array("123456789".utf8)
    #expect(cchecksum_crc32c(0, digits, 9) == 0xE306_9283)
    #expect(cchecksum_crc32c_portable(0, digits, 9) == 0xE306_9283)
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    for count in [0, 1, 7, 8, 9, 31, 32, 33, 1000] {
      #expect(cchecksum_crc32c(5, bytes, count) == cchecksum_crc32c_portable(5, bytes, count))
      // By its definition: quarters of whole words, the rest with the last.
      let quarter = count / 32 * 8
      let parts = (0..<4).map { part -> UInt32 in
        let end = part == 3 ? count : (part + 1) * quarter
        return bytes[part * quarter..<end].withUnsafeBytes {
          cchecksum_crc32c_portable(0, $0.baseAddress, $0.count)
        }
      }
      let text = parts.flatMap { crc in (0..<4).map { UInt8(truncatingIfNeeded: crc >> ($0 * 8)) } }
      #expect(cchecksum_block(bytes, count) == cchecksum_crc32c_portable(0, text, 16), "\(count) bytes")
    }
  }
}

@Suite struct SystemdSocketTests {
  @Test func `sockets are taken by name, else by order, and only where they are meant for this process`() {
    func sockets(_ environment: [String: String]) -> [String: Int32] {
      SystemdSockets(environment: environment, processId: 42).descriptors
    }
    #expect(sockets(["LISTEN_PID": "42", "LISTEN_FDS": "1"]) == ["query": 3])
    #expect(sockets(["LISTEN_PID": "42", "LISTEN_FDS": "2"]) == ["query": 3, "admin": 4])
    #expect(
      sockets(["LISTEN_PID": "42", "LISTEN_FDS": "3", "LISTEN_FDNAMES": "feed:admin:query"])
        == ["query": 5, "admin": 4, "feed": 3])
    #expect(
      sockets(["LISTEN_PID": "42", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "admin"]) == ["admin": 3])
    #expect(
      sockets(["LISTEN_PID": "42", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "unknown:x.socket"])
        == ["query": 3, "admin": 4])
    #expect(sockets(["LISTEN_PID": "41", "LISTEN_FDS": "1"]) == [:])
    #expect(sockets(["LISTEN_FDS": "1"]) == [:])
    #expect(sockets([:]) == [:])
  }
}
