// Restarts: from the snapshot, from a snapshot that is of no use, under load by a takeover, and with sockets that systemd holds.

import ByteBuffers
import Foundation
import OutageDaemon
import Reactor
import Synchronization
import Testing
import WireProtocol

@Suite(.serialized) struct RestartTests {
  private static let request = ["OUTAGE.ACCOUNT", "000000000098"]

  @Test
  func `a restart maps the snapshot and answers the same; one that is damaged or old is named and rebuilt`()
    throws
  {
    let scratch = try fixtureDirectory()
    let snapshot = TerritorySnapshot.path(in: scratch.path)
    #expect(FileManager.default.fileExists(atPath: snapshot), "publishing by hand writes it")
    let config = ["--config", fixtures + "/outaged.json"]
    func answerAndLog() throws -> (RESPReply, String) {
      let daemon = try RunningDaemon(data: scratch.path, arguments: config)
      let reply = try daemon.client().ask(Self.request)
      #expect(daemon.stop() == 0)
      return (reply, daemon.log)
    }
    let (reply, firstLog) = try answerAndLog()
    #expect(reply.text != nil)
    #expect(!firstLog.contains("built from the store"), "\(firstLog)")

    let whole = try Data(contentsOf: URL(fileURLWithPath: snapshot))
    var damaged = whole
    damaged[damaged.count / 2] ^= 1
    try damaged.write(to: URL(fileURLWithPath: snapshot))
    let (afterDamage, damageLog) = try answerAndLog()
    #expect(afterDamage == reply)
    #expect(damageLog.contains("built from the store") && damageLog.contains("damaged"), "\(damageLog)")

    let (afterRebuild, rebuiltLog) = try answerAndLog()
    #expect(afterRebuild == reply)
    #expect(!rebuiltLog.contains("built from the store"), "\(rebuiltLog)")

    // Behind the snapshot's back, as an older release without one would.
    try FileManager.default.removeItem(atPath: snapshot)
    try outaged(
      "publish", "outages", fixtures + "/outages/outages.geojson", "--data", scratch.path, "--config",
      fixtures + "/outaged.json")
    try whole.write(to: URL(fileURLWithPath: snapshot))
    let (newer, oldLog) = try answerAndLog()
    #expect(try Answer(newer).layerVersion == Answer(reply).layerVersion + 1)
    #expect(oldLog.contains("out of date"), "\(oldLog)")
  }

  @Test func `a takeover under load refuses nobody and loses no request`() throws {
    let scratch = try fixtureDirectory()
    let config = ["--config", fixtures + "/outaged.json"]
    let first = try RunningDaemon(data: scratch.path, arguments: config)
    let expected = try first.client().ask(Self.request)
    let socket = first.querySocket
    let isOver = Atomic<Bool>(false)
    let failures = Mutex<[String]>([])
    let answered = Atomic<Int>(0)
    let clients = (0..<4).map { number in
      let isDone = DispatchSemaphore(value: 0)
      Thread.detachNewThread {
        do {
          // Half of them open a connection for each request; the others keep theirs until it is closed.
          var client = try PatientClient(socket)
          while !isOver.load(ordering: .relaxed) {
            let reply = try client.ask(Self.request)
            if reply != expected { failures.withLock { $0.append("client \(number): \(reply)") } }
            answered.add(1, ordering: .relaxed)
            if number % 2 == 0 { client = try PatientClient(socket) }
          }
        } catch {
          failures.withLock { $0.append("client \(number): \(error)") }
        }
        isDone.signal()
      }
      return isDone
    }
    var running = first
    for _ in 0..<3 {
      let before = answered.load(ordering: .relaxed)
      let next = try RunningDaemon(
        data: scratch.path, arguments: config + ["--takeover"], expectsReady: false)
      // The old process ends by itself, and in peace.
      while running.process.isRunning, next.process.isRunning { usleep(10_000) }
      try #require(next.process.isRunning, "\(next.log)")
      #expect(running.process.terminationStatus == 0, "\(running.log)")
      running = next
      try waitUntil { answered.load(ordering: .relaxed) > before + 100 }
    }
    isOver.store(true, ordering: .relaxed)
    for client in clients { client.wait() }
    #expect(failures.withLock { $0 } == [])
    // The new one is a daemon like any other: it publishes, a second one is refused, its sockets go with it.
    let published = try outaged(
      "publish", "outages", fixtures + "/outages/outages.geojson", "--data", scratch.path)
    #expect(published.status == 0, "\(published.errors)")
    let second = try outaged("serve", "--data", scratch.path)
    #expect(second.errors.contains("(process \(running.process.processIdentifier))"), "\(second.errors)")
    #expect(running.stop() == 0)
    #expect(!FileManager.default.fileExists(atPath: socket))
  }

