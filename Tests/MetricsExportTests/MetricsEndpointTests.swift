// The endpoint over real sockets: pages, wrong requests, and clients that are slow, silent, endless or many.

import Foundation
import Testing

@testable import MetricsExport

@Suite struct MetricsEndpointTests {
  /// A blocking connection on loopback; a client that hangs fails after a minute.
  private final class Client {
    let descriptor: Int32

    init(port: Int) throws {
      descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = in_port_t(port).bigEndian
      address.sin_addr.s_addr = inet_addr("127.0.0.1")
      var minute = timeval(tv_sec: 60, tv_usec: 0)
      setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &minute, socklen_t(MemoryLayout<timeval>.size))
      setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &minute, socklen_t(MemoryLayout<timeval>.size))
      let status = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      try #require(status == 0)
    }

    deinit { close(descriptor) }

    /// - Returns: whether all of it was taken.
    @discardableResult
    func send(_ text: String) -> Bool {
      let bytes = Array(text.utf8)
      return Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    /// All that comes until the server closes; `nil` if it does not.
    func rest() -> String? {
      var received: [UInt8] = []
      var bytes = [UInt8](repeating: 0, count: 65_536)
      while true {
        let count = recv(descriptor, &bytes, bytes.count, 0)
        if count < 0 && errno == EAGAIN { return nil }
        if count <= 0 { return String(decoding: received, as: UTF8.self) }
        received += bytes[..<count]
      }
    }
  }

  private func endpoint(_ limits: MetricsLimits = MetricsLimits()) throws -> MetricsEndpoint {
    try MetricsEndpoint(
      address: try #require(MetricsAddress("127.0.0.1:0")),
      pages: [
        "/metrics": { MetricsPage(contentType: MetricsText.contentType, text: "# a page\n") },
        "/health": { MetricsPage(isOK: false, text: "loading\n") },
      ], limits: limits)
  }

  private func ask(_ endpoint: MetricsEndpoint, _ request: String) throws -> String? {
    let client = try Client(port: endpoint.port)
    client.send(request)
    return client.rest()
  }

  @Test func `a page is answered with its type and its length, and the connection is closed`() throws {
    let endpoint = try endpoint()
    defer { endpoint.stop() }
    let reply = try #require(try ask(endpoint, "GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\n\r\n"))
    #expect(reply.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(reply.contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"))
    #expect(reply.contains("\r\nContent-Length: 9\r\n") && reply.hasSuffix("\r\n\r\n# a page\n"))
    let head = try #require(try ask(endpoint, "HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n"))
    #expect(head.contains("\r\nContent-Length: 9\r\n") && head.hasSuffix("\r\n\r\n"))
    let twice = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
    #expect(try ask(endpoint, twice + twice)?.components(separatedBy: "HTTP/1.1 200").count == 2)
  }

  @Test(arguments: [
    ("GET /health HTTP/1.1\r\nHost: a\r\n\r\n", "503 Service Unavailable"),
    ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "404 Not Found"),
    ("GET /metrics/x HTTP/1.0\r\n\r\n", "404 Not Found"),
    ("POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "405 Method Not Allowed"),
    ("*3\r\n$3\r\nSET\r\n\r\n\r\n", "400 Bad Request"),
  ])
  func `other requests get the status that says what is wrong`(request: String, status: String) throws {
    let endpoint = try endpoint()
    defer { endpoint.stop() }
    let reply = try #require(try ask(endpoint, request))
    #expect(reply.contains(" \(status)\r\n"), "\(reply)")
  }

  @Test func `a client that sends without end, or nothing, is closed, and others are answered`() throws {
    var limits = MetricsLimits()
    limits.connectionMilliseconds = 300
    let endpoint = try endpoint(limits)
    defer { endpoint.stop() }
    let silent = try Client(port: endpoint.port)
    let half = try Client(port: endpoint.port)
    half.send("GET /metrics HTTP/1.1\r\nHost:")
    for start in ["GET /", "GET / HTTP/1.1\r\nX: ", "POST / HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n"] {
      let endless = try Client(port: endpoint.port)
      endless.send(start)
      let piece = String(repeating: "a", count: 4096)
      var count = 0
      while count < 100_000 && endless.send(piece) { count += 1 }
      #expect(count < 100_000, "400 MB were taken of \(start)")
    }
    #expect(try ask(endpoint, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")?.contains("200 OK") == true)
    #expect(silent.rest() == "")
    #expect(half.rest() != nil)
  }

  @Test func `more connections than are allowed are closed, and places become free again`() throws {
    var limits = MetricsLimits()
    limits.connectionsMax = 2
    let endpoint = try endpoint(limits)
    defer { endpoint.stop() }
    var held = [try Client(port: endpoint.port), try Client(port: endpoint.port)]
    let third = try Client(port: endpoint.port)
    #expect(third.rest() == "")
    held[0].send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(held[0].rest()?.contains("200 OK") == true)
    held.removeAll()
    // The server learns of the closing in its own time.
    var reply: String?
    for _ in 0..<1000 where reply?.contains("200 OK") != true {
      reply = try ask(endpoint, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
    }
    #expect(reply?.contains("200 OK") == true)
  }

  @Test func `an address that is taken is an error that names it`() throws {
    let endpoint = try endpoint()
    defer { endpoint.stop() }
    let address = try #require(MetricsAddress("127.0.0.1:\(endpoint.port)"))
    let error = #expect(throws: MetricsError.self) { _ = try MetricsEndpoint(address: address, pages: [:]) }
    #expect(
      error?.description.hasPrefix("127.0.0.1:\(endpoint.port): cannot be listened on: ") == true,
      "\(error as Any)")
  }
}
