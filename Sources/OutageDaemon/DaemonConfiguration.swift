// The daemon's configuration file: strict JSON, each key with a default, each value with bounds.

import CallerAnswer
import EventLog
import Feeds
import Foundation
import MetricsExport
import OutageModel

/// What cannot be used in the configuration, and why.
public enum ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
  case unreadable(file: String, reason: String)
  case badValue(file: String, key: String, found: String, expected: String)

  public var description: String {
    switch self {
    case .unreadable(let file, let reason): "\(file): \(reason)"
    case .badValue(let file, let key, let found, let expected):
      "\(file): key \(key): found \(found), expected \(expected)"
    }
  }
}

/// The settings of one daemon, from `--config FILE`. `Docs/OPERATIONS.md` lists the keys.
public struct DaemonConfiguration: Sendable, Equatable {
  /// IANA name of the zone in which times are spoken (UTC if `nil`), and of wall-clock times in files that name no other (an error if
  /// `nil`: a guess would move every time in the file).
  public var timeZone: String?
  /// The country code that a phone number without one gets; digits only.
  public var defaultCountryCode = "1"
  /// The `NEAR` of a query that has none; 0 = off.
  public var nearMetres = 0.0
  /// A layer older than this is stale.
  public var staleAfterSeconds = 900
  /// Where further or changed languages lie, one file each (`fr.json`).
  public var templatesDirectory: String?
  /// The language of a query that names none, and of one that names a language that is not there.
  public var defaultLanguage = "en"
  /// West, south, east, north in degrees; coordinates outside are rejected on import. `nil` = the whole world.
  public var territoryBounds: [Double]?
  /// The share of records that an import may reject, 0 ... 1.
  public var maxRejected = 0.01
  /// Outage layers that the store keeps for roll-back, the current one included.
  public var keepLayers = 20
  /// Event loops of the query socket; `nil` = one a core.
  public var eventLoops: Int?
  /// Connections to the query socket at once.
  public var maxConnections = 20_000
  /// A connection with a request begun and not ended is cut after this.
  public var halfRequestTimeoutSeconds = 30
  /// A client that does not read its replies is cut after this.
  public var unreadReplyTimeoutSeconds = 30
  var suspected = SuspectedConfiguration()
  var changes = ChangeSettings()
  var reports = ReportDeskSettings()

  /// Where metrics are offered by HTTP; `nil`: nowhere.
  var metricsAddress: MetricsAddress?

  /// Where outage layers come from by themselves; their outages together are the layer.
  public var feeds: [FeedConfiguration] = []

  public init() {}