  @Test func `a process that dies while it takes over leaves the old one as it was`() throws {
    let scratch = try fixtureDirectory()
    let daemon = try RunningDaemon(data: scratch.path)
    do {
      let client = try SocketClient(path: daemon.adminSocket)
      _ = try client.ask(["HANDOVER.BEGIN"])
      let refused = try outaged(
        "publish", "outages", fixtures + "/outages/outages.geojson", "--data", scratch.path)
      #expect(refused.errors.contains("handing over"), "\(refused.errors)")
    }
    try waitUntil { daemon.log.contains("is gone; serving on") }
    let published = try outaged(
      "publish", "outages", fixtures + "/outages/outages.geojson", "--data", scratch.path)
    #expect(published.status == 0, "\(published.errors)")
    let stranger = try SocketClient(path: daemon.adminSocket)
    guard case .error(let text) = try stranger.ask(["HANDOVER.COMMIT"]) else {
      Issue.record("a process that has not begun a takeover ended one")
      return
    }
    #expect(text.hasPrefix("FAILED "))
    #expect(daemon.stop() == 0)
  }

  @Test func `without a daemon, a takeover is a start`() throws {
    let scratch = try ScratchDirectory()
    let daemon = try RunningDaemon(data: scratch.path, arguments: ["--takeover"])
    #expect(try daemon.client().ask(["PING"]) == .simple("PONG"))
    #expect(daemon.stop() == 0)
  }

  @Test func `sockets that systemd holds are served, and outlive the daemon`() throws {
    let scratch = try ScratchDirectory()
    let path = scratch.path + "/elsewhere.sock"
    let listener = try UnixListener(path: path, mode: 0o600)
    defer { listener.close() }
    for _ in 0..<2 {
      // Asked before the daemon is there: the kernel keeps it waiting.
      let client = try SocketClient(path: path, timeoutSeconds: 20)
      let process = try ActivatedDaemon(listener.descriptor, data: scratch.path)
      #expect(try client.ask(["PING"]) == .simple("PONG"))
      #expect(process.stop() == 0)
      #expect(FileManager.default.fileExists(atPath: path))
    }
  }
}

/// A client that knows what a request that could not be sent is: not taken, and to be sent again over a new connection.
private final class PatientClient {
  private let path: String
  private var descriptor: Int32
  private var reader: ReplyReader

  init(_ path: String) throws {
    self.path = path
    descriptor = try UnixListener.connect(to: path)
    reader = ReplyReader(descriptor)
  }

  deinit { close(descriptor) }

  func ask(_ words: [String]) throws -> RESPReply {
    var request = ByteBuffer()
    request.appendRequest(words)
    while true {
      let sent = send(descriptor, request.bytes.baseAddress, request.count, Int32(MSG_NOSIGNAL))
      if sent == request.count {
        // Taken: from here on, no reply is a lost request.
        return try #require(reader.replies(1).first, "a request that was taken got no reply")
      }
      try #require(errno == EPIPE || errno == ECONNRESET, "errno \(errno)")
      close(descriptor)
      descriptor = try UnixListener.connect(to: path)
      reader = ReplyReader(descriptor)
    }
  }
}

/// A daemon that gets a listening socket as descriptor 3, as systemd passes it.
private final class ActivatedDaemon {
  private var processId: pid_t = 0

  init(_ descriptor: Int32, data: String) throws {
    // The shell keeps its process id when it becomes the daemon.
    let script = "LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=query exec \"$0\" serve --data \"$1\" 2>/dev/null"
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    // Through another number, so that it is not closed on exec where it is 3 already.
    let copy = fcntl(descriptor, F_DUPFD, 100)
    defer { close(copy) }
    posix_spawn_file_actions_adddup2(&actions, copy, 3)
    let words: [String] = ["/bin/sh", "-c", script, outagedBinary, data]
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    let result = posix_spawn(&processId, "/bin/sh", &actions, nil, &arguments, environ)
    try #require(result == 0)
  }

  func stop() -> Int32 {
    kill(processId, SIGTERM)
    var status: Int32 = 0
    waitpid(processId, &status, 0)
    return status
  }

  deinit { kill(processId, SIGKILL) }
}
