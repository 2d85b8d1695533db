// Connections over real sockets: pieces, pipelines, half-closed and broken clients, clients that do not read, time-outs, drain.

import ByteBuffers
import CEpoll
import Dispatch
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Reactor

@Suite("Reactor")
struct ReactorTests {
  @Test("requests are answered wherever their bytes are split")
  func everySplit() throws {
    let server = try LineServer()
    let text = "echo one\necho two\n\necho three\n"
    let client = try server.connect()
    for split in 0...text.utf8.count {
      client.send(String(text.prefix(split)))
      server.reactor.barrier()
      client.send(String(text.dropFirst(split)))
      #expect((0..<4).map { _ in client.line() } == ["one", "two", "", "three"], "split at \(split)")
    }
  }

  @Test("requests are answered in pieces of random lengths from many clients at once")
  func randomPieces() throws {
    let seed: UInt64 = 5
    var random = SeededGenerator(seed: seed)
    let server = try LineServer(loops: 2)
    var clients: [(client: Client, toSend: [UInt8], expected: String)] = []
    for index in 0..<40 {
      let lines = (0..<50).map {
        "line \(index) \($0) " + String(repeating: "x", count: Int.random(in: 0...300, using: &random))
      }
      let text = lines.map { $0 + "\n" }.joined()
      clients.append((try server.connect(), Array(text.utf8), text))
    }
    while let index = clients.indices.filter({ !clients[$0].toSend.isEmpty }).randomElement(using: &random) {
      let length = min(Int.random(in: 1...2000, using: &random), clients[index].toSend.count)
      #expect(clients[index].client.send(Array(clients[index].toSend.prefix(length))))
      clients[index].toSend.removeFirst(length)
    }
    for (client, _, expected) in clients {
      client.finishSending()
      #expect(client.rest() == expected, "seed \(seed)")
    }
  }

  @Test("one question costs one read and one write")
  func systemCalls() throws {
    let server = try LineServer()
    let client = try server.connect()
    for index in 0..<100 {
      client.send("echo \(index)\n")
      #expect(client.line() == "\(index)")
    }
    server.reactor.barrier()
    let counters = server.reactor.loops[0].counters
    #expect(counters.requests.value == 100)
    #expect(counters.reads.value == 100)
    #expect(counters.writes.value == 100)
    #expect(counters.bytesRead.value == 790)
    #expect(counters.bytesWritten.value == 290)
  }

  @Test("an idle connection holds no buffers, and little of its own")
  func idleConnection() throws {
    let server = try LineServer()
    let client = try server.connect()
    client.send("half a requ")
    server.reactor.barrier()
    let held = server.reactor.onFirstLoop { $0.connections[0]!.takeUnretainedValue().input.capacity }
    #expect(held > 0)
    client.send("est\nbig 3000000\n")
    #expect(client.line() == "half a request")
    #expect(client.line()?.utf8.count == 3_000_000)
    client.send("in two ")
    server.reactor.barrier()
    client.send("pieces\n")
    #expect(client.line() == "in two pieces")
    server.reactor.barrier()
    let (input, unsent, pooled) = server.reactor.onFirstLoop {
      (
        $0.connections[0]!.takeUnretainedValue().input.capacity,
        $0.connections[0]!.takeUnretainedValue().unsent.capacity, $0.pool.pooledBytes
      )
    }
    #expect(input == 0)
    #expect(unsent == 0)
    #expect(pooled > 0 && pooled <= ReactorLimits().pooledBytesMax)
    let ownBytes = server.reactor.onFirstLoop {
      usableSize($0.connections[0]!.toOpaque())
    }
    #expect(ownBytes <= 256)
  }