  /// Reads a file of exactly these keys; one that is not known, of the wrong type or out of bounds is an error that names it.
  public init(file: String) throws(ConfigurationError) {
    let data: Data
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: file))
    } catch {
      throw .unreadable(file: file, reason: "cannot be read: \(error.localizedDescription)")
    }
    try self.init(json: data, file: file)
  }

  /// - Parameter file: named in errors.
  public init(json: Data, file: String) throws(ConfigurationError) {
    guard let object = (try? JSONSerialization.jsonObject(with: json)) as? [String: Any] else {
      throw .unreadable(
        file: file,
        reason: "found no JSON object, expected one such as {\"timeZone\":\"America/Los_Angeles\"}")
    }
    var reader = StrictReader(file: file, rest: object)
    try reader.take("timeZone", "an IANA zone such as America/Los_Angeles", &timeZone) {
      $0.flatMap(TimeZone.init(identifier:)) != nil
    }
    try reader.take("defaultCountryCode", "1 to 3 digits, such as \"1\"", &defaultCountryCode) {
      (1...3).contains($0.count) && $0.allSatisfy { "0123456789".contains($0) }
    }
    try reader.take("nearMetres", "0 to 50000", &nearMetres) { (0...50_000).contains($0) }
    try reader.take("staleAfterSeconds", "1 to 604800", &staleAfterSeconds) { (1...604_800).contains($0) }
    try reader.take("templatesDirectory", "a directory", &templatesDirectory) { $0?.isEmpty == false }
    try reader.take("defaultLanguage", "a language tag such as en", &defaultLanguage) { !$0.isEmpty }
    try reader.take("territoryBounds", "[west, south, east, north] in degrees", &territoryBounds) {
      guard let b = $0, b.count == 4 else { return false }
      return -180 <= b[0] && b[0] < b[2] && b[2] <= 180 && -90 <= b[1] && b[1] < b[3] && b[3] <= 90
    }
    try reader.take("maxRejected", "a share from 0 to 1", &maxRejected) { (0...1).contains($0) }
    try reader.take("keepLayers", "2 to 10000", &keepLayers) { (2...10_000).contains($0) }
    try reader.take("eventLoops", "1 to 64", &eventLoops) { (1...64).contains($0 ?? 0) }
    try reader.take("maxConnections", "1 to 1000000", &maxConnections) { (1...1_000_000).contains($0) }
    try reader.take("halfRequestTimeoutSeconds", "1 to 3600", &halfRequestTimeoutSeconds) {
      (1...3600).contains($0)
    }
    try reader.take("unreadReplyTimeoutSeconds", "1 to 3600", &unreadReplyTimeoutSeconds) {
      (1...3600).contains($0)
    }
    try reader.object("changes") { (reader: inout StrictReader) throws(ConfigurationError) in
      try reader.take("keepHours", "1 to 8760", &changes.keepHours) { (1...8760).contains($0) }
      try reader.take("ertMinimumMoveSeconds", "0 to 86400", &changes.damping.minimumMoveSeconds) {
        (0...86_400).contains($0)
      }
      try reader.take("ertMinimumIntervalSeconds", "0 to 86400", &changes.damping.minimumIntervalSeconds) {
        (0...86_400).contains($0)
      }
      try reader.take("ertSettleSeconds", "0 to 86400", &changes.damping.settleSeconds) {
        (0...86_400).contains($0)
      }
    }
    try reader.object("suspected") { (reader: inout StrictReader) throws(ConfigurationError) in
      try suspected.read(&reader)
    }
    try reader.object("reports") { (reader: inout StrictReader) throws(ConfigurationError) in
      try reader.take("keepDays", "1 to 3650", &reports.journal.keepDays) { (1...3650).contains($0) }
      try reader.take("repeatSeconds", "0 to 86400", &reports.journal.repeatSeconds) {
        (0...86_400).contains($0)
      }
      try reader.take("matchWithinSeconds", "60 to 2592000", &reports.journal.matchWithinSeconds) {
        (60...2_592_000).contains($0)
      }
      var directory: String?
      try reader.take("spoolDirectory", "a directory that is there", &directory) { path in
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path ?? "", isDirectory: &isDirectory)
          && isDirectory.boolValue
      }
      var spool = SpoolSettings(directory: directory ?? "")
      var format = spool.format.rawValue
      try reader.take("spoolFormat", "csv or json", &format) { SpoolSettings.Format(rawValue: $0) != nil }
      spool.format = SpoolSettings.Format(rawValue: format) ?? .csv
      try reader.take("spoolBatchMax", "1 to 1000000", &spool.batchMax) { (1...1_000_000).contains($0) }
      reports.spool = directory == nil ? nil : spool
      try reader.take("spoolIntervalSeconds", "1 to 86400", &reports.spoolIntervalSeconds) {
        (1...86_400).contains($0)
      }
    }
    try reader.object("metrics") { (reader: inout StrictReader) throws(ConfigurationError) in
      var address = ""
      try reader.take("address", MetricsAddress.expected, &address) { MetricsAddress($0) != nil }
      metricsAddress = MetricsAddress(address)
    }
    feeds = try feeds(&reader)
    try reader.finish()
  }

  /// The shipped languages, then those of the templates directory, which may replace them; the default one first.
  public func answerSettings() throws -> AnswerSettings {
    var languages = SpeechTemplates.shipped
    if let templatesDirectory {
      let names: [String]
      do {
        names = try FileManager.default.contentsOfDirectory(atPath: templatesDirectory)
      } catch {
        throw ConfigurationError.unreadable(
          file: templatesDirectory, reason: "cannot be listed: \(error.localizedDescription)")
      }
      for name in names.sorted() where name.hasSuffix(".json") {
        let path = templatesDirectory + "/" + name
        guard let data = FileManager.default.contents(atPath: path) else {
          throw ConfigurationError.unreadable(file: path, reason: "cannot be read")
        }
        let templates = try SpeechTemplates(json: data, file: path)
        languages.removeAll { $0.language == templates.language }
        languages.append(templates)
      }
    }
    guard let first = languages.firstIndex(where: { $0.language == defaultLanguage.lowercased() }) else {
      throw ConfigurationError.badValue(
        file: "configuration", key: "defaultLanguage", found: defaultLanguage,
        expected: "one of \(languages.map(\.language).sorted())")
    }
    languages.insert(languages.remove(at: first), at: 0)
    let zoneName = timeZone ?? "UTC"
    guard let zone = TimeZone(identifier: zoneName) else {
      throw ConfigurationError.badValue(
        file: "configuration", key: "timeZone", found: zoneName, expected: "an IANA zone")
    }
    return AnswerSettings(timeZone: zone, staleAfterSeconds: staleAfterSeconds, languages: languages)
  }
}

