// The listening socket's file: who may use it, who may replace it, and who takes it away.

import Glibc
import Testing

@testable import Reactor

@Suite("UnixListener")
struct UnixListenerTests {
  private let directory = TemporaryDirectory()
  private var path: String { directory.path + "/query.sock" }

  private func mode(_ path: String) -> UInt32? {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : nil
  }

  @Test("the file has the mode that was asked for", arguments: [0o600, 0o660, 0o666] as [UInt32])
  func modeBits(bits: UInt32) throws {
    let listener = try UnixListener(path: path, mode: bits)
    #expect(mode(path) == bits)
    listener.close()
    #expect(mode(path) == nil)
  }

  @Test("a socket file that nobody answers on is replaced")
  func staleFile() throws {
    let first = try UnixListener(path: path, mode: 0o600)
    first.close(removingFile: false)
    #expect(mode(path) == 0o600)
    let second = try UnixListener(path: path, mode: 0o660)
    #expect(mode(path) == 0o660)
    close(try UnixListener.connect(to: path))
    second.close()
  }

  @Test("a second instance is told that the first one serves")
  func secondInstance() throws {
    let first = try UnixListener(path: path, mode: 0o600)
    let error = #expect(throws: ReactorError.self) { try UnixListener(path: path, mode: 0o600) }
    #expect(error == .alreadyServed(path: path))
    #expect(error?.description.contains("another process is serving") == true)
    // And does not disturb it.
    close(try UnixListener.connect(to: path))
    first.close()
  }

  @Test("a first instance whose queue is full is still one")
  func fullBacklog() throws {
    let first = try UnixListener(path: path, mode: 0o600, backlog: 0)
    let waiting = try UnixListener.connect(to: path)
    #expect(throws: ReactorError.alreadyServed(path: path)) { try UnixListener(path: path, mode: 0o600) }
    close(waiting)
    first.close()
  }

  @Test("a file that is no socket is left alone")
  func otherFile() throws {
    close(open(path, O_CREAT | O_WRONLY, 0o644))
    #expect(throws: ReactorError.notASocket(path: path)) { try UnixListener(path: path, mode: 0o600) }
    #expect(mode(path) == 0o644)
  }

  @Test("a path that does not fit is refused with its length")
  func longPath() {
    let long = directory.path + "/" + String(repeating: "x", count: 100)
    let error = #expect(throws: ReactorError.self) { try UnixListener(path: long, mode: 0o600) }
    #expect(error?.description.contains("at most 107 bytes, found \(long.utf8.count)") == true)
  }

  @Test("a directory that is not there is named")
  func noDirectory() {
    let error = #expect(throws: ReactorError.self) {
      try UnixListener(path: directory.path + "/no/s", mode: 0o600)
    }
    #expect(error?.description.contains("/no: open failed: No such file") == true)
  }

  @Test("closing removes the file only if it is still the listener's own")
  func foreignFile() throws {
    let first = try UnixListener(path: path, mode: 0o600)
    unlink(path)
    let second = try UnixListener(path: path, mode: 0o600)
    first.close()
    #expect(mode(path) == 0o600)
    close(try UnixListener.connect(to: path))
    second.close()
    #expect(mode(path) == nil)
  }

  @Test("no temporary file is left beside the socket")
  func noLitter() throws {
    let listener = try UnixListener(path: path, mode: 0o600)
    #expect(throws: ReactorError.self) { try UnixListener(path: path, mode: 0o600) }
    listener.close()
    #expect(rmdir(directory.path) == 0)
  }

  @Test("an inherited listening socket is taken with its path")
  func adoption() throws {
    let first = try UnixListener(path: path, mode: 0o600)
    let second = try UnixListener(adopting: dup(first.descriptor))
    #expect(second.path == path)
    first.close(removingFile: false)
    close(try UnixListener.connect(to: path))
    second.close()
    #expect(mode(path) == 0o600)
    let third = try UnixListener(path: path, mode: 0o600)
    let fourth = try UnixListener(adopting: dup(third.descriptor), ownsFile: true)
    third.close(removingFile: false)
    fourth.close()
    #expect(mode(path) == nil)
  }

  @Test("a descriptor that is no listening Unix socket is refused with what it is")
  func wrongDescriptors() throws {
    let file = open("/dev/null", O_RDONLY)
    defer { close(file) }
    let internet = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(internet) }
    let connected = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(connected) }
    for (descriptor, found) in [(file, "no socket"), (internet, "family 2"), (connected, "does not listen")] {
      let error = #expect(throws: ReactorError.self) { try UnixListener(adopting: descriptor) }
      #expect(error?.description.contains(found) == true, "\(error?.description ?? "")")
    }
  }

  @Test("descriptors pass from one process's end of a socket to the other")
  func descriptorPassing() throws {
    var ends: [Int32] = [-1, -1]
    #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    let listeners = try ["a", "b"].map { try UnixListener(path: "\(directory.path)/\($0)", mode: 0o600) }
    try DescriptorPassing.send(listeners.map(\.descriptor), with: 0xF5, over: ends[0])
    let (byte, received) = try DescriptorPassing.receive(over: ends[1])
    #expect(byte == 0xF5)
    #expect(received.count == 2)
    let adopted = try received.map { try UnixListener(adopting: $0) }
    #expect(adopted.map(\.path) == listeners.map(\.path))
    #expect(adopted.allSatisfy { fcntl($0.descriptor, F_GETFD) & FD_CLOEXEC != 0 })
    send(ends[0], "x", 1, 0)
    #expect(try DescriptorPassing.receive(over: ends[1]) == (UInt8(ascii: "x"), []))
    close(ends[0])
    #expect(try DescriptorPassing.receive(over: ends[1]) == (nil, []))
    close(ends[1])
    for listener in listeners + adopted { listener.close() }
  }

  @Test("the backlog is what the kernel allows")
  func backlog() {
    #expect(UnixListener.backlogMax > 0)
  }
}
