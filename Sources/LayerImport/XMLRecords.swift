// Reads an XML file element by element, by libxml2's pull parser: memory is bounded by the largest record.

import CXMLReader

/// Hands out the elements of certain names, one after another, each as a tree.
///
/// Nothing outside the file is read, entities are not expanded, and a document type is refused: no layer needs one.
final class XMLRecords {
  /// What the callback reads from, and what it met.
  private final class Input {
    let window: Window
    var error: ImportError?
    init(_ window: Window) { self.window = window }
  }

  let rootName: String
  let rootNamespace: String
  private let input: Input
  private let reader: OpaquePointer
  private var isOnElement = true
  private(set) var recordsRead = 0
  private var source: ByteSource { input.window.source }

  var bytesRead: Int { source.bytesRead }
  var bytesTotal: Int { source.bytesTotal }

  /// Reads up to the root element.
  /// - Throws: `notXML`, `truncated`, and what reading the file throws.
  init(_ window: Window) throws(ImportError) {
    let input = Input(window)
    self.input = input
    let context = Unmanaged.passUnretained(input).toOpaque()
    guard let reader = outaged_xml_open(Self.read, context) else {
      throw .refused(.unreadableFile, window.source.fileName, found: "no memory", expected: "an XML reader")
    }
    do throws(ImportError) {
      while try Self.next(reader, input, record: nil) {
        let node = outaged_xml_node(reader)
        if node == OUTAGED_XML_ELEMENT { break }
        if node == OUTAGED_XML_DOCUMENT_TYPE {
          throw .refused(
            .notXML, window.source.fileName, found: "a document type declaration",
            expected: "none: entities are not expanded")
        }
      }
    } catch {
      outaged_xml_close(reader)
      throw error
    }
    self.reader = reader
    rootName = String(cString: outaged_xml_name(reader))
    rootNamespace = String(cString: outaged_xml_namespace(reader))
  }

  deinit { outaged_xml_close(reader) }

  private static let read: OutagedXMLRead = { context, target, count in
    guard let context, let target else { return -1 }
    let input = Unmanaged<Input>.fromOpaque(context).takeUnretainedValue()
    let window = input.window
    do throws(ImportError) {
      if window.bytes.isEmpty { _ = try window.refill(record: 0) }
    } catch {
      input.error = error
      return -1
    }
    let part = UnsafeBufferPointer(rebasing: window.bytes.prefix(Int(count)))
    UnsafeMutableRawBufferPointer(start: target, count: Int(count)).copyMemory(
      from: UnsafeRawBufferPointer(part))
    window.start += part.count
    return Int32(part.count)
  }

  /// The next element of one of the names, with all that is in it; `nil` at the end.
  func next(named names: Set<String>) throws(ImportError) -> RecordNode? {
    while true {
      if isOnElement, outaged_xml_node(reader) == OUTAGED_XML_ELEMENT, names.contains(name) {
        recordsRead += 1
        let node = try element()
        isOnElement = false
        return node
      }
      guard try Self.next(reader, input, record: recordsRead) else { return nil }
      isOnElement = true
    }
  }

  func sha256() throws(ImportError) -> String {
    try input.window.drain()
    return source.sha256()
  }

  private var name: String { String(cString: outaged_xml_name(reader)) }

  /// - Returns: false at the end of the document.
  private static func next(
    _ reader: OpaquePointer, _ input: Input, record: Int?
  ) throws(ImportError) -> Bool {
    let result = outaged_xml_next(reader)
    if result >= 0 { return result == 1 }
    if let error = input.error { throw error }
    var line: Int32 = 0
    var endsTooEarly: Int32 = 0
    let message = String(cString: outaged_xml_fault(&line, &endsTooEarly)).trimmed
    let isCut = endsTooEarly == 1 && input.window.isAtEnd && input.window.bytes.isEmpty
    throw .refused(
      isCut ? .truncated : .notXML, input.window.source.fileName,
      record: record.flatMap { $0 > 0 ? $0 : nil },
      found: "line \(line): \(quoted(message))", expected: "well-formed XML to its end")
  }

  /// The element that the reader stands on, and its end passed.
  private func element() throws(ImportError) -> RecordNode {
    var stack = [startOfElement()]
    if outaged_xml_is_empty_element(reader) == 1 { return stack[0] }
    while try Self.next(reader, input, record: recordsRead) {
      switch outaged_xml_node(reader) {
      case OUTAGED_XML_ELEMENT:
        let node = startOfElement()
        if outaged_xml_is_empty_element(reader) == 1 {
          stack[stack.count - 1].children.append(node)
        } else {
          stack.append(node)
        }
      case OUTAGED_XML_TEXT: stack[stack.count - 1].text += String(cString: outaged_xml_value(reader))
      case OUTAGED_XML_END_ELEMENT:
        var node = stack.removeLast()
        node.text = node.text.trimmed
        if stack.isEmpty { return node }
        stack[stack.count - 1].children.append(node)
      default: continue
      }
    }
    throw .refused(
      .truncated, source.fileName, record: recordsRead, found: "the file's end",
      expected: "the rest of an element")
  }

  private func startOfElement() -> RecordNode {
    var node = RecordNode(name: name)
    while outaged_xml_next_attribute(reader) == 1 {
      node.attributes[name] = String(cString: outaged_xml_value(reader))
    }
    return node
  }
}
