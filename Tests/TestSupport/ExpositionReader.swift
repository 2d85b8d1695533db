// Reads the Prometheus text format as strictly as it is described, and complains of what a lenient reader would let pass.

/// Metrics by name, with their kind and their samples by label set.
public struct Exposition {
  public struct Family {
    public var help, kind: String
    /// By the labels as `name=value`, in the order of the text, with values unescaped.
    public var samples: [[String]: Double]
  }

  public private(set) var families: [String: Family] = [:]

  public struct Fault: Error, CustomStringConvertible {
    public let description: String

    public init(description: String) { self.description = description }
  }

  /// The value of the sample that has exactly these labels, such as `feed=oms`.
  public subscript(_ name: String, _ labels: String...) -> Double? { families[name]?.samples[labels] }

  /// - Throws: `Fault` with the line that is wrong: no newline at the end, a sample outside its family, a family twice, `TYPE` before `HELP`, a bad
  ///   name, label, escape or number, one label set twice, a counter without `_total` or below zero.
  public init(_ text: String) throws {
    guard text.isEmpty || text.hasSuffix("\n") else { throw Fault(description: "no newline at the end") }
    var current: String?
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().enumerated()
    {
      func fail(_ what: String) -> Fault { Fault(description: "line \(index + 1): \(what): \(line)") }
      if line.hasPrefix("# HELP ") {
        let words = line.dropFirst(7).split(separator: " ", maxSplits: 1).map(String.init)
        guard words.count == 2, Self.isName(words[0]) else { throw fail("bad HELP") }
        guard families[words[0]] == nil else { throw fail("family twice") }
        guard current.map({ families[$0]!.samples.isEmpty }) != true else {
          throw fail("family without samples")
        }
        families[words[0]] = Family(help: words[1], kind: "", samples: [:])
        current = words[0]
      } else if line.hasPrefix("# TYPE ") {
        let words = line.dropFirst(7).split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard words.count == 2, words[0] == current, families[words[0]]?.kind == "" else {
          throw fail("TYPE does not follow its HELP")
        }
        guard ["counter", "gauge"].contains(words[1]) else { throw fail("unknown type") }
        guard words[0].hasSuffix("_total") == (words[1] == "counter") else {
          throw fail("name of another type")
        }
        families[words[0]]?.kind = words[1]
      } else {
        var rest = line[...]
        let name = String(rest.prefix { $0 != "{" && $0 != " " })
        rest = rest.dropFirst(name.count)
        guard name == current, families[name]?.kind != "" else { throw fail("sample outside its family") }
        guard let labels = Self.labels(&rest) else { throw fail("bad labels") }
        guard rest.first == " " else { throw fail("no space before the value") }
        guard let value = Self.number(rest.dropFirst()) else { throw fail("bad value") }
        guard families[name]?.kind != "counter" || value >= 0 else { throw fail("counter below zero") }
        guard families[name]?.samples.updateValue(value, forKey: labels) == nil else {
          throw fail("sample twice")
        }
      }
    }
    if let current, families[current]!.samples.isEmpty {
      throw Fault(description: "\(current) has no samples")
    }
  }

  private static func isName(_ text: String) -> Bool {
    text.wholeMatch(of: /[a-zA-Z_][a-zA-Z0-9_]*/) != nil
  }

  private static func number(_ text: Substring) -> Double? {
    guard text.wholeMatch(of: /[+-]?([0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?|Inf)|NaN/) != nil else { return nil }
    return Double(text.replacing("Inf", with: "inf").replacing("NaN", with: "nan"))
  }

  /// Takes `{name="value",...}` off the front, if it is there.
  private static func labels(_ rest: inout Substring) -> [String]? {
    guard rest.first == "{" else { return [] }
    rest = rest.dropFirst()
    var labels: [String] = []
    var names: Set<String> = []
    while true {
      let name = String(rest.prefix { $0 != "=" })
      rest = rest.dropFirst(name.count)
      guard isName(name), names.insert(name).inserted, rest.hasPrefix("=\"") else { return nil }
      rest = rest.dropFirst(2)
      var value = ""
      while let next = rest.popFirst(), next != "\"" {
        guard next == "\\" else {
          value.append(next)
          continue
        }
        switch rest.popFirst() {
        case "\\": value += "\\"
        case "n": value += "\n"
        case "\"": value += "\""
        default: return nil
        }
      }
      labels.append("\(name)=\(value)")
      switch rest.popFirst() {
      case ",": continue
      case "}": return labels
      default: return nil
      }
    }
  }
}
