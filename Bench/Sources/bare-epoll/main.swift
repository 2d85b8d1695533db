// The floor: the smallest Swift epoll loop that answers each request with the same bulk string, and does nothing else.

import CEpoll
import Glibc

let arguments = CommandLine.arguments
let path = arguments.count > 1 ? arguments[1] : "bare.sock"
let replyByteCount = arguments.count > 2 ? Int(arguments[2]) ?? 300 : 300

unlink(path)
let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
var address = sockaddr_un()
address.sun_family = sa_family_t(AF_UNIX)
withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
let bound = withUnsafePointer(to: &address) {
  $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
    bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
  }
}
guard bound == 0, listen(listener, 4096) == 0 else { fatalError("cannot listen on \(path)") }

let reply =
  Array("$\(replyByteCount)\r\n".utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: replyByteCount) + [
    13, 10,
  ]
let replies = UnsafeMutableRawBufferPointer.allocate(byteCount: reply.count * 4096, alignment: 64)
for index in 0..<4096 {
  UnsafeMutableRawBufferPointer(rebasing: replies[(index * reply.count)...]).copyBytes(from: reply)
}
let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 16_384, alignment: 64)
let epoll = cepoll_create()
_ = cepoll_add(epoll, listener, cepoll_in, UInt64(listener))
let events = cepoll_events(256)

/// Counts requests as a `*` at a line's start does: the load that is measured sends nothing else that looks so.
func requestCount(_ bytes: UnsafeRawBufferPointer) -> Int {
  var count = 0
  var offset = 0
  while offset < bytes.count, bytes[offset] == UInt8(ascii: "*") {
    var lines = 1 + 2 * Int(bytes[offset + 1] - 48)
    while lines > 0, offset < bytes.count {
      if bytes[offset] == 10 { lines -= 1 }
      offset += 1
    }
    if lines == 0 { count += 1 }
  }
  return count
}

while true {
  let ready = epoll_wait(epoll, events, 256, -1)
  for index in 0..<max(0, ready) {
    let descriptor = Int32(cepoll_token(events, index))
    if descriptor == listener {
      let accepted = accept(listener, nil, nil)
      _ = cepoll_add(epoll, accepted, cepoll_in, UInt64(accepted))
      continue
    }
    let count = read(descriptor, input.baseAddress, input.count)
    guard count > 0 else {
      close(descriptor)
      continue
    }
    let requests = requestCount(UnsafeRawBufferPointer(rebasing: input[..<count]))
    var sent = 0
    while sent < requests * reply.count {
      let result = send(
        descriptor, replies.baseAddress! + sent, requests * reply.count - sent, Int32(MSG_NOSIGNAL))
      if result <= 0 { break }
      sent += result
    }
  }
}
