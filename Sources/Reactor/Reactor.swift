// The event loops of a server, each on its own thread: started, given listeners, drained and joined together.

internal import CEpoll
internal import Glibc
internal import Synchronization
internal import SystemThreads

/// Serves Unix sockets with one event loop a core.
///
/// ```swift
/// let reactor = try Reactor(loopCount: 2) { loop in MyHandler(loop) }
/// try reactor.add(UnixListener(path: "var/outaged/query.sock", mode: 0o660), tag: 0)
/// ...
/// reactor.drain(withinMilliseconds: 4_000)
/// reactor.join()
/// ```
public final class Reactor: Sendable {
  public let loops: [EventLoop]
  private let threads = Locked<[pthread_t]>([])
  private let acceptIsPaused = SharedFlag()

  /// Starts the loops' threads.
  /// - Parameters:
  ///   - loopCount: threads, each with a loop of its own.
  ///   - clock: what time-outs are measured with.
  ///   - makeHandler: called once on each loop's thread.
  /// - Throws: `ReactorError.system`.
  public convenience init(
    loopCount: Int, limits: ReactorLimits = ReactorLimits(),
    clock: @escaping MillisecondClock = monotonicMilliseconds,
    makeHandler: @escaping @Sendable (EventLoop) -> any ConnectionHandler
  ) throws(ReactorError) {
    try self.init(
      loopCount: loopCount, limits: limits, clock: clock, accept: { cepoll_accept($0) },
      makeHandler: makeHandler)
  }

  /// With the call that accepts a connection as a parameter, so that its failures can be tried.
  init(
    loopCount: Int, limits: ReactorLimits, clock: @escaping MillisecondClock,
    accept: @escaping @Sendable (Int32) -> Int32,
    makeHandler: @escaping @Sendable (EventLoop) -> any ConnectionHandler
  ) throws(ReactorError) {
    precondition((1...1024).contains(loopCount), "1 to 1024 loops")
    var loops: [EventLoop] = []
    for index in 0..<loopCount { loops.append(try EventLoop(index: index, limits: limits, clock: clock)) }
    self.loops = loops
    let first = loops[0]
    let isPaused = acceptIsPaused
    for loop in loops {
      loop.didClose = { [unowned first] in
        if isPaused.value.exchange(false, ordering: .relaxed) { first.submit { $0.acceptor?.resume() } }
      }
    }
    let allLoops = loops
    first.submit { own in
      own.acceptor = Acceptor(own: own, loops: allLoops, isPaused: isPaused, accept: accept)
    }
    for loop in loops {
      do throws(NoThread) {
        let thread = try startThread {
          nameThread("loop-\(loop.index)")
          loop.run(makeHandler: makeHandler)
        }
        threads.withLock { $0.append(thread) }
      } catch {
        throw .system(call: "pthread_create", path: nil, errno: error.errno)
      }
    }
  }

  /// Accepts connections from `listener` from now on. The listener stays the caller's to close, after `stopAccepting` or `join`.
  /// - Parameter tag: what handlers are told of its connections.
  public func add(_ listener: UnixListener, tag: Int) throws(ReactorError) {
    let failure = waitForFirst { loop -> ReactorError? in
      do throws(ReactorError) {
        try loop.acceptor?.add(listener, tag: tag)
        return nil
      } catch {
        return error
      }
    }
    if case .some(.some(let failure)) = failure { throw failure }
  }

  /// Takes no further connections, and returns when that is so.
  /// - Parameter acceptingQueued: whether those that wait in the kernel's queue are still served. Not where another process goes on
  ///   with the same socket: there they wait for it.
  public func stopAccepting(acceptingQueued: Bool = true) {
    waitForFirst { $0.acceptor?.stop(acceptingQueued: acceptingQueued) }
  }

  /// Accepts nothing further, answers all requests that the kernel has taken, closes all connections and ends the loops. Returns at
  /// once; `join` waits for the end.
  /// - Parameter withinMilliseconds: after this time, what is left is cut.
  public func drain(withinMilliseconds: Int64, acceptingQueued: Bool = true) {
    let loops = loops
    let deadline = loops[0].clock() + withinMilliseconds
    loops[0].submit { first in
      first.acceptor?.stop(acceptingQueued: acceptingQueued)
      for loop in loops { loop.submit { $0.drain(deadline: deadline) } }
    }
  }

  /// Waits until all loops have ended.
  public func join() {
    let joined = threads.withLock { threads in
      let taken = threads
      threads = []
      return taken
    }
    for thread in joined { pthread_join(thread, nil) }
  }

  /// Runs `work` on each loop's own thread: to swap what their handlers answer from.
  public func submitToAll(_ work: @escaping @Sendable (EventLoop) -> Void) {
    for loop in loops { loop.submit(work) }
  }
}

extension Reactor {
  /// Runs `work` on the first loop's thread and waits for its result.
  /// - Returns: `nil` if the loop has ended.
  @discardableResult
  private func waitForFirst<Value: Sendable>(_ work: @escaping @Sendable (EventLoop) -> Value) -> Value? {
    precondition(!loops[0].isOnOwnThread, "a loop cannot wait for itself")
    let answer = Answer<Value>()
    guard loops[0].submit({ answer.set(work($0)) }) else { return nil }
    return answer.wait()
  }
}
