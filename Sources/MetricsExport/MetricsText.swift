// The text that Prometheus and its like read.

/// Metrics in the Prometheus text format, version 0.0.4 (Prometheus documentation, *Exposition formats*).
public struct MetricsText: Sendable {
  public private(set) var text = ""

  /// What HTTP says of the text.
  public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  public init() {}

  /// Appends a family with its `HELP` and `TYPE` lines; one without samples is left out. Traps where a sample has not as many label values as the
  /// family has labels.
  public mutating func append(_ family: MetricFamily, _ samples: [MetricSample]) {
    if samples.isEmpty { return }
    text += "# HELP \(family.name) \(Self.escaped(family.help, quotes: false))\n"
    text += "# TYPE \(family.name) \(family.kind.rawValue)\n"
    for sample in samples {
      precondition(sample.labelValues.count == family.labels.count, "\(family.name) has other labels")
      text += family.name
      if !family.labels.isEmpty {
        let pairs = zip(family.labels, sample.labelValues).map {
          "\($0)=\"\(Self.escaped($1, quotes: true))\""
        }
        text += "{" + pairs.joined(separator: ",") + "}"
      }
      text += " \(Self.number(sample.value))\n"
    }
  }

  private static func escaped(_ text: String, quotes: Bool) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\\\"
      case "\n": escaped += "\\n"
      case "\"" where quotes: escaped += "\\\""
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  private static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return Int64(exactly: value).map(String.init) ?? "\(value)"
  }
}
