// What a publish is asked for with: the options of `LAYER.PUBLISH` and of the command line, as JSON.

import Foundation
import LayerImport

/// The options of one publish; every one of them may be left out.
public struct PublishRequest: Codable, Sendable {
  /// Field to column, such as `{"outageId":"INCIDENT_NO"}`.
  public var map: [String: String]?
  public var profile: String?
  public var crs: String?
  public var timezone: String?
  public var maxRejected: Double?
  public var layer: String?
  public var encoding: String?
  /// Tell what would change, and publish nothing.
  public var dryRun: Bool?
  /// Answer a failure with a JSON object that has `error` and `reportText`, in place of an error reply of one line.
  public var errorsAsJSON: Bool?

  public init() {}

  /// - Throws: `ConfigurationError` that names the key.
  public init(json: String) throws(ConfigurationError) {
    let known: Set = [
      "map", "profile", "crs", "timezone", "maxRejected", "layer", "encoding", "dryRun", "errorsAsJSON",
    ]
    let data = Data(json.utf8)
    guard let object = (try? JSONSerialization.jsonObject(with: data)) as? [String: Any] else {
      throw .unreadable(
        file: "options", reason: "found no JSON object, expected one such as {\"dryRun\":true}")
    }
    if let key = object.keys.sorted().first(where: { !known.contains($0) }) {
      throw .badValue(
        file: "options", key: key, found: "an unknown key",
        expected: "one of \(known.sorted().joined(separator: ", "))")
    }
    do {
      self = try JSONDecoder().decode(PublishRequest.self, from: data)
    } catch {
      throw .unreadable(file: "options", reason: "a value has the wrong type: \(error)")
    }
  }

  public func json() -> String { encodeJSON(self) }

  /// With the configuration's values where this request is silent.
  public func importOptions(_ configuration: DaemonConfiguration) -> ImportOptions {
    var options = ImportOptions()
    options.mapping = map ?? [:]
    options.profileFile = profile
    options.crs = crs
    options.timeZoneName = timezone
    options.defaultTimeZoneName = configuration.timeZone
    options.defaultCountryCode = configuration.defaultCountryCode
    options.territoryBounds = configuration.territoryBounds.map {
      TerritoryBounds(west: $0[0], south: $0[1], east: $0[2], north: $0[3])
    }
    options.maxRejectedFraction = maxRejected ?? configuration.maxRejected
    options.layerName = layer
    options.encoding = encoding
    return options
  }
}
