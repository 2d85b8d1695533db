// The generator's only source of randomness: the same seed gives the same numbers on every machine and in every Swift release.

/// SplitMix64 (Steele, Lea and Flood, *Fast Splittable Pseudorandom Number Generators*, OOPSLA 2014).
public struct SplitMix64: Sendable {
  private var state: UInt64

  public init(seed: UInt64) {
    state = seed
  }

  /// A stream of its own for each combination of keys, so that an item can be made without those before it.
  public init(seed: UInt64, keys: UInt64...) {
    state = seed
    for key in keys {
      state = next() ^ (key &* 0x9FB2_1C65_1E98_DF25)
    }
  }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A whole number in `0 ..< bound`. (The standard library's way to draw one may change between releases; this one does not.)
  public mutating func below(_ bound: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// A number in the range, uniformly.
  public mutating func uniform(_ range: Range<Double>) -> Double {
    range.lowerBound + Double(next() >> 11) * 0x1p-53 * (range.upperBound - range.lowerBound)
  }

  public mutating func chance(_ probability: Double) -> Bool {
    uniform(0..<1) < probability
  }

  public mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[below(elements.count)]
  }
}
