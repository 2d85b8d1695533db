// What a run does, and what came of it.

/// How requests are spaced.
public enum LoadPace: Sendable {
  /// Each connection asks `depth` requests at once, and again when all are answered, for so many seconds.
  case closed(seconds: Double)
  /// Requests start when the schedule says, whatever the server does.
  case open(ArrivalSchedule)
  /// Calls start when the schedule says; a bot asks 3 to 6 times a call, so many seconds apart.
  case calls(ArrivalSchedule, gapSeconds: Double)

  var seconds: Double {
    switch self {
    case .closed(let seconds): seconds
    case .open(let schedule): schedule.seconds
    case .calls(let schedule, let gapSeconds): schedule.seconds + 5 * gapSeconds
    }
  }
}

public struct LoadSettings: Sendable {
  public var socketPath: String
  public var connectionCount = 50
  /// Requests of one connection in flight: exactly (closed loop) or at most (open loop).
  public var depth = 1
  public var pace = LoadPace.closed(seconds: 5)
  public var mix = RequestMix("account=1")!
  public var zipfExponent = 0.0
  public var seed: UInt64 = 1
  /// Connections closed and opened anew, a second.
  public var churnPerSecond = 0.0
  public var checksAnswers = true
  public var intervalSeconds = 0.5
  /// How long answers are waited for after the last request.
  public var drainSeconds = 5.0
  /// The run ends early when so many have been sent.
  public var requestCountMax = Int.max

  public init(socketPath: String) { self.socketPath = socketPath }
}

public struct LoadResult: Sendable {
  /// Of lookups; those of reports, which wait for the disk, are in `reports`.
  public var log: LatencyLog
  public var seconds = 0.0
  public var sentCount = 0
  public var answeredCount = 0
  public var nullCount = 0
  public var wrongCount = 0
  /// By the error's first word, or by what happened to the connection.
  public var failures: [String: Int] = [:]
  /// Of wrong and failed ones, the first few.
  public var examples: [String] = []
  public var replyByteCount = 0
  public var connectCount = 0
  /// Connections that the server closed with nothing left to answer.
  public var closedIdleCount = 0
  /// Connects that had to be tried again because the listener's backlog was full.
  public var backlogWaitCount = 0
  /// Requests that a closing connection did not take, and that went out on another one.
  public var sentAgainCount = 0
  public var reports: ReportLedger
  /// How late the generator itself was at worst in sending what was due, in nanoseconds.
  public var latestSendNanoseconds: Int64 = 0

  public var failedCount: Int { failures.values.reduce(0, +) }

  /// - Parameter run: tells the reports of this run from those of others.
  public init(intervalSeconds: Double, run: String) {
    log = LatencyLog(intervalSeconds: intervalSeconds)
    reports = ReportLedger(run: run)
  }

  mutating func note(_ example: String) {
    if examples.count < 10 { examples.append(example) }
  }

  /// Adds another thread's result of the same run.
  public mutating func merge(_ other: LoadResult) {
    log.merge(other.log)
    seconds = max(seconds, other.seconds)
    sentCount += other.sentCount
    answeredCount += other.answeredCount
    nullCount += other.nullCount
    wrongCount += other.wrongCount
    failures.merge(other.failures, uniquingKeysWith: +)
    for example in other.examples { note(example) }
    replyByteCount += other.replyByteCount
    connectCount += other.connectCount
    closedIdleCount += other.closedIdleCount
    backlogWaitCount += other.backlogWaitCount
    sentAgainCount += other.sentAgainCount
    reports.merge(other.reports)
    latestSendNanoseconds = max(latestSendNanoseconds, other.latestSendNanoseconds)
  }
}
