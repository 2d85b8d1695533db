// The processor that point location was built for.

internal import CCrossings

/// What `Package.swift` has chosen on the machine where this was built.
public enum BuiltProcessor {
  /// Whether the processor has what the code uses; where it has not, the first query would end the program. Code that looks at eight edges at once runs on
  /// all processors of its kind.
  public static var isHere: Bool { CompactPath.edgeCount == 8 || ccrossings_has_x86_64_v3() != 0 }
}
