// kill -9 at random moments of imports and publishes: the store opens, whole, and nothing acknowledged is lost.

import Foundation
import LayerImport
import LayerStore
import OutageDaemon
import OutageModel
import Synchronization
import TestSupport
import Testing
import WireProtocol

@Suite(.serialized) struct KillTests {
  static let seed: UInt64 = 20_261_124

  /// A data directory, and what each file that may be in it holds.
  private final class Victim {
    let scratch: ScratchDirectory
    let config = fixtures + "/outaged.json"
    /// By file name.
    var addresses: [String: [ServicePoint]] = [:]
    var outages: [String: [Outage]] = [:]
    let addressFiles: [String]
    let outageFiles: [String]
    /// The newest versions that were acknowledged.
    var addressLoad = 0
    var layer = 0

    init() throws {
      scratch = try ScratchDirectory()
      let all = fixtures + "/territory/service-points.csv"
      let lines = try String(contentsOfFile: all, encoding: .utf8).split(separator: "\n")
      let few = try scratch.file("few.csv", lines.prefix(2000).joined(separator: "\n") + "\n")
      addressFiles = [all, few]
      outageFiles = (1...12).map { fixtures + "/storm/step-\(padded($0, 2)).geojson" }
      var options = ImportOptions()
      options.defaultTimeZoneName = "America/Los_Angeles"
      for file in addressFiles {
        var points: [ServicePoint] = []
        _ = try LayerImporter.readAddresses(file, options: options, progress: { _ in }) { points.append($0) }
        addresses[(file as NSString).lastPathComponent] = points
      }
      for file in outageFiles {
        outages[(file as NSString).lastPathComponent] =
          try LayerImporter.readOutages(file, options: options, progress: { _ in }).outages
          .sorted { $0.outageId.utf8.lexicographicallyPrecedes($1.outageId.utf8) }
      }
    }

    var data: [String] { ["--data", scratch.path, "--config", config] }

    func importArguments(_ round: Int) -> [String] {
      ["import", "addresses", addressFiles[round % addressFiles.count]] + data
    }

    func publishArguments(_ round: Int) -> [String] {
      ["publish", "outages", outageFiles[round % outageFiles.count]] + data
    }

    /// The store is whole, and holds what was acknowledged last or the one that was on its way.
    func verify(_ what: String) throws {
      let store = try LayerStore(directory: scratch.path)
      try store.checkIntegrity()
      let load = try #require(try store.currentVersion(of: .addresses), "\(what)")
      #expect(load.number == addressLoad || load.number == addressLoad + 1, "\(what): load \(load.number)")
      var points: [ServicePoint] = []
      try store.forEachServicePoint { points.append($0) }
      #expect(points == addresses[load.source], "\(what): \(load)")
      let current = try #require(try store.currentVersion(of: .outages), "\(what)")
      #expect(current.number == layer || current.number == layer + 1, "\(what): layer \(current.number)")
      #expect(try store.outages(ofVersion: current.number) == outages[current.source], "\(what): \(current)")
      (addressLoad, layer) = (load.number, current.number)
    }
  }

  /// Starts `outaged`, kills it after a share of the time that it took unhindered, and tells whether it had ended by itself.
  private static func killed(_ arguments: [String], after seconds: Double) throws -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: outagedBinary)
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    usleep(UInt32(seconds * 1e6))
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    return process.terminationReason == .exit && process.terminationStatus == 0
  }

  private static func seconds(_ arguments: [String]) throws -> Double {
    let start = ContinuousClock.now
    let finished = try run(outagedBinary, arguments)
    try #require(finished.status == 0, "\(finished)")
    return (ContinuousClock.now - start) / .seconds(1)
  }

  @Test func `kill -9 at 50 random moments of imports and publishes leaves a store that opens, whole`() throws
  {
    var random = SeededGenerator(seed: Self.seed)
    let victim = try Victim()
    var importSeconds = try Self.seconds(victim.importArguments(0))
    var publishSeconds = try Self.seconds(victim.publishArguments(0))
    (victim.addressLoad, victim.layer) = (1, 1)
    try victim.verify("before the first kill")
    var killCount = 0
    var round = 0
    // A process that ends before its kill proves the other half: what it acknowledged is there.
    while killCount < 40, round < 200 {
      round += 1
      let isImport = round % 2 == 0
      let seconds = Double.random(in: 0...1.1, using: &random) * (isImport ? importSeconds : publishSeconds)
      let what = "seed \(Self.seed), round \(round), \(isImport ? "import" : "publish"), after \(seconds) s"
      let hasEnded = try Self.killed(
        isImport ? victim.importArguments(round / 2) : victim.publishArguments(round), after: seconds)
      let before = victim.addressLoad + victim.layer
      try victim.verify(what)
      if hasEnded {
        #expect(victim.addressLoad + victim.layer == before + 1, "\(what): acknowledged, and not there")
        // It is quicker by now: the first one had the machine to share.
        if isImport { importSeconds *= 0.9 } else { publishSeconds *= 0.9 }
      } else {
        killCount += 1
      }
    }
    #expect(killCount == 40, "\(round) rounds")
    for round in 1...10 {
      let daemon = try RunningDaemon(data: victim.scratch.path, arguments: ["--config", victim.config])
      let acknowledged = Mutex(victim.layer)
      let publishes = DispatchGroup()
      publishes.enter()
      let (socket, files, first) = (daemon.adminSocket, victim.outageFiles, victim.layer)
      Thread.detachNewThread {
        defer { publishes.leave() }
        guard let admin = try? SocketClient(path: socket, timeoutSeconds: 60) else { return }
        for version in (first + 1)... {
          // The kill ends it.
          guard let reply = try? admin.ask(["LAYER.PUBLISH", files[version % files.count]]) else { return }
          guard reply.text?.contains("\"number\":\(version),") == true else { return }
          acknowledged.withLock { $0 = version }
        }
      }
      usleep(UInt32(Double.random(in: 0...4, using: &random) * 1e6 * publishSeconds))
      daemon.signal(SIGKILL)
      daemon.process.waitUntilExit()
      publishes.wait()
      victim.layer = acknowledged.withLock { $0 }
      try victim.verify("seed \(Self.seed), round \(round), a daemon that publishes")
    }
    let daemon = try RunningDaemon(data: victim.scratch.path, arguments: ["--config", victim.config])
    let answer = try Answer(daemon.client().ask(["OUTAGE.SERVICEPOINT", "SP-000000001"]))
    #expect(answer.layerVersion == victim.layer)
    #expect(daemon.stop() == 0)
  }
}
