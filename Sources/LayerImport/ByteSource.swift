// The bytes of a file in chunks, decompressed where they are gzip, and hashed on the way.

import CCrypto
import CZlib
import Foundation

/// Reads a file once, from its first byte to its last. A large one is read, decompressed and hashed on a thread of its own, a few chunks ahead.
final class ByteSource {
  let fileName: String
  var isGzip: Bool { file.isGzip }
  let bytesTotal: Int
  private(set) var bytesRead = 0
  private let file: FileBytes
  private var ahead: WorkAhead<Chunk>?
  private var chunk: Chunk?

  private final class Chunk {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: ByteSource.chunkBytes, alignment: 64)
    var count = 0
    /// Of the file, with this chunk.
    var bytesRead = 0
    /// How much of it was handed out.
    var used = 0

    deinit { memory.deallocate() }
  }

  private static let chunkBytes = 1 << 20
  private static let chunkCount = 3

  /// - Throws: `unreadableFile`, `emptyFile`, or `damagedGzip` where a name ends in `.gz` and the bytes are not gzip.
  init(path: String) throws(ImportError) {
    fileName = (path as NSString).lastPathComponent
    file = try FileBytes(path: path, name: fileName)
    bytesTotal = file.bytesTotal
  }

  /// Of all bytes that were read so far.
  func sha256() -> String { file.sha256() }

  /// Fills as much of `target` as one step gives; 0 at the end.
  func read(into target: UnsafeMutableRawBufferPointer) throws(ImportError) -> Int {
    // A thread is not worth its start for less.
    guard bytesTotal > Self.chunkBytes else {
      defer { bytesRead = file.bytesRead }
      return try file.read(into: target)
    }
    let ahead = ahead ?? readAhead()
    self.ahead = ahead
    if chunk.map({ $0.used == $0.count }) ?? true { chunk = try ahead.next(giving: chunk) }
    guard let chunk else { return 0 }
    bytesRead = chunk.bytesRead
    let count = min(target.count, chunk.count - chunk.used)
    target.copyMemory(from: UnsafeRawBufferPointer(rebasing: chunk.memory[chunk.used..<chunk.used + count]))
    chunk.used += count
    return count
  }

  private func readAhead() -> WorkAhead<Chunk> {
    WorkAhead(parts: (0..<Self.chunkCount).map { _ in Chunk() }) { [file] (chunk) throws(ImportError) in
      chunk.used = 0
      chunk.count = try file.read(into: chunk.memory)
      chunk.bytesRead = file.bytesRead
      return chunk.count > 0
    }
  }
}

/// Owns the descriptor, the inflater and the hash.
private final class FileBytes {
  let isGzip: Bool
  let bytesTotal: Int
  private(set) var bytesRead = 0
  private let fileName: String
  private var hash = FileHash()
  private let descriptor: Int32
  private var inflater = z_stream()
  private let chunk = UnsafeMutablePointer<UInt8>.allocate(capacity: FileBytes.chunkSize)
  private var memberIsOpen = false
  private var isAtEnd = false
  private static let chunkSize = 1 << 18

  init(path: String, name: String) throws(ImportError) {
    fileName = name
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    var status = stat()
    guard descriptor >= 0, fstat(descriptor, &status) == 0, status.st_mode & S_IFMT != S_IFDIR else {
      let found = descriptor < 0 ? String(cString: strerror(errno)) : "a folder"
      isGzip = false
      bytesTotal = 0
      throw .refused(.unreadableFile, fileName, found: found, expected: "a file that can be read")
    }
    bytesTotal = Int(status.st_size)
    var magic: [UInt8] = [0, 0]
    let count = pread(descriptor, &magic, 2, 0)
    isGzip = count == 2 && magic == [0x1f, 0x8b]
    if isGzip { inflateInit2_(&inflater, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) }
    if count == 0 {
      throw .refused(.emptyFile, fileName, found: "0 bytes", expected: "a layer")
    }
    if !isGzip, fileName.lowercased().hasSuffix(".gz") {
      throw .refused(.damagedGzip, fileName, found: "no gzip header", expected: "gzip data, as the name says")
    }
  }

