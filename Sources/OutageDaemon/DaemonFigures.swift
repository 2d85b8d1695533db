// What the daemon knows of itself at one moment: `INFO` and `METRICS` tell it, each in its way.

import EventLog
import Feeds
import Foundation
import OutageModel
import Reactor
import Synchronization

/// The figures of one moment. Counters begin at 0 with the process.
struct DaemonFigures {
  struct Loop: Sendable {
    var counters: LoopCounters
    var requests: RequestCounters
  }

  var querySocket, adminSocket: String
  var now: Timestamp
  var loops: [Loop]
  var territory: ControlPlane.Summary
  var feeds: [FeedStatus]
  var reports: ReportDesk.Figures
  var changes: ChangeFeed.Statistics
  var suspected: SuspicionSummary
  var process = ProcessFigures()

  func sum(_ counter: (Loop) -> UInt64) -> UInt64 { loops.reduce(0) { $0 + counter($1) } }
}

/// Where the figures come from. Any thread may ask; nobody that answers requests waits for it.
final class FigureSource: Sendable {
  private let options: DaemonOptions
  private let loops = Mutex<[DaemonFigures.Loop]>([])
  private let control: ControlPlane
  private let reports: ReportDesk
  private let changes: ChangeFeed
  private let suspicion: SuspicionMonitor

  init(
    _ options: DaemonOptions, control: ControlPlane, reports: ReportDesk, changes: ChangeFeed,
    suspicion: SuspicionMonitor
  ) {
    self.options = options
    self.control = control
    self.reports = reports
    self.changes = changes
    self.suspicion = suspicion
  }

  func add(_ loop: DaemonFigures.Loop) { loops.withLock { $0.append(loop) } }

  var figures: DaemonFigures {
    DaemonFigures(
      querySocket: options.querySocket, adminSocket: options.adminSocket, now: systemClock(),
      loops: loops.withLock { $0 }, territory: control.summary.withLock { $0 },
      feeds: control.feeds?.statuses ?? [], reports: reports.figures,
      changes: changes.statistics.withLock { $0 }, suspected: suspicion.figures)
  }
}

/// What the system says of the process.
struct ProcessFigures {
  let residentBytes: Int
  let processorSeconds: Double
  let threadCount: Int
  let openFilesMax: Int

  init() {
    func words(_ file: String) -> [Substring] {
      ((try? String(contentsOfFile: file, encoding: .utf8)) ?? "").split(separator: " ")
    }
    let pages = words("/proc/self/statm").dropFirst().first.flatMap { Int($0) } ?? 0
    residentBytes = pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    // The 20th field of proc(5); the name of the program, the second one, has no space.
    threadCount = words("/proc/self/stat").dropFirst(19).first.flatMap { Int($0) } ?? 0
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    processorSeconds = seconds(usage.ru_utime) + seconds(usage.ru_stime)
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    openFilesMax = Int(clamping: limit.rlim_cur)
  }
}
