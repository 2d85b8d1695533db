// Files of reports for an OMS that takes files: whole or not there, each report in one of them.

import ByteBuffers
import Foundation
import LayerStore
import OutageModel

/// Where and how reports are spooled.
public struct SpoolSettings: Sendable, Equatable {
  public enum Format: String, CaseIterable, Sendable {
    case csv, json
  }

  public var directory: String
  public var format = Format.csv
  /// Reports in one file, at most.
  public var batchMax = 10_000

  public init(directory: String) { self.directory = directory }
}

/// Writes the reports of a journal as files `reports-FIRST-LAST.csv` (or `.json`, an array), named by their numbers.
///
/// A file is written under another name, brought to the disk and renamed. Which reports it holds is noted before: after a kill the same
/// file is written again, so that a report never is in two different ones. Used on one thread at a time.
public final class ReportSpool {
  private let journal: ReportJournal
  public var settings: SpoolSettings

  public init(journal: ReportJournal, settings: SpoolSettings) {
    self.journal = journal
    self.settings = settings
  }

  /// Writes all reports that were not written yet.
  /// - Returns: the names of the files.
  /// - Throws: `StoreError`; what could not be written is with the next call.
  public func writeNew() throws(StoreError) -> [String] {
    var names: [String] = []
    while let batch = try begin() {
      if let first = batch.reports.first, let last = batch.reports.last {
        let name = "reports-\(padded(first.sequence))-\(padded(last.sequence)).\(settings.format.rawValue)"
        try write(batch.reports, name: name)
        names.append(name)
      }
      try waitFor { journal.endSpoolBatch(through: batch.through, $0) }
    }
    return names
  }

  private func begin() throws(StoreError) -> ReportJournal.SpoolBatch? {
    try waitFor { journal.beginSpoolBatch(limit: settings.batchMax, $0) }
  }

  private func waitFor<Value: Sendable>(
    _ start: (@escaping @Sendable (Result<Value, StoreError>) -> Void) -> Void
  ) throws(StoreError) -> Value {
    let outcome = Outcome<Result<Value, StoreError>>()
    start { outcome.set($0) }
    return try outcome.wait().get()
  }

  private func write(_ reports: [OutageReport], name: String) throws(StoreError) {
    var text = ByteBuffer()
    switch settings.format {
    case .csv:
      text.append(utf8Of: OutageReport.csvHeader)
      for report in reports { report.appendCSV(to: &text) }
    case .json:
      text.append("[\n")
      for (index, report) in reports.enumerated() {
        if index > 0 { text.append(",\n") }
        report.appendJSON(to: &text)
      }
      text.append("\n]\n")
    }
    try Self.write(
      text.bytes, to: settings.directory + "/" + name, temporary: settings.directory + "/." + name)
  }

  private static func write(
    _ bytes: UnsafeRawBufferPointer, to path: String, temporary: String
  ) throws(StoreError) {
    func failure(_ doing: String, _ path: String) -> StoreError {
      .fileSystem(path: path, doing: doing, errorNumber: errno)
    }
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
    guard descriptor >= 0 else { throw failure("create the spool file", temporary) }
    var written = 0
    while written < bytes.count {
      let count = Foundation.write(descriptor, bytes.baseAddress! + written, bytes.count - written)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        let error = failure("write the spool file", temporary)
        close(descriptor)
        unlink(temporary)
        throw error
      }
      written += count
    }
    let isOnDisk = fsync(descriptor) == 0
    let problem = errno
    close(descriptor)
    guard isOnDisk else {
      unlink(temporary)
      throw .fileSystem(path: temporary, doing: "bring the spool file to the disk", errorNumber: problem)
    }
    guard rename(temporary, path) == 0 else { throw failure("name the spool file", path) }
    let directory = open((path as NSString).deletingLastPathComponent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw failure("open the spool directory", path) }
    defer { close(directory) }
    guard fsync(directory) == 0 else { throw failure("bring the spool directory to the disk", path) }
  }

  /// So that file names sort as their numbers do.
  private func padded(_ sequence: Int) -> String {
    let digits = String(sequence)
    return String(repeating: "0", count: max(0, 12 - digits.count)) + digits
  }
}