  deinit {
    if isGzip { inflateEnd(&inflater) }
    chunk.deallocate()
    if descriptor >= 0 { close(descriptor) }
  }

  /// Of all bytes that were read so far.
  func sha256() -> String { hash.hexadecimal() }

  /// Fills as much of `target` as one step gives; 0 at the end.
  func read(into target: UnsafeMutableRawBufferPointer) throws(ImportError) -> Int {
    isGzip ? try readInflated(into: target) : try readFile(into: target)
  }

  private func readFile(into target: UnsafeMutableRawBufferPointer) throws(ImportError) -> Int {
    var count: Int
    repeat {
      count = Foundation.read(descriptor, target.baseAddress, target.count)
    } while count < 0 && errno == EINTR
    guard count >= 0 else {
      throw .refused(
        .unreadableFile, fileName, found: String(cString: strerror(errno)),
        expected: "a file that can be read")
    }
    hash.update(UnsafeRawBufferPointer(rebasing: target[..<count]))
    bytesRead += count
    return count
  }

  private func readInflated(into target: UnsafeMutableRawBufferPointer) throws(ImportError) -> Int {
    inflater.next_out = target.baseAddress?.assumingMemoryBound(to: UInt8.self)
    inflater.avail_out = UInt32(target.count)
    while inflater.avail_out == UInt32(target.count) {
      if inflater.avail_in == 0 {
        let count = try readFile(into: UnsafeMutableRawBufferPointer(start: chunk, count: Self.chunkSize))
        if count == 0 {
          if memberIsOpen { throw damaged("the data ends within a member") }
          return 0
        }
        inflater.next_in = chunk
        inflater.avail_in = UInt32(count)
      }
      if isAtEnd {
        // Zeros may pad the file's end.
        while inflater.avail_in > 0, inflater.next_in.pointee == 0 {
          inflater.next_in += 1
          inflater.avail_in -= 1
        }
        if inflater.avail_in == 0 { continue }
        inflateReset(&inflater)
        isAtEnd = false
      }
      memberIsOpen = true
      switch inflate(&inflater, Z_NO_FLUSH) {
      case Z_OK: continue
      case Z_STREAM_END:
        memberIsOpen = false
        isAtEnd = true
      default: throw damaged(inflater.msg.map { String(cString: $0) } ?? "data that is not gzip")
      }
    }
    return target.count - Int(inflater.avail_out)
  }

  private func damaged(_ found: String) -> ImportError {
    .refused(.damagedGzip, fileName, found: found, expected: "whole gzip data with the right checksum")
  }
}

/// SHA-256 by libcrypto.
struct FileHash: ~Copyable {
  private let context = EVP_MD_CTX_new()

  init() { EVP_DigestInit_ex(context, EVP_sha256(), nil) }
  deinit { EVP_MD_CTX_free(context) }

  func update(_ bytes: UnsafeRawBufferPointer) { EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) }

  /// Of these bytes alone, whatever came before.
  func ofAll(_ bytes: UnsafeRawBufferPointer) -> ContentHash {
    begin()
    update(bytes)
    return end()
  }

  /// Forgets what came before. Quicker than another one, for which libcrypto looks up the algorithm.
  func begin() { EVP_DigestInit_ex(context, nil, nil) }

  /// Of what came since the beginning; then it has to begin again.
  func end() -> ContentHash {
    var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    withUnsafeMutableBytes(of: &words) {
      _ = EVP_DigestFinal_ex(context, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), nil)
    }
    return ContentHash(words)
  }

  /// Of what came so far; more may follow.
  func digest() -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    let copy = EVP_MD_CTX_new()
    EVP_MD_CTX_copy_ex(copy, context)
    EVP_DigestFinal_ex(copy, &digest, nil)
    EVP_MD_CTX_free(copy)
    return digest
  }

  func hexadecimal() -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: digest().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}

extension ImportError {
  /// A fault of the file as a whole, in few words at the place where it is found.
  static func refused(
    _ reason: ImportReason, _ file: String, layer: String? = nil, record: Int? = nil, field: String? = nil,
    found: String, expected: String
  ) -> ImportError {
    .refused(
      ImportFault(
        reason: reason, file: file, layer: layer, record: record, field: field, found: found,
        expected: expected))
  }
}
