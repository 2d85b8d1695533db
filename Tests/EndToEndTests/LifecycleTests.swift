// The daemon's life: start, second instance, stale socket, signals, kill, hostile clients.

import ByteBuffers
import Foundation
import OutageDaemon
import Reactor
import Testing
import WireProtocol

@Suite(.serialized) struct LifecycleTests {
  @Test func `an empty data directory is served and says what it lacks`() throws {
    let scratch = try ScratchDirectory()
    let daemon = try RunningDaemon(data: scratch.path)
    let client = try daemon.client()
    #expect(try client.ask(["OUTAGE.ACCOUNT", "000000000000"]) == .null)
    let answer = try Answer(client.ask(["OUTAGE.POINT", "-121.74", "38.54"]))
    #expect(answer.match == "none")
    #expect(answer.stale)
    let status = try outaged("status", "--data", scratch.path)
    #expect(status.output.contains("outaged import addresses FILE"))
    #expect(daemon.stop() == 0)
  }

  @Test func `the sockets have their modes, and go when the daemon does`() throws {
    let scratch = try ScratchDirectory()
    let daemon = try RunningDaemon(data: scratch.path)
    for (socket, mode) in [(daemon.querySocket, 0o660), (daemon.adminSocket, 0o600)] {
      let attributes = try FileManager.default.attributesOfItem(atPath: socket)
      #expect(attributes[.posixPermissions] as? Int == mode)
    }
    #expect(daemon.stop() == 0)
    #expect(!FileManager.default.fileExists(atPath: daemon.querySocket))
    #expect(!FileManager.default.fileExists(atPath: daemon.adminSocket))
  }

