// What is written in parts is what was to be written, in its place, with pauses or without.

import Foundation
import Testing

@testable import DiskPace

@Suite struct WritingPaceTests {
  @Test(arguments: [false, true], [0, 1, WritingPace.partBytes, 3 * WritingPace.partBytes + 7])
  func `all bytes stand behind the offset`(isHurried: Bool, count: Int) throws {
    let path = NSTemporaryDirectory() + "/outaged-pace-\(UUID().uuidString)"
    defer { unlink(path) }
    let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL, 0o600)
    defer { close(descriptor) }
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    #expect(bytes.withUnsafeBytes { WritingPace(isHurried: isHurried).write($0, to: descriptor, at: 5) })
    let found = try Data(contentsOf: URL(filePath: path))
    #expect(count == 0 ? found.isEmpty : found == Data([0, 0, 0, 0, 0] + bytes))
  }

  @Test func `nothing more is written of a file that was given up`() {
    let pace = WritingPace()
    pace.isGivenUp = true
    #expect([1, 2].withUnsafeBytes { pace.write($0, to: STDERR_FILENO, at: 0) } == false)
    #expect(errno == ECANCELED)
  }

  @Test func `a file that cannot be written to is told`() {
    let descriptor = open("/dev/null", O_RDONLY)
    defer { close(descriptor) }
    #expect([1, 2].withUnsafeBytes { WritingPace().write($0, to: descriptor, at: 0) } == false)
    #expect(errno == EBADF)
  }
}
