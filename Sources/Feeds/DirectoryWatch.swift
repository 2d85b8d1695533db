// Decides which file of a watched directory is to be read now.

/// A file as the directory shows it.
public struct DirectoryEntry: Sendable, Equatable {
  public var name: String
  public var sizeBytes: Int
  /// Of the content.
  public var modifiedNanoseconds: Int64
  /// Of the content or the name: when it came here.
  public var changedNanoseconds: Int64

  public init(name: String, sizeBytes: Int, modifiedNanoseconds: Int64, changedNanoseconds: Int64) {
    self.name = name
    self.sizeBytes = sizeBytes
    self.modifiedNanoseconds = modifiedNanoseconds
    self.changedNanoseconds = changedNanoseconds
  }
}

/// Remembers a directory's files from look to look. A file is ready when it has stayed as it is for a while, so that it does not matter
/// whether it was renamed into place or copied there slowly. Of the files that are ready the one that came last is taken; those before
/// it are overtaken, since a layer replaces the one before.
public struct DirectoryWatch: Sendable {
  private struct Known: Sendable {
    var stamp: [Int64]
    var unchangedSince: Double
    var isHandled = false
  }

  private let settleSeconds: Double
  private let matches: @Sendable (String) -> Bool
  private var known: [String: Known] = [:]

  /// Parts of a Shapefile, journals of a database: read with the file that they belong to.
  private static let sideEndings = [
    ".shx", ".dbf", ".prj", ".cpg", ".sbn", ".sbx", ".qix", ".shp.xml", "-wal", "-shm", "-journal",
  ]
  private static let temporaryEndings = [".tmp", ".part", ".partial", ".filepart", ".swp", "~"]

  /// - Parameter matches: whether a file's name is one of the feed's.
  public init(settleSeconds: Double, matches: @escaping @Sendable (String) -> Bool = { _ in true }) {
    self.settleSeconds = settleSeconds
    self.matches = matches
  }

  /// - Parameters:
  ///   - entries: all files of the directory.
  ///   - now: seconds of a clock that only goes forward.
  /// - Returns: the file to read; `nil` if there is none. It is not given again until it changes.
  public mutating func look(_ entries: [DirectoryEntry], at now: Double) -> DirectoryEntry? {
    let candidates = entries.filter { Self.isLayer($0.name) && matches($0.name) }
    var next: [String: Known] = [:]
    for entry in candidates {
      let stamp = Self.stamp(entry, entries)
      var file = known[entry.name] ?? Known(stamp: [], unchangedSince: now)
      if file.stamp != stamp { file = Known(stamp: stamp, unchangedSince: now) }
      next[entry.name] = file
    }
    known = next
    let ready = candidates.filter { entry in
      guard let file = known[entry.name] else { return false }
      return !file.isHandled && now - file.unchangedSince >= settleSeconds
    }
    func order(_ entry: DirectoryEntry) -> (Int64, String) { (entry.changedNanoseconds, entry.name) }
    guard let newest = ready.max(by: { order($0) < order($1) }) else { return nil }
    for entry in ready where order(entry) <= order(newest) { known[entry.name]?.isHandled = true }
    return newest
  }

  private static func isLayer(_ name: String) -> Bool {
    let name = name.lowercased()
    return !name.hasPrefix(".") && !sideEndings.contains(where: name.hasSuffix)
      && !temporaryEndings.contains(where: name.hasSuffix)
  }

  /// Of a Shapefile, that of all its parts.
  private static func stamp(_ entry: DirectoryEntry, _ entries: [DirectoryEntry]) -> [Int64] {
    guard entry.name.lowercased().hasSuffix(".shp") else { return stamp(entry) }
    let stem = entry.name.dropLast(4) + "."
    return entries.filter { $0.name.hasPrefix(stem) }.sorted { $0.name < $1.name }.flatMap(stamp)
  }

  private static func stamp(_ entry: DirectoryEntry) -> [Int64] {
    [Int64(entry.sizeBytes), entry.modifiedNanoseconds, entry.changedNanoseconds]
  }
}