  @Test(
    "connections that become readable together each get their own answers, whatever else happens to some of them"
  )
  func group() throws {
    let server = try LineServer()
    let clients = try (0..<30).map { _ in try server.connect() }
    for (number, client) in clients.enumerated() {
      client.send("echo \(number)\n")
      #expect(client.line() == "\(number)")
    }
    // The loop is held until all have sent, so that one wait reports all of them.
    let (isHeld, mayGoOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    server.reactor.loops[0].submit { _ in
      isHeld.signal()
      mayGoOn.wait()
    }
    isHeld.wait()
    for (number, client) in clients.enumerated() {
      client.send("echo \(number) a\necho \(number) b\necho \(number)")
      if number % 5 == 1 { client.finishSending() }
      // Closed by other work, of which the loop hears in the same wait.
      if number % 5 == 2 {
        let slot = number
        server.reactor.loops[0].submit { loop in
          if let connection = loop.connections[slot] {
            loop.close(connection.takeUnretainedValue(), because: .reset)
          }
        }
      }
    }
    mayGoOn.signal()
    for (number, client) in clients.enumerated() where number % 5 != 2 {
      #expect(client.line() == "\(number) a")
      #expect(client.line() == "\(number) b")
      if number % 5 == 1 { continue }
      client.send(" c\n")
      #expect(client.line() == "\(number) c")
    }
  }

  @Test("a pipeline of 10,000 requests is answered in order, though nothing is read before all is sent")
  func longPipeline() throws {
    let server = try LineServer()
    let client = try server.connect()
    let padding = String(repeating: "p", count: 60)
    let lines = (0..<10_000).map { "echo \($0) \(padding)\n" }.joined()
    // The replies together are beyond every output limit: the requests wait on the server's side.
    let replies = (0..<10_000).map { "\($0) \(padding)\n" }.joined()
    #expect(client.send(lines))
    client.finishSending()
    #expect(client.rest() == replies)
  }

  @Test("a client that closes its sending end gets all its answers")
  func halfClosed() throws {
    let server = try LineServer()
    let client = try server.connect()
    client.send((0..<2000).map { "echo \($0)\n" }.joined() + "and half a line")
    client.finishSending()
    #expect(client.rest() == (0..<2000).map { "\($0)\n" }.joined())
    server.log.wait { $0.contains { $0.closeReason == .peer } }
  }

  @Test("a client that goes away in the middle of a reply harms nobody")
  func resetInReply() throws {
    let server = try LineServer()
    let witness = try server.connect()
    for _ in 0..<20 {
      do {
        let client = try server.connect()
        client.send("big 5000000\n")
        #expect(client.take(1000).count == 1000)
      }
      witness.send("echo here\n")
      #expect(witness.line() == "here")
    }
    let events = server.log.wait { $0.filter { $0.closeReason != nil }.count == 20 }
    #expect(events.filter { $0.closeReason == .reset }.count == 20)
    #expect(server.reactor.loops[0].counters.connections == 1)
  }

  @Test("a client that asks and goes away without reading is still heard")
  func fireAndForget() throws {
    let server = try LineServer()
    do {
      let client = try server.connect()
      client.send("echo remember this\n")
    }
    server.log.wait { $0.contains { if case .handled("echo remember this", _) = $0 { true } else { false } } }
  }

  @Test("a client that never reads is paused within its bounds, and cut after the time-out")
  func neverReads() throws {
    var limits = ReactorLimits()
    limits.outputHighWaterBytes = 65_536
    limits.inputBacklogBytesMax = 100_000
    let server = try LineServer(limits: limits)
    let client = try server.connect()
    let line = Array("big 1000\n".utf8)
    let flood = [[UInt8]](repeating: line, count: 20_000).flatMap { $0 }
    var sent = 0
    while true {
      let taken = client.sendWhatFits(Array(flood[(sent % line.count)...]))
      sent += taken
      server.reactor.barrier()
      server.reactor.barrier()
      if taken == 0 { break }
    }
    let (unsent, unconsumed) = server.reactor.onFirstLoop {
      (
        $0.connections[0]!.takeUnretainedValue().unsentByteCount,
        $0.connections[0]!.takeUnretainedValue().unconsumedByteCount
      )
    }
    #expect(unsent >= limits.outputHighWaterBytes)
    #expect(unsent <= limits.outputHighWaterBytes + limits.outputBytesPerTurn + 1001)
    #expect(unconsumed >= limits.inputBacklogBytesMax - line.count)
    #expect(unconsumed <= limits.inputBacklogBytesMax + limits.readBytesMax)
    // Others are served meanwhile.
    let other = try server.connect()
    other.send("echo other\n")
    #expect(other.line() == "other")
    server.clock.advance(limits.writeStallMilliseconds - 1000, server.reactor)
    #expect(server.reactor.loops[0].counters.connections == 2)
    server.clock.advance(1000, server.reactor)
    server.log.wait { $0.contains { $0.closeReason == .writeStall } }
    #expect(server.reactor.loops[0].counters.closed(because: .writeStall).value == 1)
  }

  @Test("a client that was paused and reads at last gets everything")
  func readsLate() throws {
    var limits = ReactorLimits()
    limits.outputHighWaterBytes = 10_000
    limits.inputBacklogBytesMax = 5_000
    let server = try LineServer(limits: limits)
    let client = try server.connect()
    let line = Array("big 5000\n".utf8)
    var lineCount = 0
    while client.sendWhatFits(line) == line.count { lineCount += 1 }
    server.reactor.barrier()
    client.finishSending()
    let replies = client.rest()
    #expect(replies?.utf8.count == lineCount * 5001)
  }

  @Test("a connection that pipelines without end does not starve one that asks once")
  func fairness() throws {
    var limits = ReactorLimits()
    limits.requestsPerTurn = 10
    let server = try LineServer(limits: limits)
    let greedy = try server.connect()
    let modest = try server.connect()
    server.reactor.barrier()
    let gate = Answer<Bool>()
    let isHeld = Answer<Bool>()
    server.reactor.loops[0].submit { _ in
      isHeld.set(true)
      _ = gate.wait()
    }
    _ = isHeld.wait()
    #expect(greedy.send((0..<1000).map { "echo \($0)\n" }.joined()))
    modest.send("echo me\n")
    gate.set(true)
    #expect(modest.line() == "me")
    #expect((0..<1000).allSatisfy { greedy.line() == "\($0)" })
    let lines = server.log.events.compactMap { if case .handled(let line, _) = $0 { line } else { nil } }
    let place = try #require(lines.firstIndex(of: "echo me"))
    #expect(place <= 2 * limits.requestsPerTurn, "answered after \(place) of the greedy one's")
  }

  @Test("a deferred reply holds back what was asked after it, and nothing else")
  func deferred() throws {
    let server = try LineServer()
    let client = try server.connect()
    let other = try server.connect()
    client.send("echo before\ndefer\necho after\n")
    #expect(client.line() == "before")
    let id = try #require(
      server.log.wait { $0.contains { $0.deferredID != nil } }.compactMap(\.deferredID).first)
    client.send("echo later\n")
    other.send("echo other\n")
    #expect(other.line() == "other")
    #expect(!server.log.events.contains { if case .handled("echo after", _) = $0 { true } else { false } })
    #expect(server.reactor.onFirstLoop { $0.complete(id) { $0.append("done\n") } })
    #expect((0..<3).map { _ in client.line() } == ["done", "after", "later"])
    // It is owed no longer.
    #expect(!server.reactor.onFirstLoop { $0.complete(id) { $0.append("twice\n") } })
  }

