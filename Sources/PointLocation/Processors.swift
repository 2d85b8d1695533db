// Work side by side: this module starts no threads, so that whoever has some lends them.

/// Runs pieces of work that need nothing of each other on several processors.
///
/// ```swift
/// let processors = Processors(count: 2) { DispatchQueue.concurrentPerform(iterations: $0, execute: $1) }
/// let index = PolygonIndex(polygons, processors)
/// ```
/// What is built does not depend on how many there are.
public struct Processors: Sendable {
  /// How many pieces may run at the same time.
  public let count: Int
  private let perform: @Sendable (Int, @Sendable (Int) -> Void) -> Void

  /// - Parameter perform: calls the work with each number below the first parameter, and returns when all are done.
  public init(count: Int, perform: @escaping @Sendable (Int, @Sendable (Int) -> Void) -> Void) {
    precondition(count > 0, "a processor at least")
    self.count = count
    self.perform = perform
  }

  /// The one that the caller runs on.
  public static let one = Processors(count: 1) { count, work in
    for piece in 0..<count { work(piece) }
  }

  /// Calls `work` with each number below `count`.
  func run(_ count: Int, _ work: @Sendable (Int) -> Void) {
    if count == 1 { work(0) } else { perform(count, work) }
  }
}