/// Takes keys out of a JSON object one by one, and complains of those that stay.
struct StrictReader {
  let file: String
  var rest: [String: Any]
  /// What stands before each key in errors, such as `reports.` or `feeds[0].`.
  var path = ""

  /// Sets `value` if the key is there.
  mutating func take<Value>(
    _ key: String, _ expected: String, _ value: inout Value, where isValid: (Value) -> Bool
  ) throws(ConfigurationError) {
    guard let found = rest.removeValue(forKey: key) else { return }
    guard let typed = Self.convert(found, to: Value.self), isValid(typed) else {
      throw .badValue(file: file, key: path + key, found: "\(found)", expected: expected)
    }
    value = typed
  }

  /// Reads an object within the object by `read`; its errors name both keys.
  mutating func object(
    _ key: String, _ read: (inout StrictReader) throws(ConfigurationError) -> Void
  ) throws(ConfigurationError) {
    guard let found = rest.removeValue(forKey: key) else { return }
    guard let object = found as? [String: Any] else {
      throw .badValue(file: file, key: key, found: "\(found)", expected: "an object")
    }
    var reader = StrictReader(file: file, rest: object, path: "\(path)\(key).")
    try read(&reader)
    try reader.finish()
  }

  /// JSON's `true` comes as an NSNumber of C's type `char`, which would also pass for the number 1.
  private static func convert<Value>(_ found: Any, to type: Value.Type) -> Value? {
    let isBoolean = (found as? NSNumber).map { String(cString: $0.objCType) == "c" } ?? false
    return isBoolean == (type == Bool.self) ? found as? Value : nil
  }

  /// The objects of a list, each to be read as strictly.
  mutating func objects(_ key: String, _ expected: String) throws(ConfigurationError) -> [StrictReader] {
    guard let found = rest.removeValue(forKey: key) else { return [] }
    guard let objects = found as? [[String: Any]] else {
      throw .badValue(file: file, key: path + key, found: "\(found)", expected: expected)
    }
    return objects.enumerated().map { StrictReader(file: file, rest: $1, path: "\(path)\(key)[\($0)].") }
  }

  func finish() throws(ConfigurationError) {
    if let key = rest.keys.sorted().first {
      throw .badValue(
        file: file, key: path + key, found: "an unknown key", expected: "a key of Docs/OPERATIONS.md")
    }
  }
}
