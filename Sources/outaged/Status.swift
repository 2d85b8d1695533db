// `outaged status`: what is served, and what the store holds.

import ArgumentParser
import Foundation
import LayerStore
import OutageDaemon

struct Status: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Tells what is served and what the store holds.")

  @OptionGroup var data: DataOptions

  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    if let client = try? SocketClient(path: data.adminSocketPath) {
      let status = try askDaemon(client, ["LAYER.STATUS"])
      struct Text: Decodable { var text: String }
      print(json ? status : try JSONDecoder().decode(Text.self, from: Data(status.utf8)).text)
      return
    }
    guard FileManager.default.fileExists(atPath: data.directory) else {
      throw Failure(text: "\(data.directory): no such data directory; `outaged import addresses` makes one")
    }
    do {
      let store = try LayerStore(directory: data.directory)
      let report = try StatusReport(directory: data.directory, store: store, served: nil)
      print(json ? report.json() : report.text)
    } catch {
      throw Failure(error)
    }
  }
}
