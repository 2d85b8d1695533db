// `outaged commands` and `outaged formats`: what the documentation takes from the tables that the program itself uses.

import ArgumentParser
import LayerImport
import WireProtocol

struct Commands: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists the commands of the sockets, as Docs/PROTOCOL.md has them.")

  func run() { print(CommandTable.markdown, terminator: "") }
}

struct Formats: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists the column names, spellings and reasons of imports, as Docs/FORMATS.md has them.",
    shouldDisplay: false)

  func run() { print(FormatTables.markdown, terminator: "") }
}
