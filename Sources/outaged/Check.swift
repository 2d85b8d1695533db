// `outaged check`: reads a file as an import would, and tells what it found.

import ArgumentParser
import LayerImport
import OutageDaemon

struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tells how a file would be read, and what is wrong with it; changes nothing.")

  @Argument(help: "The files to look into.")
  var files: [String]

  @OptionGroup var data: DataOptions
  @OptionGroup var file: FileOptions

  @Flag(help: "Print the reports as JSON.")
  var json = false

  func run() throws {
    let options = try file.request().importOptions(data.configuration())
    do {
      for file in files {
        let report = try LayerImporter.check(file, options: options)
        print(json ? report.json() : report.text)
      }
    } catch {
      throw Failure(error)
    }
  }
}
