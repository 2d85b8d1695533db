// The way in: reads a file of addresses or outages into model values, and reports what it met.

import OutageModel

/// Reads files of every format of Docs/FORMATS.md.
///
/// ```swift
/// var options = ImportOptions()
/// options.timeZoneName = "America/Los_Angeles"
/// let (outages, report) = try LayerImporter.readOutages("storm.geojson", options: options) { _ in }
/// print(report.text)
/// ```
public enum LayerImporter {
  /// Streams the service points of a file in bounded memory.
  ///
  /// `body` may be called again with the same `servicePointId`: the last call wins.
  /// - Throws: `ImportError`, and what `body` throws. What `body` was given before is to be thrown away then.
  public static func readAddresses(
    _ file: String, options: ImportOptions, progress: (ImportProgress) -> Void,
    _ body: (ServicePoint) throws -> Void
  ) throws -> ImportReport {
    let settings = try ImportSettings(options)
    let reader = try FormatDetector.reader(for: file, settings: settings)
    var report: ImportReport?
    report = try readAddresses(reader, file, settings, progress, body).report
    guard let report else { return ImportReport() }
    if report.hasTooManyRejected { throw ImportError.tooManyRejected(report) }
    return report
  }

  /// Reads an outage layer; ids are unique and areas valid.
  /// - Throws: `ImportError`
  public static func readOutages(
    _ file: String, options: ImportOptions, progress: (ImportProgress) -> Void
  ) throws(ImportError) -> (outages: [Outage], report: ImportReport) {
    let reading = try readLayer(file, options, nil, progress).reading
    if reading.report.hasTooManyRejected { throw .tooManyRejected(reading.report) }
    return (reading.outages, reading.report)
  }

  /// Reads an outage layer; ids are unique and areas valid.
  /// - Parameter memory: of the layer that was read before, and then of this one; as it was after an error.
  /// - Throws: `ImportError`
  public static func readOutages(
    _ file: String, options: ImportOptions, memory: inout LayerMemory, progress: (ImportProgress) -> Void
  ) throws(ImportError) -> (outages: [Outage], report: ImportReport) {
    let (reading, next) = try readLayer(file, options, memory, progress)
    if reading.report.hasTooManyRejected { throw .tooManyRejected(reading.report) }
    memory = next
    return (reading.outages, reading.report)
  }

  /// Reads an outage layer whatever share of its records is rejected: what is let pass is for the caller to say.
  /// - Parameter memory: of the layer that was read before, and then of this one; as it was after an error.
  /// - Throws: `ImportError.refused`
  public static func readLayer(
    _ file: String, options: ImportOptions, memory: inout LayerMemory
  ) throws(ImportError) -> OutageReading {
    let (reading, next) = try readLayer(file, options, memory) { _ in }
    memory = next
    return reading
  }

  /// - Parameter memory: `nil` where nothing is to be remembered.
  private static func readLayer(
    _ file: String, _ options: ImportOptions, _ memory: LayerMemory?, _ progress: (ImportProgress) -> Void
  ) throws(ImportError) -> (reading: OutageReading, memory: LayerMemory) {
    let settings = try ImportSettings(options)
    let reader = try FormatDetector.reader(for: file, settings: settings)
    let recognition = memory.map {
      LayerRecognition(
        $0,
        LayerMemory.Context(
          options: options, profile: settings.profileContent, format: reader.format, crs: reader.crs))
    }
    (reader as? GeoJSONReader)?.recognition = recognition?.records
    let (outages, report, mapping) = try readOutages(reader, file, settings, progress, recognition)
    return (
      OutageReading(outages: outages, report: report, columns: mapping.columnNames),
      recognition?.memory ?? LayerMemory()
    )
  }

  /// Reads a file as an import would, and tells how.
  ///
  /// A file of points holds addresses, one of polygons outages; where that does not tell, the columns do.
  /// - Throws: `ImportError.refused` if the file cannot be read at all; rejected records are in the report.
  public static func check(_ file: String, options: ImportOptions) throws(ImportError) -> CheckReport {
    let settings = try ImportSettings(options)
    let content = try content(of: file, settings)
    let reader = try FormatDetector.reader(for: file, settings: settings)
    var check = CheckReport()
    let mapping: FieldMapping
    switch content {
    case .addresses:
      do {
        (check.report, mapping) = try readAddresses(reader, file, settings, { _ in }, { _ in })
      } catch let error as ImportError {
        throw error
      } catch {
        throw .refused(.unreadableFile, fileName(file), found: "\(error)", expected: "a layer")
      }
    case .outages:
      (_, check.report, mapping) = try readOutages(reader, file, settings, { _ in }, nil)
    }
    check.format = reader.format
    check.layers = reader.layers
    check.crs = check.report.crs
    check.content = content.rawValue
    check.columns = zip(mapping.columnNames, mapping.fieldOfColumn).map {
      CheckedColumn(column: $0, field: $1?.rawValue)
    }
    check.wouldImport = !check.report.hasTooManyRejected
    return check
  }

