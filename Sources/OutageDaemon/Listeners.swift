// The daemon's listening sockets, wherever they come from: bound here, passed by systemd, or taken over from another process.

import Foundation
import Reactor

/// The sockets for queries, for the administrator, and for those who follow changes and reports.
struct Listeners: Sendable {
  let query, admin, feed: UnixListener

  /// - Throws: `ReactorError` for a socket that cannot be bound or is not what it should be.
  init(_ options: DaemonOptions, takeover: Takeover?) throws(ReactorError) {
    if let takeover {
      query = try UnixListener(adopting: takeover.queryDescriptor, ownsFile: true)
      admin = try UnixListener(adopting: takeover.adminDescriptor, ownsFile: true)
      feed = try UnixListener(adopting: takeover.feedDescriptor, ownsFile: true)
      return
    }
    let passed = SystemdSockets(environment: ProcessInfo.processInfo.environment, processId: getpid())
    func listener(_ name: String, _ path: String, mode: UInt32) throws(ReactorError) -> UnixListener {
      if let descriptor = passed.descriptors[name] { return try UnixListener(adopting: descriptor) }
      return try UnixListener(path: path, mode: mode)
    }
    admin = try listener("admin", options.adminSocket, mode: 0o600)
    query = try listener("query", options.querySocket, mode: 0o660)
    feed = try listener("feed", options.feedSocket, mode: 0o660)
  }

  /// Each with the name that systemd and a takeover know it by.
  var named: [(name: String, listener: UnixListener)] {
    [("query", query), ("admin", admin), ("feed", feed)]
  }

  func add(to reactor: Reactor) throws(ReactorError) {
    try reactor.add(admin, tag: ListenerTag.admin.rawValue)
    try reactor.add(query, tag: ListenerTag.query.rawValue)
    try reactor.add(feed, tag: ListenerTag.feed.rawValue)
  }

  func close(removingFiles: Bool) {
    for (_, listener) in named { listener.close(removingFile: removingFiles) }
  }
}

/// The descriptors that systemd has passed (sd_listen_fds(3)): from 3 on, named by `LISTEN_FDNAMES`.
struct SystemdSockets: Equatable {
  /// By name: `query`, `admin`, `feed`.
  private(set) var descriptors: [String: Int32] = [:]

  /// Takes the sockets by their names (`FileDescriptorName=` of the socket unit). Where none has one of these names, they are taken in the
  /// order query, admin, feed, as far as they go.
  init(environment: [String: String], processId: Int32) {
    let known = ["query", "admin", "feed"]
    guard environment["LISTEN_PID"] == String(processId),
      let count = environment["LISTEN_FDS"].flatMap({ Int($0) }), count > 0
    else { return }
    let names = (environment["LISTEN_FDNAMES"] ?? "").split(separator: ":", omittingEmptySubsequences: false)
      .map(String.init)
    let isNamed = names.contains(where: known.contains)
    for (index, name) in (isNamed ? names : known).prefix(count).enumerated() where known.contains(name) {
      descriptors[name] = 3 + Int32(index)
    }
  }
}
