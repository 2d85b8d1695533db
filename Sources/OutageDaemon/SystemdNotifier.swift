// Tells systemd how the daemon stands (sd_notify), where systemd has asked to be told.

import Foundation

/// sd_notify(3): a datagram to the socket that `NOTIFY_SOCKET` names; nothing where it names none.
public struct SystemdNotifier: Sendable {
  private let socketPath: String?

  public init(environment: [String: String] = ProcessInfo.processInfo.environment) {
    socketPath = environment["NOTIFY_SOCKET"]
  }

  public enum State: String, Sendable {
    case ready = "READY=1"
    case reloading = "RELOADING=1"
    case stopping = "STOPPING=1"
  }

  /// - Parameter mainProcess: whether to say that the service's main process is this one from now on.
  public func notify(_ state: State, status: String, mainProcess: Bool = false) {
    guard let socketPath, !socketPath.isEmpty else { return }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(socketPath.utf8)
    // A leading @ stands for the abstract name space.
    if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var message = "\(state.rawValue)\nSTATUS=\(status)"
    if mainProcess { message += "\nMAINPID=\(getpid())" }
    if state == .reloading {
      var time = timespec()
      clock_gettime(CLOCK_MONOTONIC, &time)
      message += "\nMONOTONIC_USEC=\(time.tv_sec * 1_000_000 + time.tv_nsec / 1000)"
    }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
    message.withCString { text in
      withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          _ = sendto(descriptor, text, strlen(text), Int32(MSG_NOSIGNAL), $0, length)
        }
      }
    }
  }
}
