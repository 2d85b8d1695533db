// The tables of column names and vendors' spellings, shipped as data and extended by a profile.

import Foundation
import OutageModel

/// One rule that tells a cause's kind from the utility's words.
struct CauseRule: Decodable, Sendable {
  var causeKind: String
  var words: [String]
  var unless: [String]?
}

/// A profile file: every member may be left out.
struct ImportProfile: Decodable, Sendable {
  /// Field to column, or to several columns, the best first.
  var map: [String: OneOrMany]?
  /// Field (`crewStatus`), to code (`arrived`), to the spellings of it.
  var spellings: [String: [String: [String]]]?
  var causeWords: [CauseRule]?
  /// `mdy` (the default) or `dmy`: how `03/04/2026` is read.
  var dateOrder: String?
  var crs: String?
  var timezone: String?
  var layer: String?
  var encoding: String?
  var countryCode: String?

  static let members: Set<String> = [
    "map", "spellings", "causeWords", "dateOrder", "crs", "timezone", "layer", "encoding", "countryCode",
  ]

  struct OneOrMany: Decodable, Sendable {
    var names: [String]
    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let one = try? container.decode(String.self) {
        names = [one]
      } else {
        names = try container.decode([String].self)
      }
    }
  }

  /// - Throws: `badProfile`
  static func content(of file: String) throws(ImportError) -> Data {
    guard let data = FileManager.default.contents(atPath: file) else {
      throw .refused(
        .badProfile, (file as NSString).lastPathComponent, found: "no file that can be read",
        expected: "a JSON file")
    }
    return data
  }

  /// - Parameters:
  ///   - data: the content of `file`, which is named in errors.
  /// - Throws: `badProfile` that names the member.
  init(_ data: Data, file: String) throws(ImportError) {
    let name = (file as NSString).lastPathComponent
    guard let object = (try? JSONSerialization.jsonObject(with: data)) as? [String: Any] else {
      throw .refused(.badProfile, name, found: "no JSON object", expected: "an object such as {\"map\":{}}")
    }
    if let unknown = object.keys.sorted().first(where: { !Self.members.contains($0) }) {
      throw .refused(
        .badProfile, name, field: unknown, found: "an unknown member",
        expected: "one of \(Self.members.sorted().joined(separator: ", "))")
    }
    do {
      self = try JSONDecoder().decode(ImportProfile.self, from: data)
    } catch DecodingError.typeMismatch(_, let context), DecodingError.keyNotFound(_, let context) {
      throw .refused(
        .badProfile, name, field: context.codingPath.map(\.stringValue).joined(separator: "."),
        found: "a value of the wrong type", expected: context.debugDescription)
    } catch {
      throw .refused(.badProfile, name, found: "\(error)", expected: "the members of Docs/FORMATS.md")
    }
    if let order = dateOrder, order != "mdy", order != "dmy" {
      throw .refused(.badProfile, name, field: "dateOrder", found: quoted(order), expected: "mdy or dmy")
    }
    for field in (map ?? [:]).keys where ImportField(rawValue: field) == nil {
      throw .refused(.badProfile, name, field: "map.\(field)", found: "no field", expected: fieldNames)
    }
    for (field, codes) in spellings ?? [:] {
      guard let known = ImportTables.codes[field] else {
        throw .refused(
          .badProfile, name, field: "spellings.\(field)", found: "no field with codes",
          expected: "one of \(ImportTables.codes.keys.sorted().joined(separator: ", "))")
      }
      for code in codes.keys where !known.contains(code) {
        throw .refused(
          .badProfile, name, field: "spellings.\(field).\(code)", found: "no code",
          expected: "one of \(known.joined(separator: ", "))")
      }
    }
    let kinds = ImportTables.codes["causeKind"] ?? []
    for rule in causeWords ?? [] where !kinds.contains(rule.causeKind) {
      throw .refused(
        .badProfile, name, field: "causeWords", found: quoted(rule.causeKind),
        expected: "one of \(kinds.joined(separator: ", "))")
    }
  }
}

