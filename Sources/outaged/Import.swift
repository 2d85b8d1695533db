// `outaged import addresses`: brings service points into the store.

import ArgumentParser
import Foundation
import LayerImport
import LayerStore
import OutageDaemon
import OutageModel
import WireProtocol

struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Imports address data.", subcommands: [Addresses.self])

  struct Addresses: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Imports service points from files, in place of those that are there.")

    @Argument(help: "GeoJSON, CSV, Shapefile, GeoPackage or SpatiaLite; several files make one load.")
    var files: [String]

    @OptionGroup var data: DataOptions
    @OptionGroup var file: FileOptions

    @Flag(help: "Print the reports as JSON.")
    var json = false

    func run() throws {
      let configuration = try data.configuration()
      let options = try file.request().importOptions(configuration)
      do {
        let store = try LayerStore(directory: data.directory, keepLayers: configuration.keepLayers)
        let reports = try load(store, options)
        for report in reports { print(json ? report.json() : report.text) }
        try tellDaemon()
      } catch ImportError.tooManyRejected(let report) {
        print(json ? report.json() : report.text)
        throw Failure(ImportError.tooManyRejected(report))
      } catch {
        throw Failure(error)
      }
    }

    private func load(_ store: LayerStore, _ options: ImportOptions) throws -> [ImportReport] {
      let names = files.map { ($0 as NSString).lastPathComponent }
      let load = try store.beginAddressLoad(
        source: names.joined(separator: ", "), sha256: "", at: systemClock())
      var reports: [ImportReport] = []
      do {
        for file in files {
          let progress = ProgressBar(label: (file as NSString).lastPathComponent)
          reports.append(
            try LayerImporter.readAddresses(file, options: options, progress: progress.show) {
              try load.append($0)
            })
          progress.finish()
        }
        load.sha256 = reports.map(\.sha256).joined(separator: ",")
        let version = try load.commit()
        print("Address load \(version.number): \(version.recordCount) service points.")
      } catch {
        load.abandon()
        throw error
      }
      return reports
    }

    /// A running daemon takes the new load over at once.
    private func tellDaemon() throws {
      guard let client = try? SocketClient(path: data.adminSocketPath) else { return }
      if case .error(let text) = try client.ask(["ADDRESSES.RELOAD"]) { throw Failure(text: text) }
      print("The daemon serves it.")
    }
  }
}
