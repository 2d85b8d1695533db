// `outage-load`: load for the query socket, open or closed loop, every answer checked.

import ArgumentParser
import Foundation
import LoadGeneration

@main
struct OutageLoad: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "outage-load",
    abstract: "Asks a daemon as voice bots do, takes the latencies, and checks every answer.",
    subcommands: [Plan.self, Run.self], defaultSubcommand: Run.self)
}

/// Works out ahead what will be asked and answered.
struct Plan: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draw customers from an address file and have GEOS tell which outages of each layer cover them."
  )

  @Option(help: "The address file, as it was imported.")
  var addresses: String

  @Option(name: .customLong("layer"), help: "An outage layer that will be published. May be repeated.")
  var layers: [String]

  @Option(help: "Customers that are asked about.")
  var customers = 100_000

  @Option(help: "The seed of the draw.")
  var seed: UInt64 = 1

  @Option(help: "The file to write.")
  var out: String

  func run() throws {
    let paths = layers.map { URL(fileURLWithPath: $0).standardizedFileURL.path }
    let plan = try LoadPlan(addresses: addresses, layers: paths, customerCount: customers, seed: seed)
    try plan.write(to: out)
    let covered = plan.layers.indices.map { layer in
      plan.customers.count { $0.point.locations[0].sets[layer] != 0 }
    }
    print("\(plan.customers.count) customers; covered by layer: \(covered)")
  }
}
