// A listening Unix socket: bound with its mode, or inherited; its file is taken away again if it is still ours.

internal import CEpoll
internal import Glibc

/// A listening Unix stream socket.
public final class UnixListener: Sendable {
  /// Where clients find it; `nil` for an inherited one that has no path.
  public let path: String?
  /// Open for as long as the listener is not closed; do not close it.
  public let descriptor: Int32
  private let file: FileIdentity?
  private let isClosed = Locked(false)

  /// Which file a path led to.
  private struct FileIdentity: Hashable {
    var device: UInt64
    var inode: UInt64
  }

  /// The longest path of a Unix socket, the closing zero not counted.
  public static let pathBytesMax = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

  /// What the kernel queues at most: `/proc/sys/net/core/somaxconn`; 4096, the kernel's own default, where that cannot be read.
  public static var backlogMax: Int32 {
    let descriptor = open("/proc/sys/net/core/somaxconn", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return 4096 }
    defer { Glibc.close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = read(descriptor, &bytes, bytes.count)
    let digits = bytes.prefix(max(0, count)).prefix { $0 &- 0x30 < 10 }
    return Int32(String(decoding: digits, as: UTF8.self)) ?? 4096
  }

  /// Binds a socket at `path` and listens.
  ///
  /// A socket file that nobody answers on is replaced; one that somebody answers on is `alreadyServed`. The socket is made under
  /// another name beside it, given its mode, set to listen and then renamed, so that a client never meets one that refuses it.
  /// A lock on the directory lets one process at a time do this.
  /// - Parameters:
  ///   - mode: the file's permission bits, whatever the process's umask.
  ///   - backlog: connections that may wait to be accepted.
  /// - Throws: `ReactorError`.
  public init(path: String, mode: UInt32, backlog: Int32 = UnixListener.backlogMax) throws(ReactorError) {
    let (directory, name) = Self.split(path)
    let temporaryPath = "\(directory)/.\(getpid())-\(name)"
    // The longer of the two must fit; the kernel has no longer names.
    for candidate in [path, temporaryPath] where candidate.utf8.count > Self.pathBytesMax {
      throw .pathTooLong(path: candidate, byteCount: candidate.utf8.count, byteCountMax: Self.pathBytesMax)
    }
    let directoryDescriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directoryDescriptor >= 0 else { throw .last("open", directory) }
    defer { Glibc.close(directoryDescriptor) }
    guard flock(directoryDescriptor, LOCK_EX) == 0 else { throw .last("flock", directory) }

    try Self.checkNobodyServes(path)
    let descriptor = try Self.unixSocket()
    do throws(ReactorError) {
      unlink(temporaryPath)
      guard Self.withAddress(temporaryPath, { bind(descriptor, $0, $1) }) == 0 else {
        throw .last("bind", temporaryPath)
      }
      guard chmod(temporaryPath, mode) == 0 else { throw .last("chmod", temporaryPath) }
      guard listen(descriptor, backlog) == 0 else { throw .last("listen", temporaryPath) }
      guard rename(temporaryPath, path) == 0 else { throw .last("rename", path) }
    } catch {
      unlink(temporaryPath)
      Glibc.close(descriptor)
      throw error
    }
    self.path = path
    self.descriptor = descriptor
    file = Self.identity(path)
  }

  /// Takes over a socket that listens already: from systemd, or from the process that served before.
  ///
  /// Its file is left where it is when the listener is closed, unless `ownsFile` says otherwise.
  /// - Throws: `ReactorError` if the descriptor is not a listening Unix stream socket.
  public init(adopting descriptor: Int32, ownsFile: Bool = false) throws(ReactorError) {
    func option(_ name: Int32) -> Int32? {
      var value: Int32 = 0
      var length = socklen_t(MemoryLayout<Int32>.size)
      return getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 ? value : nil
    }
    guard let family = option(SO_DOMAIN) else {
      throw .unusableDescriptor(descriptor, expected: "a listening Unix socket", found: "no socket")
    }
    guard family == AF_UNIX, option(SO_TYPE) == Int32(SOCK_STREAM.rawValue) else {
      throw .unusableDescriptor(
        descriptor, expected: "a Unix stream socket",
        found: "a socket of family \(family), type \(option(SO_TYPE) ?? -1)")
    }
    guard option(SO_ACCEPTCONN) == 1 else {
      throw .unusableDescriptor(descriptor, expected: "a listening socket", found: "one that does not listen")
    }
    guard fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0,
      fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) == 0
    else { throw .last("fcntl") }
    self.descriptor = descriptor
    let path = Self.boundPath(descriptor)
    self.path = path
    file = ownsFile ? path.flatMap(Self.identity) : nil
  }

