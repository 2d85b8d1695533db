// One value of a record, as each format writes it.

/// A cell of a table.
enum FieldValue: Hashable {
  case null
  case text(String)
  case integer(Int)
  case flag(Bool)
  case list([String])

  var json: String {
    switch self {
    case .null: "null"
    case .text(let text): Self.quoted(text)
    case .integer(let value): String(value)
    case .flag(let value): value ? "true" : "false"
    case .list(let items): "[" + items.map(Self.quoted).joined(separator: ",") + "]"
    }
  }

  /// RFC 4180: quoted where it holds a comma, a quote or a line end.
  var csv: String {
    let text = plain
    guard text.utf8.contains(where: { $0 == 0x2C || $0 == 0x22 || $0 == 0x0A || $0 == 0x0D }) else {
      return text
    }
    return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
      + "\""
  }

  /// Text without any quoting; empty for null.
  var plain: String {
    switch self {
    case .null: ""
    case .text(let text): text
    case .integer(let value): String(value)
    case .flag(let value): value ? "Y" : "N"
    case .list(let items): items.joined(separator: ";")
    }
  }

  static func optional(_ text: String?) -> FieldValue { text.map(FieldValue.text) ?? .null }
  static func optional(_ value: Int?) -> FieldValue { value.map(FieldValue.integer) ?? .null }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
