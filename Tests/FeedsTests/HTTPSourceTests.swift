// A server on loopback as a feed's source: validators, time-outs, sizes, answers that break off.

import Foundation
import Testing

@testable import Feeds

/// A server in Python that ends with the object.
private final class LoopbackServer {
  let process = Process()
  let port: Int

  /// `/layer` knows its entity tag; the others misbehave each in its way.
  private static let script = """
    import http.server, os, sys, time
    body = open(sys.argv[1], 'rb').read()
    class Handler(http.server.BaseHTTPRequestHandler):
      protocol_version = 'HTTP/1.1'
      def log_message(self, *_): pass
      def do_GET(self):
        if self.path == '/layer':
          known = self.headers.get('If-None-Match') == '"one"' and self.headers.get('If-Modified-Since') == 'Tue, 24 Nov 2026 18:00:00 GMT'
          self.send_response(304 if known else 200)
          self.send_header('ETag', '"one"')
          self.send_header('Last-Modified', 'Tue, 24 Nov 2026 18:00:00 GMT')
          self.send_header('Content-Length', '0' if known else str(len(body)))
          self.end_headers()
          if not known: self.wfile.write(body)
        elif self.path == '/error':
          self.send_response(503); self.send_header('Content-Length', '2'); self.end_headers(); self.wfile.write(b'no')
        elif self.path == '/half':
          self.send_response(200); self.send_header('Content-Length', str(len(body))); self.end_headers()
          self.wfile.write(body[:len(body) // 2]); self.wfile.flush()
          self.close_connection = True; self.connection.shutdown(2)
        elif self.path == '/drip':
          self.send_response(200); self.send_header('Content-Length', '100000'); self.end_headers()
          try:
            for _ in range(200):
              self.wfile.write(b'x'); self.wfile.flush(); time.sleep(0.05)
          except OSError: pass
        elif self.path == '/large':
          self.send_response(200); self.send_header('Content-Length', '10000000'); self.end_headers()
          try: self.wfile.write(b' ' * 10000000)
          except OSError: pass
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    server.daemon_threads = True
    print(server.server_port, flush=True)
    os.set_blocking(0, True)
    import threading
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    """

  init(layer: String, folder: String) throws {
    let file = folder + "/layer.geojson"
    try Data(layer.utf8).write(to: URL(fileURLWithPath: file))
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", Self.script, file]
    let output = Pipe()
    process.standardOutput = output
    // It ends when nobody holds the other end any more.
    process.standardInput = Pipe()
    try process.run()
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    port = try #require(Int(line.trimmingCharacters(in: .whitespacesAndNewlines)))
  }

  deinit {
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }
}

@Suite("Feeds by HTTP")
struct HTTPSourceTests {
  @Test("a layer is fetched once and then asked for with its validators; what fails is told by name")
  func fetch() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "http-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let server = try LoopbackServer(layer: FeedBench.layer([1, 2, 3]), folder: folder)
    func bench(_ path: String, seconds: Double = 20) throws -> FeedBench {
      try FeedBench {
        $0.source = .url("http://127.0.0.1:\(server.port)\(path)")
        $0.timeoutSeconds = seconds
        $0.sizeBytesMax = 1 << 20
      }
    }
    let good = try bench("/layer")
    #expect(good.step() == "layer 3")
    #expect(good.step() == "confirmed")
    #expect(good.feed.status.snapshots == 1, "304 is no snapshot")

    let cases = [
      ("/error", 20.0, "unreachable", "503"), ("/half", 20, "halfFile", "bytes remaining"),
      ("/drip", 0.5, "unreachable", "not done after 0.5 s"),
      ("/large", 20, "unreachable", "more than 1048576 bytes"),
    ]
    for (path, seconds, guardName, text) in cases {
      let bad = try bench(path, seconds: seconds)
      #expect(bad.step() == guardName, "\(path)")
      let told = bad.feed.status.hold?.text ?? ""
      #expect(told.contains(text), "\(path): \(told)")
      #expect(bad.feed.failures == 1)
    }
    let nobody = try FeedBench { $0.source = .url("http://127.0.0.1:1/layer") }
    #expect(nobody.step() == "unreachable")
  }
}
