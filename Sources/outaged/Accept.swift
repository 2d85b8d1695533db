// `outaged accept`: publishes what a guard holds back of a feed.

import ArgumentParser
import OutageDaemon

struct Accept: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Publishes the layer of a feed that a guard holds back.",
    discussion: "`INFO feeds` tells which guard holds what. Needs a daemon.")

  @Argument(help: "The feed's name in the configuration.")
  var feed: String

  @OptionGroup var data: DataOptions

  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    let client: SocketClient
    do {
      client = try SocketClient(path: data.adminSocketPath)
    } catch {
      throw Failure(error)
    }
    try printOutcome(try askDaemon(client, ["LAYER.ACCEPT", feed]), json: json, timings: false)
  }
}
