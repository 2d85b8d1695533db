// What is asked, in which shares.

import StormGeneration

/// A kind of request.
public enum RequestKind: String, CaseIterable, Sendable {
  case account, phone, point
  /// An account that does not exist.
  case unknown
  /// A report of an outage.
  case report
}

/// Shares of the kinds of requests.
public struct RequestMix: Sendable, Equatable {
  public let weights: [(kind: RequestKind, weight: Int)]
  private let total: Int

  /// - Parameter text: `account=60,phone=20,point=15,unknown=5`; whole weights of 0 or more, one of them above 0.
  public init?(_ text: String) {
    var weights: [(RequestKind, Int)] = []
    for part in text.split(separator: ",") {
      let sides = part.split(separator: "=")
      guard sides.count == 2, let kind = RequestKind(rawValue: String(sides[0])), let weight = Int(sides[1]),
        weight >= 0
      else { return nil }
      weights.append((kind, weight))
    }
    total = weights.reduce(0) { $0 + $1.1 }
    guard total > 0 else { return nil }
    self.weights = weights
  }

  public func draw(_ random: inout SplitMix64) -> RequestKind {
    var rest = random.below(total)
    for (kind, weight) in weights {
      if rest < weight { return kind }
      rest -= weight
    }
    return weights[weights.count - 1].kind
  }

  public static func == (a: RequestMix, b: RequestMix) -> Bool {
    a.weights.elementsEqual(b.weights) { $0.kind == $1.kind && $0.weight == $1.weight }
  }
}