  deinit { closeDescriptor() }

  /// Stops listening, and removes the socket's file if it is still the one that this listener made.
  public func close(removingFile: Bool = true) {
    if removingFile, let path, let file, Self.identity(path) == file { unlink(path) }
    closeDescriptor()
  }

  private func closeDescriptor() {
    isClosed.withLock { isClosed in
      if !isClosed { _ = Glibc.close(descriptor) }
      isClosed = true
    }
  }
}

// MARK: - Clients of it

extension UnixListener {
  /// Connects to the socket at `path` as a client.
  /// - Returns: a blocking descriptor, which the caller closes.
  public static func connect(to path: String) throws(ReactorError) -> Int32 {
    guard path.utf8.count <= pathBytesMax else {
      throw .pathTooLong(path: path, byteCount: path.utf8.count, byteCountMax: pathBytesMax)
    }
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw .last("socket", path) }
    guard withAddress(path, { Glibc.connect(descriptor, $0, $1) }) == 0 else {
      let error = ReactorError.last("connect", path)
      Glibc.close(descriptor)
      throw error
    }
    return descriptor
  }
}

// MARK: - The steps

extension UnixListener {
  private static func checkNobodyServes(_ path: String) throws(ReactorError) {
    var status = stat()
    guard lstat(path, &status) == 0 else {
      if errno == ENOENT { return }
      throw .last("lstat", path)
    }
    guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path: path) }
    // Without blocking: where the backlog is full, somebody is there.
    let descriptor = try unixSocket()
    defer { Glibc.close(descriptor) }
    if withAddress(path, { Glibc.connect(descriptor, $0, $1) }) == 0 || errno == EAGAIN {
      throw .alreadyServed(path: path)
    }
    guard errno == ECONNREFUSED || errno == ENOENT else { throw .last("connect", path) }
  }

  private static func unixSocket() throws(ReactorError) -> Int32 {
    let type = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
    let descriptor = socket(AF_UNIX, Int32(type), 0)
    guard descriptor >= 0 else { throw .last("socket") }
    return descriptor
  }

  private static func split(_ path: String) -> (directory: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let directory = slash == path.startIndex ? "/" : String(path[..<slash])
    return (directory, String(path[path.index(after: slash)...]))
  }

  private static func identity(_ path: String) -> FileIdentity? {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return nil }
    return FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
  }

  /// Calls `body` with the address of a path that is short enough.
  private static func withAddress(
    _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }

  /// The path that a socket is bound to, but that of a temporary name, under which it was bound, read back as its final one.
  private static func boundPath(_ descriptor: Int32) -> String? {
    var address = sockaddr_un()
    var length = socklen_t(MemoryLayout<sockaddr_un>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    guard result == 0 else { return nil }
    let bound = withUnsafeBytes(of: &address.sun_path) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    guard !bound.isEmpty else { return nil }
    let (directory, name) = split(bound)
    guard name.hasPrefix("."), let dash = name.firstIndex(of: "-"),
      name[name.index(after: name.startIndex)..<dash].allSatisfy(\.isNumber)
    else { return bound }
    return "\(directory)/\(name[name.index(after: dash)...])"
  }
}
