// A metric: its name with its unit, its kind, its labels, and what it means.

/// A family of the Prometheus text format: samples of one name, told apart by their labels.
///
///     let requests = MetricFamily(.counter, "outaged_requests_total", "Requests, by command.", labels: ["command"])
public struct MetricFamily: Sendable, Equatable {
  public enum Kind: String, Sendable {
    /// Only grows while the process lives.
    case counter
    /// Goes up and down.
    case gauge
  }

  public let kind: Kind
  /// Letters, digits and `_`; its unit last (`_seconds`, `_bytes`), and `_total` behind that for a counter.
  public let name: String
  /// One line for people.
  public let help: String
  /// The labels' names, in the order in which samples give their values.
  public let labels: [String]

  /// Traps on names that the format does not allow, and on a counter that does not end in `_total` or a gauge that does.
  public init(_ kind: Kind, _ name: String, _ help: String, labels: [String] = []) {
    precondition(Self.isName(name) && labels.allSatisfy(Self.isName), "\(name) \(labels) cannot be names")
    precondition(name.hasSuffix("_total") == (kind == .counter), "\(name) is no name of a \(kind)")
    self.kind = kind
    self.name = name
    self.help = help
    self.labels = labels
  }

  private static func isName(_ text: String) -> Bool {
    guard let first = text.utf8.first, !(48...57).contains(first) else { return false }
    return text.utf8.allSatisfy { byte in
      (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte) || byte == 0x5F
    }
  }
}

/// One value of a family.
public struct MetricSample: Sendable, Equatable {
  /// One for each label of the family.
  public var labelValues: [String]
  public var value: Double

  public init(_ value: Double, _ labelValues: String...) {
    self.value = value
    self.labelValues = labelValues
  }

  public init(_ value: some BinaryInteger, _ labelValues: String...) {
    self.value = Double(value)
    self.labelValues = labelValues
  }
}
