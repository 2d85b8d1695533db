// A file written from front to back, gzipped where its name ends in .gz, with the same bytes on every run.

import CGeoLibraries

/// zlib writes both kinds: mode `T` passes bytes through, and its gzip header holds no time and no name.
final class TextFile {
  private let handle: gzFile
  private let path: String
  private var buffer: [UInt8] = []

  init(_ path: String) throws(FixtureError) {
    guard let handle = gzopen(path, path.hasSuffix(".gz") ? "wb9" : "wbT") else {
      throw .cannotWrite(path: path)
    }
    self.handle = handle
    self.path = path
    buffer.reserveCapacity(1 << 17)
  }

  func write(_ text: String) throws(FixtureError) {
    buffer.append(contentsOf: text.utf8)
    if buffer.count >= 1 << 16 { try flush() }
  }

  func write(_ bytes: [UInt8]) throws(FixtureError) {
    buffer.append(contentsOf: bytes)
    if buffer.count >= 1 << 16 { try flush() }
  }

  func close() throws(FixtureError) {
    try flush()
    guard gzclose(handle) == Z_OK else { throw .cannotWrite(path: path) }
  }

  private func flush() throws(FixtureError) {
    guard !buffer.isEmpty else { return }
    guard gzwrite(handle, buffer, UInt32(buffer.count)) == Int32(buffer.count) else {
      throw .cannotWrite(path: path)
    }
    buffer.removeAll(keepingCapacity: true)
  }
}

/// Why a fixture could not be made.
enum FixtureError: Error, CustomStringConvertible {
  case cannotWrite(path: String)
  case database(message: String, statement: String)
  case different(path: String)
  case tooLarge(byteCount: Int, limit: Int)

  var description: String {
    switch self {
    case .cannotWrite(let path): "cannot write \(path)"
    case .database(let message, let statement): "SQLite: \(message), in: \(statement)"
    case .different(let path): "the same seed gave other bytes: \(path)"
    case .tooLarge(let byteCount, let limit):
      "the fixtures take \(byteCount) bytes, more than the \(limit) allowed"
    }
  }
}
