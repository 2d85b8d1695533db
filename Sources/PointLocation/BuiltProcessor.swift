// The processor that point location was built for.

internal import CCrossings

/// What `Package.swift` has chosen on the machine where this was built.
public enum BuiltProcessor {
  /// Whether the code uses what not every processor of its kind has.
  public static var isParticular: Bool { CompactPath.edgeCount > 8 }

  /// Whether the processor has what the code uses; where it has not, the first query would end the program.
  public static var isHere: Bool { !isParticular || ccrossings_has_x86_64_v3() != 0 }
}
