// A file that is large enough to be read and parsed ahead says what a small one with the same records says.

import Foundation
import OutageModel
import TestSupport
import Testing

@testable import LayerImport

@Suite final class LargeFileTests {
  private let folder = FileManager.default.temporaryDirectory.appending(
    path: "outaged-large-\(UUID().uuidString)")
  private static let recordCount = 9000

  init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// Some are rejected, repaired, remarked on or doubled, at places that follow no pattern.
  private func features(seed: UInt64) -> [String] {
    var random = SeededGenerator(seed: seed)
    return (1...Self.recordCount).map { number in
      let lon = Double(number % 97) / 100 - 121.5
      let lat = Double(number / 97) / 100 + 36
      let corners = [
        [lon, lat], [lon + 0.008, lat], [lon + 0.008, lat + 0.008], [lon, lat + 0.008], [lon, lat],
      ]
      var ring = corners.map { "[\($0[0]),\($0[1])]" }
      var id = "OMS-\(number)"
      var properties = ""
      switch Int.random(in: 0..<60, using: &random) {
      case 0: ring.swapAt(1, 2)
      case 1: ring.reverse()
      case 2: ring = Array(ring.prefix(2))
      case 3: ring[2] = "[\(lon),NaN]"
      case 4: ring[2] = "[\(lon),99]"
      case 5: id = "OMS-\(max(1, number - 40))"
      case 6: properties = ",\"status\":\"no such status\""
      case 7: properties = ",\"column\(number)\":1"
      case 8: id = ""
      default: break
      }
      return
        "{\"type\":\"Feature\",\"properties\":{\"outageId\":\"\(id)\",\"cause\":\"\(String(repeating: "x", count: 80))\"\(properties)},"
        + "\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[\(ring.joined(separator: ","))]]}}"
    }
  }

  private func write(_ features: some Sequence<String>, end: String = "]}") throws -> String {
    let file = folder.appending(path: "a.geojson").path
    let text = "{\"type\":\"FeatureCollection\",\"features\":[\n" + features.joined(separator: ",\n") + end
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    return file
  }

  private func read(_ file: String, _ memory: inout LayerMemory) throws -> OutageReading {
    var options = ImportOptions()
    options.defaultTimeZoneName = "America/Los_Angeles"
    options.maxRejectedFraction = 1
    return try LayerImporter.readLayer(file, options: options, memory: &memory)
  }

  /// The same records through the readers themselves, one after another on this thread.
  private func alone(_ file: String) throws -> (outages: [Outage], rejected: [Int]) {
    var options = ImportOptions()
    options.defaultTimeZoneName = "America/Los_Angeles"
    let settings = try ImportSettings(options)
    let reader = try FormatDetector.reader(for: file, settings: settings)
    var converter = try RecordConverter(
      reader: reader, content: .outages, settings: settings, file: "a.geojson")
    var record = RawRecord()
    var outages: [Outage] = []
    var rejected: [Int] = []
    while try reader.next(&record) {
      converter.countRead(reader)
      do { outages.append(try converter.outage(&record)) } catch { rejected.append(record.number) }
    }
    return (outages, rejected)
  }

  @Test func `records come in their order, with the same outcome, and are known the next time`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    let features = features(seed: seed)
    let file = try write(features)
    let bytes = try Data(contentsOf: URL(filePath: file))
    #expect(bytes.count > 2 << 20)
    var memory = LayerMemory()
    let reading = try read(file, &memory)
    let alone = try alone(file)

    var newest: [String: Outage] = [:]
    for outage in alone.outages { newest[outage.outageId] = outage }
    #expect(reading.outages.count == newest.count, "seed \(seed)")
    #expect(reading.outages.allSatisfy { newest[$0.outageId] == $0 }, "seed \(seed)")
    #expect(reading.report.read == Self.recordCount)
    #expect(reading.report.rejectedCount == alone.rejected.count, "seed \(seed)")
    for tally in reading.report.rejected + reading.report.repaired + reading.report.warnings {
      let records = tally.first.compactMap(\.record)
      #expect(records == records.sorted(), "seed \(seed)")
    }
    let hash = FileHash()
    bytes.withUnsafeBytes { hash.update($0) }
    #expect(reading.report.sha256 == hash.hexadecimal())

    let again = try read(file, &memory)
    #expect(again.outages == reading.outages, "seed \(seed)")
    #expect(again.report.json() == reading.report.json(), "seed \(seed)")
    #expect(memory.knownRecordCount == alone.outages.count, "seed \(seed)")
  }

  @Test func `what is wrong with the file is found where it is, and the memory stays`() throws {
    let features = features(seed: 7)
    var memory = LayerMemory()
    _ = try read(try write(features), &memory)
    let known = memory.records.count
    func fault(_ file: String) -> ImportFault? {
      do {
        _ = try read(file, &memory)
        return nil
      } catch ImportError.refused(let fault) {
        return fault
      } catch {
        return nil
      }
    }
    let bad = fault(try write(features[..<7000] + ["{\"type\":?}"] + features[7000...]))
    #expect(bad?.reason == .notJSON && bad?.record == 7001)
    let cut = fault(try write(features[..<8000], end: ""))
    #expect(cut?.reason == .truncated && cut?.record == 8000)
    #expect(memory.records.count == known)
  }
}
