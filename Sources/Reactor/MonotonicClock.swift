// The reactor's sense of time.

internal import Glibc

/// Milliseconds that only ever grow, from any starting point above 0.
public typealias MillisecondClock = @Sendable () -> Int64

/// The system's monotonic clock, at the resolution of its tick (1 to 10 ms), which costs a few nanoseconds to read.
public func monotonicMilliseconds() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
  return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000 + 1
}
