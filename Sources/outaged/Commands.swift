// `outaged commands`: the protocol's commands, from the one table that defines them.

import ArgumentParser
import WireProtocol

struct Commands: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists the commands of the sockets, as Docs/PROTOCOL.md has them.")

  func run() { print(CommandTable.markdown) }
}
