// Accepts connections on one loop and deals them to all, each to the one that has the fewest.

internal import CEpoll
internal import Glibc
internal import Synchronization

/// Accepts for all loops of a reactor. Lives on the thread of the first.
///
/// One acceptor spreads connections exactly, where several loops that wait on one listener take what they happen to wake up for;
/// and to accept and pass on a connection costs a few microseconds once in its life.
final class Acceptor {
  private struct Source {
    var listener: UnixListener
    var tag: Int
    /// The kernel may hold connections (epoll reports that once).
    var isReady = true
  }

  private unowned let own: EventLoop
  private let loops: [EventLoop]
  private let accept: @Sendable (Int32) -> Int32
  private let isPaused: SharedFlag
  private var sources: [Source] = []
  /// When accepting is tried again, after descriptors had run out.
  private(set) var retryAt: Int64?

  init(own: EventLoop, loops: [EventLoop], isPaused: SharedFlag, accept: @escaping @Sendable (Int32) -> Int32)
  {
    self.own = own
    self.loops = loops
    self.isPaused = isPaused
    self.accept = accept
  }

  /// Whether there may be connections to accept at once.
  var hasWaiting: Bool { retryAt == nil && sources.contains(where: \.isReady) }

  func add(_ listener: UnixListener, tag: Int) throws(ReactorError) {
    let events = cepoll_in | cepoll_edge
    guard cepoll_add(own.epoll, listener.descriptor, events, EventLoop.listenerToken) == 0 else {
      throw .last("epoll_ctl", listener.path)
    }
    sources.append(Source(listener: listener, tag: tag))
  }

  /// Takes nothing further. What the kernel has queued is accepted first, unless another process goes on listening.
  func stop(acceptingQueued: Bool) {
    if acceptingQueued {
      retryAt = nil
      for index in sources.indices {
        sources[index].isReady = true
        while sources[index].isReady && retryAt == nil { acceptSome(index, now: own.now) }
      }
    }
    for source in sources { cepoll_remove(own.epoll, source.listener.descriptor) }
    sources = []
    retryAt = nil
  }

  func listenersAreReady() {
    for index in sources.indices { sources[index].isReady = true }
  }

  /// A descriptor was freed.
  func resume() {
    isPaused.value.store(false, ordering: .relaxed)
    retryAt = nil
  }

  /// The acceptor's part of a turn of its loop.
  func turn(now: Int64) {
    if let retryAt {
      guard now >= retryAt else { return }
      resume()
    }
    for index in sources.indices where sources[index].isReady { acceptSome(index, now: now) }
  }

  private func acceptSome(_ index: Int, now: Int64) {
    for _ in 0..<own.limits.acceptsPerTurn {
      guard assignedCount < own.limits.connectionsMax else { return pause(now) }
      let descriptor = accept(sources[index].listener.descriptor)
      if descriptor >= 0 {
        deal(descriptor, tag: sources[index].tag)
        continue
      }
      switch errno {
      case EINTR, ECONNABORTED: continue
      case EMFILE, ENFILE, ENOBUFS, ENOMEM: return pause(now)
      default:
        // EAGAIN: the queue is empty. Anything else will not be mended by trying at once.
        sources[index].isReady = false
        return
      }
    }
  }

  private func pause(_ now: Int64) {
    retryAt = now + own.limits.acceptRetryMilliseconds
    isPaused.value.store(true, ordering: .relaxed)
    own.counters.acceptPauses.add(1)
  }

  private var assignedCount: Int {
    loops.reduce(0) { $0 + $1.assigned.load(ordering: .relaxed) }
  }

  private func deal(_ descriptor: Int32, tag: Int) {
    var target = own
    var fewest = Int.max
    for loop in loops {
      let count = loop.assigned.load(ordering: .relaxed)
      if count < fewest { (target, fewest) = (loop, count) }
    }
    target.assigned.add(1, ordering: .relaxed)
    if target === own {
      own.adopt(descriptor, listenerTag: tag)
    } else {
      target.submit { $0.adopt(descriptor, listenerTag: tag) }
    }
  }
}

/// A flag that several threads look at.
final class SharedFlag: Sendable {
  let value = Atomic<Bool>(false)
}