  @Test("a reply that is completed for a connection that has gone reaches nobody else")
  func staleCompletion() throws {
    let server = try LineServer()
    var gone: Client? = try server.connect()
    gone?.send("defer\n")
    let id = try #require(
      server.log.wait { $0.contains { $0.deferredID != nil } }.compactMap(\.deferredID).first)
    gone = nil
    // Whichever comes first closes the connection, its end or a reply that cannot be sent; its slot is then used again.
    _ = server.reactor.onFirstLoop { $0.complete(id) { $0.append("done\n") } }
    server.log.wait { $0.contains { $0.closeReason != nil } }
    let next = try server.connect()
    next.send("defer\n")
    let ids = server.log.wait { $0.compactMap(\.deferredID).count == 2 }.compactMap(\.deferredID)
    #expect(ids[0].slot == ids[1].slot)
    #expect(ids[0] != ids[1])
    #expect(!server.reactor.onFirstLoop { $0.complete(ids[0]) { $0.append("wrong\n") } })
    #expect(server.reactor.onFirstLoop { $0.complete(ids[1], next: .close) { $0.append("right\n") } })
    #expect(next.rest() == "right\n")
  }

  @Test("a client that has gone is not waited for, unless it has asked for more")
  func goneWhileDeferred() throws {
    let server = try LineServer()
    func deferredIDs(_ count: Int) -> [ConnectionID] {
      server.log.wait { $0.compactMap(\.deferredID).count == count }.compactMap(\.deferredID)
    }
    var client: Client? = try server.connect()
    client?.send("defer\n")
    let first = deferredIDs(1)[0]
    client = nil
    server.log.wait { $0.contains(.closed(first, .peer)) }

    client = try server.connect()
    client?.send("defer\necho after\n")
    let second = deferredIDs(2)[1]
    client = nil
    server.reactor.barrier()
    #expect(!server.log.events.contains { $0.closeReason != nil && $0 != .closed(first, .peer) })
    #expect(server.reactor.onFirstLoop { $0.complete(second) { $0.append("done\n") } })
    server.log.wait { events in events.contains { if case .closed(second, _) = $0 { true } else { false } } }

    // One that has only ended its requests waits for its reply.
    let half = try server.connect()
    half.send("defer\n")
    half.finishSending()
    let third = deferredIDs(3)[2]
    server.reactor.barrier()
    #expect(server.reactor.onFirstLoop { $0.complete(third) { $0.append("done\n") } })
    #expect(half.rest() == "done\n")
  }

  @Test("a message that nobody asked for reaches its connection, between replies and before a deferred one")
  func push() throws {
    let server = try LineServer()
    let client = try server.connect()
    client.send("one\ndefer\ntwo\n")
    let id = server.log.wait { $0.contains { $0.deferredID != nil } }.lazy.compactMap(\.deferredID).first!
    #expect(server.reactor.onFirstLoop { $0.push(to: id) { $0.append("pushed\n") } } == .accepted)
    server.reactor.onFirstLoop { _ = $0.complete(id) { $0.append("late\n") } }
    #expect((0..<4).map { _ in client.line() } == ["one", "pushed", "late", "two"])
    client.finishSending()
    server.log.wait { $0.contains { $0.closeReason != nil } }
    #expect(server.reactor.onFirstLoop { $0.push(to: id) { $0.append("nobody\n") } } == .gone)
  }

  @Test("messages for a client that does not read are refused at a bound, and reach it whole up to there")
  func pushCongested() throws {
    let server = try LineServer()
    let client = try server.connect()
    client.send("hello\n")
    #expect(client.line() == "hello")
    guard case .handled(_, let id) = server.log.events.last else { return }
    let accepted = server.reactor.onFirstLoop { loop in
      var accepted = 0
      while accepted < 10_000 {
        let outcome = loop.push(to: id) {
          $0.append(utf8Of: "\(accepted) " + String(repeating: "p", count: 1000) + "\n")
        }
        if outcome != .accepted { return outcome == .congested ? accepted : -1 }
        accepted += 1
      }
      return accepted
    }
    #expect((100..<5_000).contains(accepted))
    for number in 0..<accepted { #expect(client.line()?.prefix(while: { $0 != " " }) == "\(number)") }
    server.reactor.onFirstLoop { _ = $0.push(to: id) { $0.append("again\n") } }
    #expect(client.line() == "again")
  }

  @Test("the last reply before the server closes is not lost, though input is left unread")
  func closingKeepsReply() throws {
    let server = try LineServer()
    let client = try server.connect()
    client.send("echo 1\nquit\n" + String(repeating: "never looked at ", count: 5000))
    client.finishSending()
    #expect(client.rest() == "1\nbye\n")
    server.log.wait { $0.contains { $0.closeReason == .handler } }
  }

  @Test("a client that does not close after the server did is cut after a while")
  func linger() throws {
    let server = try LineServer()
    let client = try server.connect()
    client.send("quit\n")
    #expect(client.rest() == "bye\n")
    #expect(server.reactor.loops[0].counters.closed == 0)
    server.clock.advance(ReactorLimits().lingerMilliseconds, server.reactor)
    server.log.wait { $0.contains { $0.closeReason == .handler } }
  }

  @Test("a request that is never finished is cut, however steadily its bytes trickle")
  func slowLoris() throws {
    let server = try LineServer()
    let client = try server.connect()
    let whole = try server.connect()
    client.send("ech")
    server.reactor.barrier()
    for _ in 0..<14 {
      server.clock.advance(1000, server.reactor)
      client.send("o")
      whole.send("echo x\n")
      #expect(whole.line() == "x")
    }
    #expect(server.reactor.loops[0].counters.connections == 2)
    server.clock.advance(1000, server.reactor)
    server.log.wait { $0.contains { $0.closeReason == .requestTimeout } }
    #expect(client.rest() == "")
    whole.send("echo x\n")
    #expect(whole.line() == "x")
  }

  @Test(
    "an idle connection is closed after the configured time, and never without one",
    arguments: [0, 60_000] as [Int64])
  func idleTimeout(milliseconds: Int64) throws {
    var limits = ReactorLimits()
    limits.idleMilliseconds = milliseconds
    let server = try LineServer(limits: limits)
    let client = try server.connect()
    client.send("echo x\n")
    #expect(client.line() == "x")
    server.reactor.barrier()
    server.clock.advance(59_000, server.reactor)
    #expect(server.reactor.loops[0].counters.connections == 1)
    server.clock.advance(1_000, server.reactor)
    if milliseconds > 0 {
      server.log.wait { $0.contains { $0.closeReason == .idleTimeout } }
    } else {
      client.send("echo y\n")
      #expect(client.line() == "y")
    }
  }

  @Test("unfinished input that the handler does not refuse is bounded all the same")
  func inputOverflow() throws {
    let server = try LineServer()
    let client = try server.connect()
    client.send(String(repeating: "x", count: 200_000))
    server.log.wait { $0.contains { $0.closeReason == .inputOverflow } }
    #expect(server.reactor.loops[0].counters.bytesRead.value <= 65_536 + 2 * 16_384)
  }
}

