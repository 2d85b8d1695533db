// Runs the built `outaged` as a user would: processes, a data directory of its own, sockets.

import Foundation
import OutageDaemon
import Testing
import WireProtocol

/// The checkout that the tests run in.
let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().path

/// The committed fixture files.
let fixtures = checkout + "/GeoFixtures"

/// The binary beside the test runner, or the one that `OUTAGED_BINARY` names.
let outagedBinary: String = {
  if let binary = ProcessInfo.processInfo.environment["OUTAGED_BINARY"] { return binary }
  let runner = try! FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
  return (runner as NSString).deletingLastPathComponent + "/outaged"
}()

/// What a finished process left.
struct Finished {
  var status: Int32
  var output: String
  var errors: String
}

/// A directory that goes when the last reference to it does.
final class ScratchDirectory: Sendable {
  let path: String

  init() throws {
    var template = Array((NSTemporaryDirectory() + "/outaged-e2e-XXXXXX").utf8CString)
    path = try #require(mkdtemp(&template).map { String(cString: $0) })
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String, _ content: String) throws -> String {
    let file = path + "/" + name
    try content.write(toFile: file, atomically: true, encoding: .utf8)
    return file
  }
}

/// Runs a program to its end.
@discardableResult
func run(_ program: String, _ arguments: [String], input: String? = nil) throws -> Finished {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: program)
  process.arguments = arguments
  // Files, and not pipes: whatever it prints, it cannot block.
  let scratch = try ScratchDirectory()
  let outputFile = try scratch.file("output", "")
  let errorFile = try scratch.file("errors", "")
  process.standardOutput = FileHandle(forWritingAtPath: outputFile)
  process.standardError = FileHandle(forWritingAtPath: errorFile)
  process.standardInput = FileHandle.nullDevice
  if let input {
    process.standardInput = FileHandle(forReadingAtPath: try scratch.file("input", input))
  }
  try process.run()
  process.waitUntilExit()
  return Finished(
    status: process.terminationStatus, output: try String(contentsOfFile: outputFile, encoding: .utf8),
    errors: try String(contentsOfFile: errorFile, encoding: .utf8))
}

@discardableResult
func outaged(_ arguments: String...) throws -> Finished { try run(outagedBinary, arguments) }

/// A daemon on a data directory of its own; ended with the object.
final class RunningDaemon {
  let data: String
  let process = Process()
  private let logFile: String

  var querySocket: String { data + "/query.sock" }
  var adminSocket: String { data + "/admin.sock" }
  var log: String { (try? String(contentsOfFile: logFile, encoding: .utf8)) ?? "" }

  /// Starts it and waits until it answers.
  init(data: String, arguments: [String] = [], expectsReady: Bool = true) throws {
    self.data = data
    logFile = data + "/daemon.log"
    _ = FileManager.default.createFile(atPath: logFile, contents: nil)
    process.executableURL = URL(fileURLWithPath: outagedBinary)
    process.arguments = ["serve", "--data", data] + arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle(forWritingAtPath: logFile)
    try process.run()
    guard expectsReady else { return }
    for _ in 0..<18_000 {
      if let client = try? SocketClient(path: querySocket, timeoutSeconds: 10),
        let info = try client.ask(["INFO", "outages"]).text, info.contains("loading:0")
      {
        return
      }
      guard process.isRunning else { break }
      usleep(10_000)
    }
    Issue.record("the daemon did not become ready: \(log)")
  }

  func client() throws -> SocketClient { try SocketClient(path: querySocket, timeoutSeconds: 60) }

  func signal(_ number: Int32) { kill(process.processIdentifier, number) }

  /// SIGTERM, and its exit status.
  func stop() -> Int32 {
    signal(SIGTERM)
    process.waitUntilExit()
    return process.terminationStatus
  }

  deinit {
    if process.isRunning {
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
  }
}

/// The parts of an answer that tests look at.
struct Answer: Decodable, Equatable {
  struct Location: Decodable, Equatable {
    struct Outage: Decodable, Equatable { var outageId: String }
    var servicePointId, accountId, address: String?
    var match: String
    var outage: Outage?
    var alsoIn: [String]

    /// All outages that cover it, sorted.
    var outageIds: [String] {
      match == "inside" ? ([outage?.outageId].compactMap { $0 } + alsoIn).sorted() : []
    }
  }
  var match: String
  var layerVersion: Int
  var stale: Bool
  var locations: [Location]
  var say: String

  init(_ reply: RESPReply) throws {
    let text = try #require(reply.text, "\(reply)")
    self = try JSONDecoder().decode(Answer.self, from: Data(text.utf8))
  }
}

/// Imports the fixture territory and publishes its outages into a new data directory.
func fixtureDirectory() throws -> ScratchDirectory {
  let scratch = try ScratchDirectory()
  let imported = try outaged(
    "import", "addresses", fixtures + "/territory/service-points.csv", "--data", scratch.path, "--config",
    fixtures + "/outaged.json")
  try #require(imported.status == 0, "\(imported.output)\(imported.errors)")
  let published = try outaged(
    "publish", "outages", fixtures + "/outages/outages.geojson", "--data", scratch.path, "--config",
    fixtures + "/outaged.json")
  try #require(published.status == 0, "\(published.output)\(published.errors)")
  return scratch
}

/// A number with zeros in front.
func padded(_ number: Int, _ width: Int) -> String {
  let digits = String(number)
  return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
