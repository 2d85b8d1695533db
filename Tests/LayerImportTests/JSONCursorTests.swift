// JSON in memory that ends anywhere: the cursor asks for more, and never calls half a value bad.

import Testing

@testable import LayerImport

@Suite struct JSONCursorTests {
  private func stop(_ text: String, _ walk: (inout JSONCursor) throws(JSONStop) -> Void) -> JSONStop? {
    let bytes = Array(text.utf8)
    return bytes.withUnsafeBufferPointer { bytes in
      var cursor = JSONCursor(p: bytes.baseAddress!, end: bytes.baseAddress! + bytes.count)
      do throws(JSONStop) {
        try walk(&cursor)
        return nil
      } catch {
        return error
      }
    }
  }

  @Test(arguments: ["-97.1234567,", "1e-7]", "-0.5E+12 ", "12}"])
  func `a number that is cut at any byte needs more`(text: String) {
    let whole = stop(text) { cursor throws(JSONStop) in _ = try cursor.number() }
    #expect(whole == nil)
    for count in 1..<text.utf8.count {
      guard
        case .needsMore = stop(
          String(text.prefix(count)), { cursor throws(JSONStop) in _ = try cursor.number() })
      else {
        Issue.record("\(text.prefix(count))")
        return
      }
    }
  }

  @Test(arguments: ["-,", "x", "\"1\"", "-]"])
  func `what can become no number is bad`(text: String) {
    guard case .bad = stop(text, { cursor throws(JSONStop) in _ = try cursor.number() }) else {
      Issue.record("\(text)")
      return
    }
  }
}