@Suite("Accepting and draining", .serialized)
struct AcceptingTests {
  @Test("connections are spread evenly over the loops", arguments: [1, 2, 3])
  func balance(loops: Int) throws {
    let server = try LineServer(loops: loops)
    let clients = try (0..<1000).map { _ in try server.connect() }
    server.log.wait { $0.count == 1000 }
    for client in clients { client.send("echo x\n") }
    #expect(clients.allSatisfy { $0.line() == "x" })
    let mean = 1000.0 / Double(loops)
    for loop in server.reactor.loops { #expect(Double(loop.counters.connections) <= 1.3 * mean) }
    #expect(server.reactor.total(\.connections) == 1000)
    // Those of one loop go: the next ones fill it up.
    #expect(
      server.log.events.allSatisfy {
        if case .opened(_, tag: 7) = $0 { true } else if case .handled = $0 { true } else { false }
      })
  }

  @Test("as many connections as descriptors allow, up to 10,000, are served at once")
  func manyConnections() throws {
    // The clients are in this process too, and other tests need some.
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    let count = min(10_000, (Int(limit.rlim_cur) - 4000) / 2)
    try #require(count > 0)
    let server = try LineServer(loops: 2)
    var clients: [Client] = []
    for _ in 0..<count { clients.append(try server.connect()) }
    for round in 0..<2 {
      for client in clients { client.send("echo \(round)\n") }
      #expect(clients.allSatisfy { $0.line() == "\(round)" })
    }
    clients = []
    let total = count
    server.log.wait { $0.filter { $0.closeReason != nil }.count == total }
    #expect(server.reactor.total(\.connections) == 0)
  }

