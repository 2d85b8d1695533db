// What can go wrong when a socket is opened or a loop is started.

internal import Glibc

/// A failure of the reactor's set-up. While it serves, nothing throws: a connection that fails is closed and counted.
public enum ReactorError: Error, Hashable, Sendable {
  /// Another process answers on the socket.
  case alreadyServed(path: String)
  /// Something that is no socket stands at the path.
  case notASocket(path: String)
  /// A Unix socket's path has at most 107 bytes.
  case pathTooLong(path: String, byteCount: Int, byteCountMax: Int)
  /// An inherited descriptor is not what it should be.
  case unusableDescriptor(Int32, expected: String, found: String)
  /// A system call failed.
  case system(call: String, path: String?, errno: Int32)
}

extension ReactorError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .alreadyServed(let path):
      "\(path): another process is serving on this socket; stop it, or choose another path"
    case .notASocket(let path):
      "\(path): expected a socket or nothing, found another kind of file; move it away, or choose another path"
    case .pathTooLong(let path, let byteCount, let byteCountMax):
      "\(path): expected a socket path of at most \(byteCountMax) bytes, found \(byteCount); choose a shorter one"
    case .unusableDescriptor(let descriptor, let expected, let found):
      "descriptor \(descriptor): expected \(expected), found \(found)"
    case .system(let call, let path, let number):
      "\(path.map { $0 + ": " } ?? "")\(call) failed: \(String(cString: strerror(number)))"
    }
  }
}

extension ReactorError {
  /// The failure that `errno` names just now.
  static func last(_ call: String, _ path: String? = nil) -> ReactorError {
    .system(call: call, path: path, errno: errno)
  }
}