let fieldNames = "one of " + ImportField.allCases.map(\.rawValue).joined(separator: ", ")

/// What is recognised: names of columns, spellings of codes, words of causes.
struct ImportTables: Sendable {
  /// `servicePoint`, `outage` and `geometry`, to field, to names, the best first.
  private(set) var columns: [String: [String: [String]]]
  /// Field, to folded spelling, to code.
  private var spellings: [String: [String: String]] = [:]
  private var causeRules: [(kind: OutageCauseKind, words: [[String]], unless: [[String]])] = []

  /// The codes of the model, by field.
  static let codes: [String: [String]] = [
    "kind": OutageKind.allCases.map(\.rawValue), "status": OutageStatus.allCases.map(\.rawValue),
    "causeKind": OutageCauseKind.allCases.map(\.rawValue),
    "ertConfidence": ERTConfidence.allCases.map(\.rawValue), "ertSource": ERTSource.allCases.map(\.rawValue),
    "crewStatus": CrewStatus.allCases.map(\.rawValue), "boolean": ["true", "false"], "noValue": ["none"],
    "noTime": ["none"],
  ]

  /// As shipped.
  static let shipped = ImportTables()

  /// Field, to code, to its spellings.
  static let shippedSpellings = decoded(
    PackageResources.spellings_json, [String: [String: [String]]].self)
  static let shippedCauseRules = decoded(PackageResources.cause_words_json, [CauseRule].self)

  private init() {
    columns = Self.decoded(PackageResources.columns_json, [String: [String: [String]]].self)
    for (field, codes) in Self.codes {
      for code in codes { spellings[field, default: [:]][folded(code)] = code }
    }
    add(spellings: Self.shippedSpellings, replacing: false)
    add(causeRules: Self.shippedCauseRules)
  }

  private static func decoded<T: Decodable>(_ bytes: [UInt8], _ type: T.Type) -> T {
    do { return try JSONDecoder().decode(type, from: Data(bytes)) } catch {
      preconditionFailure("a shipped table is damaged: \(error)")
    }
  }

  /// The shipped tables with a profile's in front of them.
  func extended(by profile: ImportProfile) -> ImportTables {
    var tables = self
    tables.add(spellings: profile.spellings ?? [:], replacing: true)
    let shippedRules = tables.causeRules
    tables.causeRules = []
    tables.add(causeRules: profile.causeWords ?? [])
    tables.causeRules += shippedRules
    return tables
  }

  private mutating func add(spellings table: [String: [String: [String]]], replacing: Bool) {
    for (field, codes) in table {
      for (code, texts) in codes {
        for text in texts where replacing || spellings[field]?[Self.key(text)] == nil {
          spellings[field, default: [:]][Self.key(text)] = code
        }
      }
    }
  }

  private mutating func add(causeRules rules: [CauseRule]) {
    for rule in rules {
      guard let kind = OutageCauseKind(rawValue: rule.causeKind) else { continue }
      causeRules.append((kind, rule.words.map(Self.words), (rule.unless ?? []).map(Self.words)))
    }
  }

  /// Signs count where there is nothing else, as in `--`.
  private static func key(_ text: String) -> String {
    let key = folded(text)
    return key.isEmpty ? text : key
  }

  /// The code that a text is a spelling of.
  func code(_ field: String, _ text: String) -> String? { spellings[field]?[Self.key(text)] }

  /// The first rule that has one of its words, whole, in the text.
  func causeKind(ofText text: String) -> OutageCauseKind? {
    let words = Self.words(text)
    func contains(_ phrase: [String]) -> Bool {
      guard phrase.count <= words.count, !phrase.isEmpty else { return false }
      return (0...words.count - phrase.count).contains { words[$0..<$0 + phrase.count].elementsEqual(phrase) }
    }
    return causeRules.first { rule in
      rule.words.contains(where: contains) && !rule.unless.contains(where: contains)
    }?.kind
  }

  private static func words(_ text: String) -> [String] {
    text.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init)
  }
}