  /// Accepts, or fails with the errno that is set.
  private final class FailingAccept: Sendable {
    let errno = Atomic<Int32>(0)

    func callAsFunction(_ listener: Int32) -> Int32 {
      let failure = errno.load(ordering: .sequentiallyConsistent)
      guard failure != 0 else { return acceptForTests(listener) }
      Glibc.errno = failure
      return -1
    }
  }

  @Test("accepting goes on a while after descriptors ran out", arguments: [EMFILE, ENFILE, ENOBUFS, ENOMEM])
  func descriptorsRunOut(failure: Int32) throws {
    let accept = FailingAccept()
    let server = try LineServer(accept: { accept($0) })
    let first = try server.connect()
    first.send("echo 1\n")
    #expect(first.line() == "1")
    accept.errno.store(failure, ordering: .sequentiallyConsistent)
    let second = try server.connect()
    second.send("echo 2\n")
    server.reactor.barrier()
    #expect(server.reactor.loops[0].counters.acceptPauses.value == 1)
    // It does not spin, and those who are in are served.
    let turns = server.reactor.loops[0].counters.turns.value
    first.send("echo 1\n")
    #expect(first.line() == "1")
    #expect(server.reactor.loops[0].counters.acceptPauses.value == 1)
    #expect(server.reactor.loops[0].counters.turns.value <= turns + 10)
    accept.errno.store(0, ordering: .sequentiallyConsistent)
    server.clock.advance(ReactorLimits().acceptRetryMilliseconds, server.reactor)
    #expect(second.line() == "2")
  }

  @Test("accepting goes on as soon as a connection closes")
  func descriptorFreed() throws {
    let accept = FailingAccept()
    let server = try LineServer(loops: 2, accept: { accept($0) })
    var first: Client? = try server.connect()
    first?.send("echo 1\n")
    #expect(first?.line() == "1")
    accept.errno.store(EMFILE, ordering: .sequentiallyConsistent)
    let second = try server.connect()
    second.send("echo 2\n")
    server.reactor.barrier()
    #expect(server.reactor.loops[0].counters.acceptPauses.value == 1)
    accept.errno.store(0, ordering: .sequentiallyConsistent)
    first = nil
    #expect(second.line() == "2")
  }

