// The command line: what can be asked of it.

import ArgumentParser
import OutageDaemon
import PointLocation

@main
struct Outaged: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "outaged",
    abstract: "Tells whether a service point is in a known power outage, in microseconds.",
    version: outagedVersion,
    subcommands: [
      Serve.self, Import.self, Check.self, Publish.self, Rollback.self, Accept.self, Status.self, Ask.self,
      Changes.self, Metrics.self, Commands.self, Formats.self,
    ])

  static func main() async {
    guard BuiltProcessor.isHere else {
      exit(
        withError: Failure(
          text:
            "outaged was built on a processor with AVX2, and this one has none: build it here, or anywhere with OUTAGED_PROCESSOR=any"
        ))
    }
    await main(nil)
  }
}

/// Where the data lies, and the settings.
struct DataOptions: ParsableArguments {
  @Option(name: .customLong("data"), help: "The data directory.")
  var directory = "var/outaged"

  @Option(name: .customLong("config"), help: "The configuration file (JSON).")
  var configurationFile: String?

  @Option(help: "The admin socket; DIR/admin.sock if it is not given.")
  var adminSocket: String?

  var adminSocketPath: String { adminSocket ?? directory + "/admin.sock" }

  func configuration() throws -> DaemonConfiguration {
    guard let configurationFile else { return DaemonConfiguration() }
    return try DaemonConfiguration(file: configurationFile)
  }
}

/// How a file is to be read.
struct FileOptions: ParsableArguments {
  @Option(name: .customLong("map"), help: "Takes a field from a column: FIELD=COLUMN. May be repeated.")
  var mappings: [String] = []

  @Option(help: "A file that keeps a mapping and spellings.")
  var profile: String?

  @Option(help: "The coordinate system, such as EPSG:2227; overrides what the file says.")
  var crs: String?

  @Option(help: "The zone of wall-clock times without an offset, such as America/Los_Angeles.")
  var timezone: String?

  @Option(help: "The share of records that may be rejected, 0 to 1; more, and nothing is taken.")
  var maxRejected: Double?

  @Option(help: "The layer or table of a file that holds several.")
  var layer: String?

  @Option(help: "The text encoding of a file that does not say it, such as CP1252.")
  var encoding: String?

  func request() throws -> PublishRequest {
    var request = PublishRequest()
    var map: [String: String] = [:]
    for mapping in mappings {
      let parts = mapping.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else {
        throw ValidationError("--map: found '\(mapping)', expected FIELD=COLUMN such as outageId=INCIDENT_NO")
      }
      map[parts[0]] = parts[1]
    }
    if let maxRejected, !(0...1).contains(maxRejected) {
      throw ValidationError("--max-rejected: found \(maxRejected), expected a share from 0 to 1")
    }
    request.map = map.isEmpty ? nil : map
    request.profile = profile.map(absolutePath)
    request.crs = crs
    request.timezone = timezone
    request.maxRejected = maxRejected
    request.layer = layer
    request.encoding = encoding
    return request
  }
}
