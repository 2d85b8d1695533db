// The stream of requests with the moments at which they are due.

import StormGeneration

/// A request and when it is to start, in nanoseconds since the start of the run.
struct DueRequest {
  var start: Int64
  var entry: Int
}

/// Draws requests from the mix, or follows calls through their questions.
struct DueRequests: ~Copyable {
  private let table: RequestTable
  private let mix: RequestMix
  private let zipf: ZipfSampler
  private var random: SplitMix64
  private var arrivals: ArrivalSchedule.Arrivals?
  private let gapNanoseconds: Int64?
  private var nextArrival: Int64?
  /// Questions of calls that have begun: due moments ascend, because all calls have the same gap.
  private var followUps: [FollowUp] = []
  private var firstFollowUp = 0

  private struct FollowUp {
    var start: Int64
    var customer: Int
    var number: Int
    var count: Int
  }

  private static let questions: [RequestKind] = [.phone, .account, .point, .account, .phone, .account]

  /// - Parameters:
  ///   - share, shareCount: this thread takes every `shareCount`-th arrival, from `share` on.
  init(_ settings: LoadSettings, table: RequestTable, share: Int, shareCount: Int) {
    self.table = table
    mix = settings.mix
    zipf = ZipfSampler(count: table.customerCount, exponent: settings.zipfExponent)
    random = SplitMix64(seed: settings.seed, keys: 43, UInt64(share))
    self.share = share
    self.shareCount = shareCount
    switch settings.pace {
    case .closed: gapNanoseconds = nil
    case .open(let schedule):
      arrivals = schedule.arrivals()
      gapNanoseconds = nil
    case .calls(let schedule, let gapSeconds):
      arrivals = schedule.arrivals()
      gapNanoseconds = Int64(gapSeconds * 1e9)
    }
    for _ in 0..<share { _ = arrivals?.next() }
    nextArrival = arrivals?.next()
  }

  private let share, shareCount: Int

  /// When the next one is due; `nil` if there is none.
  var nextStart: Int64? {
    let followUp = firstFollowUp < followUps.count ? followUps[firstFollowUp].start : nil
    guard let nextArrival else { return followUp }
    return followUp.map { min($0, nextArrival) } ?? nextArrival
  }

  /// A request that is due at once (closed loop).
  mutating func draw() -> Int {
    table.entry(mix.draw(&random), customer: zipf.draw(&random), &random)
  }

  /// The next one. Call it only where `nextStart` is not nil.
  mutating func next() -> DueRequest {
    if firstFollowUp < followUps.count, followUps[firstFollowUp].start <= nextArrival ?? .max {
      var call = followUps[firstFollowUp]
      firstFollowUp += 1
      if firstFollowUp > 65_536 {
        followUps.removeFirst(firstFollowUp)
        firstFollowUp = 0
      }
      let due = question(call)
      call.number += 1
      enqueue(call)
      return due
    }
    let start = nextArrival!
    for _ in 1..<shareCount { _ = arrivals?.next() }
    nextArrival = arrivals?.next()
    guard gapNanoseconds != nil else { return DueRequest(start: start, entry: draw()) }
    var call = FollowUp(
      start: start, customer: zipf.draw(&random), number: 0, count: 3 + random.below(4))
    let due = question(call)
    call.number = 1
    enqueue(call)
    return due
  }

  private mutating func question(_ call: FollowUp) -> DueRequest {
    let kind = Self.questions[call.number % Self.questions.count]
    return DueRequest(start: call.start, entry: table.entry(kind, customer: call.customer, &random))
  }

  private mutating func enqueue(_ call: FollowUp) {
    guard call.number < call.count, let gapNanoseconds else { return }
    var call = call
    call.start += gapNanoseconds
    followUps.append(call)
  }
}