  @Test("connections beyond the limit wait until one closes")
  func connectionLimit() throws {
    var limits = ReactorLimits()
    limits.connectionsMax = 3
    let server = try LineServer(loops: 2, limits: limits)
    var clients = try (0..<4).map { _ in try server.connect() }
    for client in clients { client.send("echo x\n") }
    #expect(clients[..<3].allSatisfy { $0.line() == "x" })
    server.reactor.barrier()
    #expect(server.reactor.total(\.connections) == 3)
    let last = clients[3]
    clients = []
    #expect(last.line() == "x")
  }

  @Test("connections that are gone before they are accepted do no harm")
  func abortedConnections() throws {
    let server = try LineServer(loops: 2)
    for _ in 0..<100 { _ = try server.connect() }
    let client = try server.connect()
    client.send("echo x\n")
    #expect(client.line() == "x")
    server.log.wait { $0.filter { $0.closeReason != nil }.count == 100 }
  }

  @Test("draining answers what was asked, closes everything and ends the loops", arguments: [1, 2])
  func drain(loops: Int) throws {
    let server = try LineServer(loops: loops)
    let idle = try server.connect()
    let busy = try server.connect()
    let half = try server.connect()
    let waiting = try server.connect()
    waiting.send("defer\n")
    half.send("half a li")
    let id = try #require(
      server.log.wait { $0.contains { $0.deferredID != nil } }.compactMap(\.deferredID).first)
    busy.send((0..<1000).map { "echo \($0)\n" }.joined())
    server.reactor.drain(withinMilliseconds: 5_000)
    #expect(idle.rest() == "")
    #expect(half.rest() == "")
    #expect(busy.rest() == (0..<1000).map { "\($0)\n" }.joined())
    server.reactor.loops[Int(id.loop)].submit { $0.complete(id) { $0.append("done\n") } }
    #expect(waiting.rest() == "done\n")
    server.reactor.join()
    #expect(!idle.send("echo too late\n"))
    #expect(!server.reactor.loops[0].submit { _ in })
    server.listener.close()
    #expect(throws: ReactorError.self) { try server.connect() }
  }

  @Test("draining serves those who were queued and not accepted yet")
  func drainQueue() throws {
    let accept = FailingAccept()
    let server = try LineServer(accept: { accept($0) })
    accept.errno.store(EMFILE, ordering: .sequentiallyConsistent)
    let client = try server.connect()
    client.send("echo x\n")
    server.reactor.barrier()
    accept.errno.store(0, ordering: .sequentiallyConsistent)
    server.reactor.drain(withinMilliseconds: 5_000)
    #expect(client.rest() == "x\n")
    server.reactor.join()
  }

  @Test("draining cuts at its deadline those who do not read")
  func drainDeadline() throws {
    let server = try LineServer()
    let client = try server.connect()
    client.send("big 5000000\n")
    #expect(client.take(1).count == 1)
    server.reactor.drain(withinMilliseconds: 5_000)
    server.clock.advance(4_999, server.reactor)
    #expect(server.reactor.loops[0].counters.connections == 1)
    server.clock.advance(1, server.reactor)
    server.log.wait { $0.contains { $0.closeReason == .drain } }
    server.reactor.join()
    server.clock.advance(1, server.reactor)
  }

  @Test("a listening socket changes hands without a client being refused")
  func takeover() throws {
    let old = try LineServer()
    let log = EventLog<Observed>()
    let next = try Reactor(loopCount: 1) { _ in LineHandler(log) }
    let before = try old.connect()
    before.send("echo old\n")
    #expect(before.line() == "old")
    let adopted = try UnixListener(adopting: dup(old.listener.descriptor))
    old.reactor.stopAccepting(acceptingQueued: false)
    // Nobody accepts just now: the kernel keeps the client waiting.
    let between = try old.connect()
    between.send("echo new\n")
    before.send("echo still\n")
    #expect(before.line() == "still")
    try next.add(adopted, tag: 1)
    old.reactor.drain(withinMilliseconds: 5_000, acceptingQueued: false)
    #expect(before.rest() == "")
    #expect(between.line() == "new")
    #expect(log.events.contains { if case .opened(_, tag: 1) = $0 { true } else { false } })
    next.drain(withinMilliseconds: 0)
    next.join()
    adopted.close()
  }
}

/// A name outside the type whose property `errno` hides the C one.
private func acceptForTests(_ listener: Int32) -> Int32 { cepoll_accept(listener) }

/// malloc.h is not part of the Glibc module.
@_silgen_name("malloc_usable_size")
private func usableSize(_ memory: UnsafeMutableRawPointer) -> Int
