// Divides one large cell on several processors, each of which takes some of its polygons.

/// Shares of a cell's polygons, each divided like a cell of its own: what a part has of each, one behind the other, is the part. Its owner frees it.
struct CellShares {
  private struct Share {
    var divider: CellDivider
    var stack = CellStack()
    var whole = CellPart(
      runs: StackRange(first: 0, count: 0), edgeCount: 0, wholes: StackRange(first: 0, count: 0))
    let parts = UnsafeMutablePointer<CellPart>.allocate(capacity: 16)
    var isDivided = false

    mutating func divide(_ division: CellDivision) {
      isDivided = divider.find(division, whole, stack)
      if isDivided { divider.writeParts(division, whole, &stack, into: parts) }
    }

    func free() {
      divider.free()
      stack.free()
      parts.deallocate()
    }
  }

  private let processors: Processors
  private let shares: UnsafeMutableBufferPointer<Share>

  init(_ source: CellIndexSource, _ processors: Processors) {
    self.processors = processors
    shares = .allocate(capacity: processors.count)
    for number in 0..<processors.count {
      shares.initializeElement(at: number, to: Share(divider: CellDivider(source)))
    }
  }

  func free() {
    for share in shares { share.free() }
    shares.deinitialize()
    shares.deallocate()
  }

  /// Does what `CellDivider.divide` does, with the same outcome.
  func divide(
    _ division: CellDivision, _ part: CellPart, _ stack: inout CellStack,
    into parts: UnsafeMutablePointer<CellPart>
  ) -> Bool {
    share(part, stack)
    nonisolated(unsafe) let shares = shares.baseAddress!
    processors.run(self.shares.count) { shares[$0].divide(division) }
    guard self.shares.allSatisfy(\.isDivided) else { return false }
    var (runs, wholes) = (GrowingBuffer<EdgeRun>(), GrowingBuffer<UInt32>())
    defer {
      runs.free()
      wholes.free()
    }
    for number in division.parts {
      var edgeCount = 0
      runs.removeAll()
      wholes.removeAll()
      for share in self.shares {
        let piece = share.parts[number]
        edgeCount += piece.edgeCount
        runs.append(from: share.stack.runs(of: piece).baseAddress!, count: piece.runs.count)
        wholes.append(from: share.stack.wholes(of: piece).baseAddress!, count: piece.wholes.count)
      }
      parts[number] = stack.push(runs.buffer, edgeCount: edgeCount, wholes: wholes.buffer)
    }
    return true
  }

  /// Gives each processor about as many edges: whole polygons, and of those that cover all of the cell the ones that come before the next share's.
  private func share(_ part: CellPart, _ stack: CellStack) {
    let (runs, wholes) = (stack.runs(of: part), stack.wholes(of: part))
    var (run, whole, edgeCount) = (0, 0, 0)
    for number in shares.indices {
      let (firstRun, firstWhole, edgesBefore) = (run, whole, edgeCount)
      let edgesMax = part.edgeCount * (number + 1) / shares.count
      while run < runs.count && (edgeCount < edgesMax || runs[run].polygon == runs[run - 1].polygon) {
        edgeCount += Int(runs[run].edgeCount)
        run += 1
      }
      while whole < wholes.count && (run == runs.count || wholes[whole] < runs[run].polygon) { whole += 1 }
      shares[number].stack.lower(to: (0, 0))
      shares[number].whole = shares[number].stack.push(
        UnsafeBufferPointer(rebasing: runs[firstRun..<run]), edgeCount: edgeCount - edgesBefore,
        wholes: UnsafeBufferPointer(rebasing: wholes[firstWhole..<whole]))
    }
  }
}
