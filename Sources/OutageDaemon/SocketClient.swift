// A blocking RESP client on a Unix socket, for the command line.

import ByteBuffers
import Foundation
import Reactor
import WireProtocol

/// Why a daemon could not be asked.
public enum ClientError: Error, Sendable, CustomStringConvertible {
  /// Nobody listens there.
  case notServing(socket: String, reason: String)
  case failed(socket: String, doing: String, reason: String)

  public var description: String {
    switch self {
    case .notServing(let socket, let reason): "\(socket): no daemon answers there (\(reason))"
    case .failed(let socket, let doing, let reason): "\(socket): \(doing): \(reason)"
    }
  }
}

/// One connection to a daemon's socket; asks one thing at a time.
public final class SocketClient {
  private let descriptor: Int32
  private let path: String
  private var input = ByteBuffer()

  /// - Parameter timeoutSeconds: of each read and write.
  public init(path: String, timeoutSeconds: Int = 3600) throws(ClientError) {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
      throw .failed(socket: path, doing: "connect", reason: "the path is longer than 107 bytes")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    // The descriptor is this object's once it is connected: before, a failure here closes it, and `deinit` must not do so again.
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard connected == 0 else {
      let reason = String(cString: strerror(errno))
      close(descriptor)
      throw .notServing(socket: path, reason: reason)
    }
    self.path = path
    self.descriptor = descriptor
    var timeout = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(descriptor) }

  /// Sends a request and waits for its reply, which may be an error reply.
  public func ask(_ words: [String]) throws(ClientError) -> RESPReply {
    try send(words)
    return try readReply()
  }

  /// Sends a request whose reply comes with descriptors, which the caller owns.
  func askForDescriptors(_ words: [String]) throws(ClientError) -> (RESPReply, [Int32]) {
    try send(words)
    let byte: UInt8?
    let descriptors: [Int32]
    do throws(ReactorError) {
      (byte, descriptors) = try DescriptorPassing.receive(over: descriptor)
    } catch {
      throw failure("read the reply")
    }
    guard let byte else { throw failure("read the reply", closed: true) }
    input.append(byte)
    return (try readReply(), descriptors)
  }

  private func send(_ words: [String]) throws(ClientError) {
    var request = ByteBuffer()
    request.appendRequest(words)
    var sent = 0
    while sent < request.count {
      let count = Foundation.send(
        descriptor, request.bytes.baseAddress! + sent, request.count - sent, Int32(MSG_NOSIGNAL))
      guard count > 0 else { throw failure("send") }
      sent += count
    }
  }

  private func readReply() throws(ClientError) -> RESPReply {
    while true {
      do throws(ReplyDecodingError) {
        if let (reply, byteCount) = try RESPReply.decode(input.bytes) {
          input.removeFirst(byteCount)
          return reply
        }
      } catch {
        throw .failed(socket: path, doing: "read the reply", reason: "\(error)")
      }
      input.reserve(65_536)
      let space = input.freeSpace
      let count = recv(descriptor, space.baseAddress!, space.count, 0)
      guard count > 0 else { throw failure("read the reply", closed: count == 0) }
      input.didFill(count)
    }
  }

  private func failure(_ doing: String, closed: Bool = false) -> ClientError {
    .failed(
      socket: path, doing: doing,
      reason: closed ? "the daemon closed the connection" : String(cString: strerror(errno)))
  }
}
