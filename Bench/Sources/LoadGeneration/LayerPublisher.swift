// Publishes layer files in turn while the load runs, and tells the checkers which version is which file.

import ByteBuffers
import CLoadSystem
import Foundation
import Glibc
import Synchronization
import WireProtocol

/// One publish, in seconds since the start of the run.
public struct PublishRecord: Sendable {
  public var start: Double
  public var seconds: Double
  public var layer: Int
  public var version: Int?
  /// The server's own account of the phases, in milliseconds.
  public var phases: [(name: String, milliseconds: Double)]
  public var error: String?
}

/// A connection to the admin socket, and the layers that it publishes.
public final class LayerPublisher: Sendable {
  private let adminSocket: String
  private let layers: [LoadPlan.Layer]
  private let versions: LayerVersions
  private let state = Mutex(State())

  private struct State {
    var records: [PublishRecord] = []
    var isStopped = false
  }

  public init(adminSocket: String, layers: [LoadPlan.Layer], versions: LayerVersions) {
    self.adminSocket = adminSocket
    self.layers = layers
    self.versions = versions
  }

  public var records: [PublishRecord] { state.withLock { $0.records } }

  /// Publishes one layer and waits until every event loop answers from it.
  @discardableResult
  public func publish(_ layer: Int, beginning: Int64) -> PublishRecord {
    let start = monotonicNanoseconds()
    versions.publishBegins(layer: layer)
    var record = PublishRecord(
      start: Double(start - beginning) / 1e9, seconds: 0, layer: layer, version: nil, phases: [], error: nil)
    do {
      let reply = try AdminClient(path: adminSocket).ask(["LAYER.PUBLISH", layers[layer].path])
      switch reply {
      case .error(let text): record.error = text
      default:
        let outcome = try JSONDecoder().decode(Outcome.self, from: Data((reply.text ?? "").utf8))
        record.version = outcome.version?.number
        record.phases = (outcome.timings ?? []).map { ($0.phase, $0.milliseconds) }
        if outcome.version == nil { record.error = outcome.error ?? "no version in the reply" }
      }
    } catch {
      record.error = "\(error)"
    }
    versions.publishEnded(layer: layer, version: record.version)
    record.seconds = Double(monotonicNanoseconds() - start) / 1e9
    state.withLock { [record] in $0.records.append(record) }
    return record
  }

  /// Publishes the layers in turn, from the second one on, one every `interval` seconds (or as soon as the one before is live), until `stop`.
  public func run(order: [Int], everySeconds interval: Double, beginning: Int64) {
    var turn = 1
    while true {
      let due = beginning + Int64(Double(turn) * interval * 1e9)
      while monotonicNanoseconds() < due {
        if state.withLock({ $0.isStopped }) { return }
        usleep(5_000)
      }
      if state.withLock({ $0.isStopped }) { return }
      publish(order[turn % order.count], beginning: beginning)
      turn += 1
    }
  }

  public func stop() { state.withLock { $0.isStopped = true } }

  private struct Outcome: Decodable {
    struct Timing: Decodable {
      var phase: String
      var milliseconds: Double
    }
    struct Version: Decodable {
      var number: Int
    }
    var version: Version?
    var error: String?
    var timings: [Timing]?
  }
}

/// What came instead of a reply.
public struct AdminClientError: Error, CustomStringConvertible {
  public var description: String
}

/// One blocking connection that asks one thing at a time.
public final class AdminClient {
  private let descriptor: Int32
  private var input = ByteBuffer()
  private let path: String

  public init(path: String) throws {
    self.path = path
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard SocketAddress(path: path).connect(descriptor) else {
      let reason = String(cString: strerror(errno))
      close(descriptor)
      throw AdminClientError(description: "\(path): connect: \(reason)")
    }
  }

  deinit { close(descriptor) }

  public func ask(_ words: [String]) throws -> RESPReply {
    var request = ByteBuffer()
    request.appendRequest(words)
    var sent = 0
    while sent < request.count {
      let count = send(
        descriptor, request.bytes.baseAddress! + sent, request.count - sent, Int32(MSG_NOSIGNAL))
      guard count > 0 else { throw AdminClientError(description: "\(path): the connection is lost") }
      sent += count
    }
    while true {
      if let (reply, byteCount) = try RESPReply.decode(input.bytes) {
        input.removeFirst(byteCount)
        return reply
      }
      input.reserve(65_536)
      let space = input.freeSpace
      let count = recv(descriptor, space.baseAddress!, space.count, 0)
      guard count > 0 else { throw AdminClientError(description: "\(path): closed without a reply") }
      input.didFill(count)
    }
  }

  /// The process that serves this socket.
  public var serverPid: Int32 { cload_peer(descriptor) }
}
