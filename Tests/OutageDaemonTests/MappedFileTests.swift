// A mapped file reads the same before, while and after it is moved to huge pages.

import Foundation
import PointLocation
import Synchronization
import SystemThreads
import Testing

@testable import OutageDaemon

@Suite struct MappedFileTests {
  private static let step = LargeMemory.hugePageBytes

  /// Each eight bytes hold a number that tells where they stand.
  private static func content(_ byteCount: Int) -> [UInt8] {
    (0..<byteCount).map { UInt8(truncatingIfNeeded: ($0 / 8 &* 0x9E37_79B9) >> (8 * ($0 % 4))) }
  }

  private func withFile(_ content: [UInt8], _ body: (MappedFile, String) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory.path + "/outaged-mapped-\(UUID().uuidString)"
    try Data(content).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    try body(#require(MappedFile(descriptor: descriptor, byteCount: content.count)), path)
  }

  /// How many bytes of a file are mapped in this process, as the system tells it.
  private func mappedByteCount(_ path: String) throws -> Int {
    // To its end: as a file of no size it would be read only so far.
    let maps = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/self/maps")).readToEnd()
    return String(decoding: try #require(maps), as: UTF8.self).split(separator: "\n")
      .filter { $0.hasSuffix(path) }
      .map { line in
        let ends = line.prefix { $0 != " " }.split(separator: "-").compactMap { Int($0, radix: 16) }
        return ends[1] - ends[0]
      }.reduce(0, +)
  }

  @Test(arguments: [1, 4096, 4097, step - 1, step, step + 1, 3 * step - 70_000, 3 * step])
  func `a file of any size reads the same after it is moved`(_ byteCount: Int) throws {
    let content = Self.content(byteCount)
    try withFile(content) { file, path in
      #expect(UInt(bitPattern: file.bytes.baseAddress) % UInt(Self.step) == 0)
      #expect(file.bytes.elementsEqual(content))
      file.moveToHugePages()
      #expect(file.bytes.elementsEqual(content))
      // A huge page that would mostly be empty is not worth it.
      let left = byteCount % Self.step < Self.step / 2 ? byteCount % Self.step : 0
      let mapped = try mappedByteCount(path)
      #expect(mapped == (left + 4095) / 4096 * 4096)
    }
  }

  @Test func `whoever reads meanwhile reads what stands there`() throws {
    let content = Self.content(16 * Self.step)
    try withFile(content) { file, _ in
      let readers = MovedUnderReaders()
      let threads = try (0..<2).map { number in
        try startThread { readers.read(file.bytes, holding: content, from: number) }
      }
      file.moveToHugePages()
      readers.isMoved.store(true, ordering: .releasing)
      for thread in threads { pthread_join(thread, nil) }
      #expect(readers.wrongCount.load(ordering: .relaxed) == 0)
    }
  }

  private final class MovedUnderReaders: Sendable {
    let isMoved = Atomic(false)
    let wrongCount = Atomic(0)

    /// Reads each page of the file many times, in an order of its own.
    func read(_ bytes: UnsafeRawBufferPointer, holding content: [UInt8], from start: Int) {
      var (count, place) = (0, start)
      while !isMoved.load(ordering: .acquiring) || count < 4096 {
        place = (place &* 1_103_515_245 &+ 12_345) & 0x7FFF_FFFF
        let offset = place % (content.count / 4096) * 4096 + place % 4096
        if bytes[offset] != content[offset] { wrongCount.add(1, ordering: .relaxed) }
        count += 1
      }
    }
  }

  @Test func `what is not needed any more is not moved, and given back if it was`() throws {
    let content = Self.content(6 * Self.step)
    try withFile(content) { file, path in
      let kept = file.part(0..<2 * Self.step + 100)
      var early: FlatArray<UInt8>? = file.part(2 * Self.step + 100..<4 * Self.step)
      let neighbour = file.part(4 * Self.step..<4 * Self.step + 100)
      var late: FlatArray<UInt8>? = file.part(4 * Self.step + 100..<6 * Self.step)
      #expect(early?.buffer.elementsEqual(content[(2 * Self.step + 100)..<4 * Self.step]) == true)
      early = nil
      file.moveToHugePages()
      #expect(kept.buffer.elementsEqual(content[..<(2 * Self.step + 100)]))
      #expect(late?.buffer.elementsEqual(content[(4 * Self.step + 100)...]) == true)
      // The two that hold nothing but what was given back, and a few bytes of what was kept.
      let mapped = try mappedByteCount(path)
      #expect(mapped == 2 * Self.step)
      late = nil
      let resident = try residentByteCount(file.bytes[(4 * Self.step)...])
      #expect(resident == 4096)
      #expect(neighbour.buffer.elementsEqual(content[(4 * Self.step)..<4 * Self.step + 100]))
    }
  }

  private func residentByteCount(_ bytes: Slice<UnsafeRawBufferPointer>) throws -> Int {
    let bytes = UnsafeRawBufferPointer(rebasing: bytes)
    var pages = [UInt8](repeating: 0, count: (bytes.count + 4095) / 4096)
    try #require(mincore(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count, &pages) == 0)
    return pages.filter { $0 & 1 != 0 }.count * 4096
  }
}
