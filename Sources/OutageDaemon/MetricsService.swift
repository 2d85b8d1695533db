// Keeps the metrics' endpoint where the configuration wants it.

import Logging
import MetricsExport

/// Opens and closes the endpoint on a thread of its own. Serving does not hang on it: an address that is taken is logged, and tried again.
///
/// Used by the main task; all state is the thread's.
final class MetricsService: @unchecked Sendable {
  private let source: FigureSource
  private let log: Logger
  private let thread = ControlThread(name: "metrics", niceness: 10, isWaitedFor: true)
  private var address: MetricsAddress?
  private var endpoint: MetricsEndpoint?
  private var failures = 0

  /// From one attempt to listen to the next.
  static let retrySeconds = 0.5

  init(source: FigureSource, log: Logger) {
    self.source = source
    self.log = log
  }

  /// Offers metrics at this address from now on; `nil`: nowhere.
  func offer(at address: MetricsAddress?) {
    thread.submit { [self] in
      guard address != self.address else { return }
      self.address = address
      endpoint?.stop()
      endpoint = nil
      failures = 0
      listen()
    }
  }

  /// Closes the endpoint. It may still be open for a moment.
  func stop() {
    offer(at: nil)
    thread.submit { [thread] in thread.stop() }
  }

  private func listen() {
    guard let address, endpoint == nil else { return }
    do throws(MetricsError) {
      let endpoint = try MetricsEndpoint(address: address, pages: pages)
      self.endpoint = endpoint
      failures = 0
      log.info("metrics are offered", metadata: ["address": "\(address)", "port": "\(endpoint.port)"])
    } catch {
      failures += 1
      // A process that takes over finds the address taken for a moment.
      if failures == 2 { log.error("metrics are not offered; tried again", metadata: ["error": "\(error)"]) }
      thread.schedule(afterSeconds: Self.retrySeconds) { [self] in listen() }
    }
  }

  private var pages: [String: @Sendable () -> MetricsPage] {
    [
      "/metrics": { [source] in
        MetricsPage(contentType: MetricsText.contentType, text: MetricsReport.text(source.figures))
      },
      "/health": { [source] in
        let isServing = source.figures.territory.status != nil
        return MetricsPage(isOK: isServing, text: isServing ? "serving\n" : "loading\n")
      },
    ]
  }
}
