// The questions of calls, and replies that come in pieces.

import StormGeneration
import Testing

@testable import LoadGeneration

@Suite("Due requests")
struct DueRequestsTests {
  private static func plan(customers: Int) -> LoadPlan {
    var plan = LoadPlan()
    plan.layers = [LoadPlan.Layer(path: "a")]
    plan.customers = (0..<customers).map { number in
      let location = LoadPlan.Location(servicePointId: "SP-\(number)", sets: [0])
      return LoadPlan.Customer(
        account: .init(text: "\(number)", locations: [location]), phone: nil,
        point: .init(text: "\(number) 1", locations: [location]))
    }
    return plan
  }

  @Test("A bot asks three to six times a call, one gap apart, about one customer")
  func calls() {
    let table = RequestTable(Self.plan(customers: 5_000), seed: 1)
    var settings = LoadSettings(socketPath: "-")
    settings.pace = .calls(.constant(perSecond: 50, seconds: 4), gapSeconds: 1.5)
    var requests = DueRequests(settings, table: table, share: 0, shareCount: 1)
    var starts: [Int64] = []
    var startsOfCustomer: [Int: [Int64]] = [:]
    while let expected = requests.nextStart {
      let due = requests.next()
      #expect(due.start == expected)
      starts.append(due.start)
      startsOfCustomer[table.entries[due.entry].locations.lowerBound / 2, default: []].append(due.start)
    }
    #expect(zip(starts, starts.dropFirst()).allSatisfy { $0 <= $1 })
    #expect((600...1_200).contains(starts.count))
    var counts = Set<Int>()
    for times in startsOfCustomer.values where times.count <= 6 {
      counts.insert(times.count)
      #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 == 1_500_000_000 })
    }
    #expect(counts == [3, 4, 5, 6])
  }

  @Test("Threads share the arrivals out among them")
  func shares() {
    let table = RequestTable(Self.plan(customers: 10), seed: 1)
    var settings = LoadSettings(socketPath: "-")
    settings.pace = .open(.constant(perSecond: 1_000, seconds: 1))
    var starts: [Int64] = []
    for share in 0..<3 {
      var requests = DueRequests(settings, table: table, share: share, shareCount: 3)
      while requests.nextStart != nil { starts.append(requests.next().start) }
    }
    #expect(starts.sorted() == Array(ArrivalSchedule.constant(perSecond: 1_000, seconds: 1).arrivals()))
  }

  @Test("Kinds come in their shares")
  func mix() throws {
    let mix = try #require(RequestMix("account=60,phone=20,point=15,unknown=5"))
    var random = SplitMix64(seed: 3)
    var counts: [RequestKind: Int] = [:]
    for _ in 0..<100_000 { counts[mix.draw(&random), default: 0] += 1 }
    for (kind, weight) in mix.weights {
      #expect(abs(counts[kind]! - weight * 1000) < 800, "seed 3, \(kind)")
    }
    #expect(RequestMix("account") == nil && RequestMix("account=0") == nil && RequestMix("fax=1") == nil)
  }

  @Test("A reply is found whole, and is partial when cut at any byte")
  func frames() {
    for text in ["$5\r\nhello\r\n", "$-1\r\n", "-LOADING wait\r\n", "+OK\r\n", "_\r\n", "*2\r\n:1\r\n:2\r\n"]
    {
      let bytes = Array(text.utf8)
      for count in 0..<bytes.count {
        bytes.withUnsafeBytes {
          guard case .partial = ReplyFrame.first(in: UnsafeRawBufferPointer(rebasing: $0[..<count])) else {
            Issue.record("\(text) cut at \(count)")
            return
          }
        }
      }
      (bytes + bytes).withUnsafeBytes {
        let length: Int? =
          switch ReplyFrame.first(in: $0) {
          case .bulk(_, let count), .null(let count), .error(_, let count), .other(let count): count
          case .partial, .malformed: nil
          }
        #expect(length == bytes.count)
      }
    }
  }
}