  @Test func `a second daemon on the same directory says who is there, and disturbs nothing`() throws {
    let scratch = try ScratchDirectory()
    let first = try RunningDaemon(data: scratch.path)
    let second = try outaged("serve", "--data", scratch.path)
    #expect(second.status == 1)
    #expect(
      second.errors.contains(
        "another outaged serves this directory (process \(first.process.processIdentifier))"))
    #expect(try first.client().ask(["PING"]) == .simple("PONG"))
  }

  @Test func `a killed daemon's sockets do not keep the next one from starting`() throws {
    let scratch = try ScratchDirectory()
    let first = try RunningDaemon(data: scratch.path)
    first.signal(SIGKILL)
    first.process.waitUntilExit()
    #expect(FileManager.default.fileExists(atPath: first.querySocket))
    let second = try RunningDaemon(data: scratch.path)
    #expect(try second.client().ask(["PING"]) == .simple("PONG"))
    #expect(second.stop() == 0)
  }

  @Test func `what was asked before SIGTERM is answered, and the exit is clean and soon`() throws {
    let scratch = try ScratchDirectory()
    let daemon = try RunningDaemon(data: scratch.path)
    let descriptor = try UnixListener.connect(to: daemon.querySocket)
    defer { close(descriptor) }
    var request = ByteBuffer()
    for _ in 0..<10_000 { request.appendRequest(["OUTAGE.POINT", "-121.74", "38.54"]) }
    let reader = ReplyReader(descriptor)
    let sender = Thread { [bytes = Array(request.bytes)] in
      _ = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }
    sender.start()
    #expect(reader.replies(1).count == 1)
    let start = ContinuousClock.now
    daemon.signal(SIGTERM)
    let rest = reader.replies(.max)
    daemon.process.waitUntilExit()
    #expect(daemon.process.terminationStatus == 0)
    #expect(ContinuousClock.now - start < .seconds(5))
    #expect(rest.allSatisfy { if case .bulk = $0 { true } else { false } })
    #expect(!rest.isEmpty)
  }

  @Test func `SIGHUP takes a new configuration, and keeps the old one if the new one is broken`() throws {
    let scratch = try ScratchDirectory()
    let config = try scratch.file("outaged.json", #"{"defaultLanguage":"en"}"#)
    let daemon = try RunningDaemon(data: scratch.path, arguments: ["--config", config])
    let client = try daemon.client()
    func say() throws -> String { try Answer(client.ask(["OUTAGE.POINT", "1", "1"])).say }
    let english = try say()
    try Data(#"{"defaultLanguage":"es"}"#.utf8).write(to: URL(fileURLWithPath: config))
    daemon.signal(SIGHUP)
    try waitUntil { try say() != english }
    let spanish = try say()
    #expect(spanish.contains("Estamos"))
    try Data(#"{"defaultLanguage":"es","nearMeters":5}"#.utf8).write(to: URL(fileURLWithPath: config))
    daemon.signal(SIGHUP)
    try waitUntil { daemon.log.contains("nearMeters") }
    #expect(daemon.log.contains("key nearMeters: found an unknown key"))
    #expect(try say() == spanish)
    #expect(daemon.stop() == 0)
  }

  @Test func `a broken configuration keeps the daemon from starting and names the key`() throws {
    let scratch = try ScratchDirectory()
    for (content, part) in [
      (#"{"staleAfterSeconds":"soon"}"#, "key staleAfterSeconds: found soon, expected 1 to 604800"),
      (#"{"timeZone":"Mars/Olympus"}"#, "key timeZone: found Mars/Olympus"),
      ("{", "found no JSON object"),
    ] {
      let config = try scratch.file("outaged.json", content)
      let finished = try outaged("serve", "--data", scratch.path, "--config", config)
      #expect(finished.status == 1)
      #expect(finished.errors.contains(part), "\(finished.errors)")
    }
  }

  @Test func `a request beyond 64 KiB is refused and its connection closed, and no other`() throws {
    let scratch = try ScratchDirectory()
    let daemon = try RunningDaemon(data: scratch.path)
    let bystander = try daemon.client()
    let client = try daemon.client()
    guard case .error(let text) = try client.ask(["PING", String(repeating: "x", count: 70_000)]) else {
      Issue.record("no error reply")
      return
    }
    #expect(text.hasPrefix("TOOBIG "))
    #expect(throws: ClientError.self) { try client.ask(["PING"]) }
    #expect(try bystander.ask(["PING"]) == .simple("PONG"))
  }

  @Test func `a client that never reads holds up nobody and little memory`() throws {
    let scratch = try ScratchDirectory()
    let daemon = try RunningDaemon(data: scratch.path)
    func residentBytes() throws -> Int {
      let info = try daemon.client().ask(["INFO", "memory"]).text ?? ""
      let line = try #require(info.split(separator: "\r\n").first { $0.hasPrefix("used_memory_rss:") })
      return try #require(Int(line.dropFirst("used_memory_rss:".count)))
    }
    let before = try residentBytes()
    var deaf: [Int32] = []
    defer { deaf.forEach { close($0) } }
    var request = ByteBuffer()
    for _ in 0..<2000 { request.appendRequest(["OUTAGE.POINT", "-121.74", "38.54"]) }
    for _ in 0..<20 {
      let descriptor = try UnixListener.connect(to: daemon.querySocket)
      deaf.append(descriptor)
      // Until the daemon takes no more.
      for _ in 0..<1000 {
        let sent = send(
          descriptor, request.bytes.baseAddress, request.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        if sent < request.count { break }
      }
    }
    let client = try daemon.client()
    for _ in 0..<1000 { #expect(try client.ask(["PING"]) == .simple("PONG")) }
    #expect(try residentBytes() - before < 20 * (3 << 20))
  }

  @Test func `a thousand connections at once are all answered`() throws {
    let scratch = try ScratchDirectory()
    let daemon = try RunningDaemon(data: scratch.path)
    var clients: [SocketClient] = []
    for _ in 0..<1000 { clients.append(try daemon.client()) }
    for client in clients { #expect(try client.ask(["PING"]) == .simple("PONG")) }
    let info = try clients[0].ask(["INFO", "clients"]).text ?? ""
    #expect(info.contains("connected_clients:100") || info.contains("connected_clients:101"), "\(info)")
  }

  @Test func `an idle connection costs at most 1 KiB of the daemon's memory, however many there are`() throws
  {
    var limit = rlimit()
    let resource = __rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue))
    getrlimit(resource, &limit)
    limit.rlim_cur = limit.rlim_max
    setrlimit(resource, &limit)
    let count = min(4000, Int(limit.rlim_max) - 500)
    let scratch = try ScratchDirectory()
    let daemon = try RunningDaemon(data: scratch.path)
    let observer = try daemon.client()
    func number(_ section: String, _ name: String) throws -> Int {
      let info = try observer.ask(["INFO", section]).text ?? ""
      let line = try #require(info.split(separator: "\r\n").first { $0.hasPrefix(name + ":") }, "\(info)")
      return try #require(Int(line.dropFirst(name.count + 1)))
    }
    var descriptors: [Int32] = []
    defer { descriptors.forEach { close($0) } }
    var request = ByteBuffer()
    request.appendRequest(["OUTAGE.POINT", "-121.74", "38.54"])
    func open(_ count: Int) throws {
      for _ in 0..<count {
        let descriptor = try UnixListener.connect(to: daemon.querySocket)
        descriptors.append(descriptor)
        // Each has asked once: what a connection keeps from that counts as well.
        send(descriptor, request.bytes.baseAddress, request.count, Int32(MSG_NOSIGNAL))
        #expect(ReplyReader(descriptor).replies(1).count == 1)
      }
    }
    // What the first few make grow once, the others share.
    try open(100)
    let before = try number("memory", "used_memory_rss")
    try open(count)
    #expect(try number("clients", "connected_clients") >= count + 101)
    let each = (try number("memory", "used_memory_rss") - before) / count
    #expect(each <= 1024, "\(each) bytes each")
  }

  @Test func `readiness is told to systemd`() throws {
    let scratch = try ScratchDirectory()
    let path = scratch.path + "/notify.sock"
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    #expect(bound == 0)
    SystemdNotifier(environment: ["NOTIFY_SOCKET": path]).notify(.ready, status: "serving")
    var bytes = [UInt8](repeating: 0, count: 256)
    let count = recv(descriptor, &bytes, bytes.count, 0)
    #expect(String(decoding: bytes.prefix(count), as: UTF8.self) == "READY=1\nSTATUS=serving")
  }
}

/// Waits for a condition that another process brings about; fails after 20 seconds.
func waitUntil(_ condition: () throws -> Bool) throws {
  for _ in 0..<2000 {
    if try condition() { return }
    usleep(10_000)
  }
  Issue.record("waited 20 seconds in vain")
}

/// Reads replies from a socket as they come.
final class ReplyReader {
  private let descriptor: Int32
  private var input = ByteBuffer()

  init(_ descriptor: Int32) { self.descriptor = descriptor }

  /// That many replies, or fewer if the stream ends.
  func replies(_ count: Int) -> [RESPReply] {
    var replies: [RESPReply] = []
    while replies.count < count {
      if let decoded = try? RESPReply.decode(input.bytes) {
        replies.append(decoded.reply)
        input.removeFirst(decoded.byteCount)
        continue
      }
      input.reserve(65_536)
      let received = recv(descriptor, input.freeSpace.baseAddress, input.freeSpace.count, 0)
      guard received > 0 else { return replies }
      input.didFill(received)
    }
    return replies
  }
}
