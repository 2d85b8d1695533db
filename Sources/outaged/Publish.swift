// `outaged publish outages` and `outaged rollback`: through the daemon where one runs, else straight into the store.

import ArgumentParser
import Foundation
import LayerImport
import LayerStore
import OutageDaemon
import OutageModel
import WireProtocol

struct Publish: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "publish", abstract: "Publishes a layer.", subcommands: [Outages.self])

  struct Outages: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Publishes an outage layer in place of the current one, and tells what changes.")

    @Argument(help: "GeoJSON, CSV, Shapefile, GeoPackage or SpatiaLite.")
    var path: String

    @OptionGroup var data: DataOptions
    @OptionGroup var file: FileOptions

    @Flag(help: "Tell what would change, and publish nothing.")
    var dryRun = false

    @Flag(help: "Print one JSON object.")
    var json = false

    @Flag(help: "Print how long each part took.")
    var timings = false

    func run() throws {
      var request = try file.request()
      request.dryRun = dryRun
      request.errorsAsJSON = true
      let configuration = try data.configuration()
      let outcome: String
      if let client = try? SocketClient(path: data.adminSocketPath) {
        outcome = try askDaemon(client, ["LAYER.PUBLISH", absolutePath(path), request.json()])
      } else {
        outcome = withPublisher(data, configuration) {
          try $0.publish(file: path, options: request.importOptions(configuration), isDryRun: dryRun)
        }
      }
      try printOutcome(outcome, json: json, timings: timings)
    }
  }
}

struct Rollback: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Publishes an earlier outage layer again, under a new number.")

  @Argument(help: "The layer version, as `outaged status` lists them.")
  var version: Int

  @OptionGroup var data: DataOptions

  @Flag(help: "Tell what would change, and publish nothing.")
  var dryRun = false

  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    let outcome: String
    if let client = try? SocketClient(path: data.adminSocketPath) {
      outcome = try askDaemon(client, ["LAYER.ROLLBACK", String(version)] + (dryRun ? ["DRYRUN"] : []))
    } else {
      outcome = withPublisher(data, try data.configuration()) {
        try $0.rollBack(to: version, isDryRun: dryRun)
      }
    }
    try printOutcome(outcome, json: json, timings: false)
  }
}

/// The text of the daemon's reply.
func askDaemon(_ client: SocketClient, _ words: [String]) throws -> String {
  let reply: RESPReply
  do {
    reply = try client.ask(words)
  } catch {
    throw Failure(error)
  }
  if case .error(let text) = reply { throw Failure(text: text) }
  guard let text = reply.text else { throw Failure(text: "\(words[0]): the daemon answered \(reply)") }
  return text
}

/// Does the daemon's work where none runs. The instance lock keeps one from starting meanwhile.
private func withPublisher(
  _ data: DataOptions, _ configuration: DaemonConfiguration, _ work: (Publisher) throws -> PublishOutcome
) -> String {
  do {
    let snapshot = TerritorySnapshot.path(in: data.directory)
    let reading = SnapshotReading(snapshot)
    let store = try LayerStore(directory: data.directory, keepLayers: configuration.keepLayers)
    let lock = try InstanceLock(directory: data.directory)
    defer { _ = lock }
    let publisher = Publisher(store: store, clock: systemClock)
    try publisher.load(snapshot: reading)
    let outcome = try work(publisher)
    // Not more than a quicker start hangs on it.
    if outcome.version != nil {
      _ = try? TerritorySnapshot.write(publisher.territory, publisher.versions, to: snapshot)
    }
    return outcome.json()
  } catch {
    return failureJSON(error)
  }
}

/// Prints the report and what changed; a failure leaves with status 1.
func printOutcome(_ outcome: String, json: Bool, timings: Bool) throws {
  struct Outcome: Decodable {
    var error: String?
    var reportText: String?
    var text: String?
    var timingsText: String?
  }
  let content = try JSONDecoder().decode(Outcome.self, from: Data(outcome.utf8))
  if json {
    print(outcome)
  } else {
    for text in [content.reportText, timings ? content.timingsText : content.text] {
      if let text { print(text) }
    }
  }
  if let error = content.error { throw Failure(text: error) }
}
