// `outaged serve`: runs the daemon in the foreground.

import ArgumentParser
import Logging
import OutageDaemon

struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serves lookups on a Unix socket.",
    discussion:
      "SIGTERM: stop accepting, answer what was asked, exit 0. SIGHUP: read the configuration again.")

  @OptionGroup var data: DataOptions

  @Option(help: "The query socket; DIR/query.sock if it is not given.")
  var socket: String?

  @Option(help: "The socket of those who follow changes and reports; DIR/feed.sock if it is not given.")
  var feedSocket: String?

  @Flag(
    help: "Take the sockets over from the daemon that serves the directory, without a gap, and let it end.")
  var takeover = false

  @Option(help: "trace, debug, info, notice, warning, error or critical.")
  var logLevel: String = "info"

  func run() async throws {
    guard let level = Logger.Level(rawValue: logLevel) else {
      throw ValidationError("--log-level: found '\(logLevel)', expected one of \(Logger.Level.allCases)")
    }
    LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
    var log = Logger(label: "outaged")
    log.logLevel = level
    var options = DaemonOptions(
      directory: data.directory, querySocket: socket, adminSocket: data.adminSocket,
      feedSocket: feedSocket, configurationFile: data.configurationFile)
    options.takesOver = takeover
    do {
      try await Daemon(options: options, log: log).run()
    } catch {
      throw Failure(error)
    }
  }
}
