// One connection of the load: its socket, what is to be sent, and the requests that wait for their replies.

import ByteBuffers
import CEpoll
import Glibc

/// What became of an attempt to connect.
enum ConnectOutcome {
  case connected
  /// The listener's backlog is full.
  case later
  case refused(Int32)
}

final class LoadConnection {
  /// A request without a reply.
  struct Pending {
    var entry: Int
    var start: Int64
    var versionMin: Int
    /// Of a report: the number of its call.
    var call = 0
    /// How many bytes the connection has to have sent for this request to be whole; set by `push`.
    var end = 0
  }

  let index: Int
  private(set) var descriptor: Int32 = -1
  var output = ByteBuffer()
  var input = ByteBuffer()
  /// A ring of the connection's depth.
  private var pending: [Pending]
  private var first = 0
  private(set) var pendingCount = 0
  var lastVersion = 0
  /// To be closed and opened anew when nothing is pending.
  var isToBeChurned = false
  var isDirty = false
  private var waitsForSpace = false
  private var sentByteCount = 0
  /// The server reads no more: what it has, it still answers.
  private(set) var takesNoMore = false

  init(index: Int, depth: Int) {
    self.index = index
    pending = [Pending](repeating: Pending(entry: 0, start: 0, versionMin: 0), count: depth)
  }

  var isOpen: Bool { descriptor >= 0 }
  var hasRoom: Bool { isOpen && !isToBeChurned && !takesNoMore && pendingCount < pending.count }

  func connect(_ address: borrowing SocketAddress, epoll: Int32) -> ConnectOutcome {
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    descriptor = socket(AF_UNIX, type, 0)
    guard descriptor >= 0 else { return .refused(errno) }
    guard address.connect(descriptor) else {
      let reason = errno
      Glibc.close(descriptor)
      descriptor = -1
      return reason == EAGAIN ? .later : .refused(reason)
    }
    _ = cepoll_add(epoll, descriptor, cepoll_in, UInt64(index))
    lastVersion = 0
    isToBeChurned = false
    waitsForSpace = false
    sentByteCount = 0
    takesNoMore = false
    return .connected
  }

  /// Closes the socket and forgets what was pending.
  func close() {
    if descriptor >= 0 { Glibc.close(descriptor) }
    descriptor = -1
    output.removeAll()
    input.removeAll()
    pendingCount = 0
    isToBeChurned = false
  }

  /// Notes a request that has just been appended to the output.
  func push(_ request: Pending) {
    var request = request
    request.end = sentByteCount + output.count
    pending[(first + pendingCount) % pending.count] = request
    pendingCount += 1
  }

  /// Takes back the requests that the server cannot have got, and sends no more.
  func takeBackUnsent() -> [Pending] {
    takesNoMore = true
    output.removeAll()
    var unsent: [Pending] = []
    while pendingCount > 0, pending[(first + pendingCount - 1) % pending.count].end > sentByteCount {
      pendingCount -= 1
      unsent.append(pending[(first + pendingCount) % pending.count])
    }
    return unsent.reversed()
  }

  func pop() -> Pending {
    defer {
      first = (first + 1) % pending.count
      pendingCount -= 1
    }
    return pending[first]
  }

  /// Sends what the socket takes.
  /// - Returns: false if the server takes no more.
  func flush(epoll: Int32) -> Bool {
    var sent = 0
    while sent < output.count {
      let count = send(
        descriptor, output.bytes.baseAddress! + sent, output.count - sent, Int32(MSG_NOSIGNAL))
      if count < 0 {
        if errno == EINTR { continue }
        guard errno == EAGAIN else { return false }
        break
      }
      sent += count
      sentByteCount += count
    }
    if sent == output.count { output.removeAll() } else { output.removeFirst(sent) }
    if waitsForSpace != !output.isEmpty {
      waitsForSpace = !output.isEmpty
      _ = cepoll_modify(
        epoll, descriptor, waitsForSpace ? cepoll_in | cepoll_out : cepoll_in, UInt64(index))
    }
    return true
  }
}

/// The path of a Unix socket, ready for `connect`.
struct SocketAddress: ~Copyable {
  private var address = sockaddr_un()

  /// - Precondition: the path has at most 107 bytes.
  init(path: String) {
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    precondition(bytes.count < MemoryLayout.size(ofValue: address.sun_path), "\(path): longer than 107 bytes")
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
  }

  func connect(_ descriptor: Int32) -> Bool {
    withUnsafePointer(to: address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
      }
    }
  }
}