  // MARK: Runs

  private static func readAddresses(
    _ reader: any RecordReader, _ file: String, _ settings: ImportSettings,
    _ progress: (ImportProgress) -> Void, _ body: (ServicePoint) throws -> Void
  ) throws -> (report: ImportReport, mapping: FieldMapping) {
    var converter = try RecordConverter(
      reader: reader, content: .addresses, settings: settings, file: fileName(file))
    var record = RawRecord()
    var newest = NewestById()
    while try reader.next(&record) {
      converter.countRead(reader)
      do throws(ConversionStop) {
        let (point, updatedAt) = try converter.servicePoint(&record)
        let other = newest.insert(point.servicePointId, updatedAt: updatedAt, record: record.number)
        if let other {
          converter.countDuplicate(
            record: record.number, id: point.servicePointId,
            keptRecord: other.isNewer ? record.number : other.otherRecord)
        } else {
          converter.countAccepted()
        }
        if other?.isNewer ?? true {
          do { try body(point) } catch { throw ConversionStop.failed(error) }
        }
      } catch {
        switch error {
        case .rejected(let reason, let finding): converter.reject(reason, finding)
        case .refused(let error): throw error
        case .failed(let error): throw error
        }
      }
      if record.number % 8192 == 0 { report(progress, reader, record.number) }
    }
    report(progress, reader, converter.report.read)
    return (try converter.finish(reader: reader), converter.mapping)
  }

  private static func readOutages(
    _ reader: any RecordReader, _ file: String, _ settings: ImportSettings,
    _ progress: (ImportProgress) -> Void, _ recognition: LayerRecognition?
  ) throws(ImportError) -> (outages: [Outage], report: ImportReport, mapping: FieldMapping) {
    var converter = try RecordConverter(
      reader: reader, content: .outages, settings: settings, file: fileName(file), recognition: recognition)
    let reader = RecordsAhead.of(reader, converter.areasAhead())
    var record = RawRecord()
    var outages: [Outage] = []
    var places: [String: (index: Int, record: Int)] = [:]
    while try reader.next(&record) {
      converter.countRead(reader)
      do throws(ConversionStop) {
        let outage = try converter.outage(&record)
        if let other = places[outage.outageId] {
          let isNewer = (outage.updatedAt ?? .earliest) >= (outages[other.index].updatedAt ?? .earliest)
          if isNewer {
            outages[other.index] = outage
            places[outage.outageId] = (other.index, record.number)
          }
          converter.countDuplicate(
            record: record.number, id: outage.outageId, keptRecord: isNewer ? record.number : other.record)
        } else {
          places[outage.outageId] = (outages.count, record.number)
          outages.append(outage)
          converter.countAccepted()
        }
      } catch {
        switch error {
        case .rejected(let reason, let finding): converter.reject(reason, finding)
        case .refused(let error): throw error
        case .failed(let error):
          throw .refused(.unreadableFile, fileName(file), found: "\(error)", expected: "")
        }
      }
      if record.number % 256 == 0 { report(progress, reader, record.number) }
    }
    report(progress, reader, converter.report.read)
    return (outages, try converter.finish(reader: reader), converter.mapping)
  }

  private static func report(_ progress: (ImportProgress) -> Void, _ reader: any RecordReader, _ records: Int)
  {
    progress(ImportProgress(recordsRead: records, bytesRead: reader.bytesRead, bytesTotal: reader.bytesTotal))
  }

  private static func fileName(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }

  /// What a file holds, from its first records and its columns.
  private static func content(of file: String, _ settings: ImportSettings) throws(ImportError)
    -> ImportContent
  {
    let reader = try FormatDetector.reader(for: file, settings: settings)
    var record = RawRecord()
    for _ in 0..<100 {
      guard try reader.next(&record) else { break }
      switch record.geometry.kind {
      case .point: return .addresses
      case .polygonal: return .outages
      default: continue
      }
    }
    var scores: [ImportContent: Int] = [:]
    for content in [ImportContent.addresses, .outages] {
      var mapping = try FieldMapping(
        content: content, tables: settings.tables, wanted: settings.wantedColumns, file: fileName(file))
      mapping.add(columns: reader.columns)
      scores[content] = mapping.fieldOfColumn.count { $0 != nil } + (mapping.has(content.idField) ? 2 : 0)
    }
    return scores[.addresses, default: 0] >= scores[.outages, default: 0] ? .addresses : .outages
  }
}

/// An outage layer as it was read.
public struct OutageReading: Sendable {
  /// Ids are unique and areas valid.
  public var outages: [Outage]
  /// May have too many rejected records: `hasTooManyRejected` tells.
  public var report: ImportReport
  /// All columns of the file; without a fixed set of them, those that came up.
  public var columns: [String]
}
