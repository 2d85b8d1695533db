// What is asked on the admin socket: carried out on the control thread, and answered when it is done.

import Feeds
import Foundation
import LayerImport
import LayerStore
import Logging
import OutageModel
import Reactor
import Synchronization
import Territory
import WireProtocol

extension ControlPlane {
  /// Carries out a request of the admin socket and completes the connection that waits for it.
  func carryOut(_ request: AdminRequest, for connection: ConnectionID, on loop: EventLoop) {
    thread.submit { [self] in
      switch request {
      case .adminIsGone:
        if successor == connection {
          successor = nil
          handover.withLock { $0 }?.isFrozen(false)
          log.error("the process that was taking over is gone; serving on")
        }
        return
      case .beginHandover: return beginHandover(to: connection, on: loop)
      default: break
      }
      let reply = { @Sendable (outcome: Result<String, RequestError>) in
        _ = loop.submit { loop in
          loop.complete(connection, next: .wait) { output in
            switch outcome {
            case .success(let text): output.appendBulk(text)
            case .failure(let error): output.appendError(error)
            }
          }
        }
      }
      carryOut(request, from: connection, reply)
    }
  }

  private func carryOut(
    _ request: AdminRequest, from connection: ConnectionID,
    _ reply: @escaping @Sendable (Result<String, RequestError>) -> Void
  ) {
    var answersErrorsWithJSON = false
    do {
      switch request {
      case .adminIsGone, .beginHandover: preconditionFailure("carried out before")
      case .commitHandover:
        try commitHandover(from: connection)
        reply(.success("OK"))
      case .status:
        reply(
          .success(try StatusReport(directory: directory, store: publisher.store, served: served()).json()))
      case .reloadAddresses:
        try checkNoHandover()
        let isNew = try publisher.reloadAddresses()
        countServicePointsOut()
        let count = publisher.territory.servicePoints.rowCount
        let answer = "{\"reloaded\":\(isNew),\"servicePoints\":\(count)}"
        render(keepingSnapshot: isNew) { reply(.success(answer)) }
      case .rollBack(let version, let isDryRun):
        try checkNoHandover()
        let outcome = try publisher.rollBack(to: version, isDryRun: isDryRun)
        let answer = { @Sendable (outcome: PublishOutcome) in reply(.success(outcome.json())) }
        if outcome.version == nil { answer(outcome) } else { serve(outcome, answer) }
      case .acceptFeed(let name):
        guard let feeds else { throw FeedError.unknown(name, known: []) }
        feeds.accept(name) { reply($0.mapError { RequestError(.failed, $0.description) }) }
      case .publish(let path, let optionsJSON):
        let options = try optionsJSON.map(PublishRequest.init(json:)) ?? PublishRequest()
        answersErrorsWithJSON = options.errorsAsJSON ?? false
        try checkNoHandover()
        let outcome = try publisher.publish(
          file: path, options: options.importOptions(configuration), isDryRun: options.dryRun ?? false)
        let answer = { @Sendable (outcome: PublishOutcome) in reply(.success(outcome.json())) }
        if outcome.version == nil { answer(outcome) } else { serve(outcome, answer) }
      }
    } catch {
      let text = noteFailure(error, "request of the admin socket failed")
      if answersErrorsWithJSON {
        reply(.success(failureJSON(error)))
      } else {
        reply(
          .failure(RequestError(Self.word(for: error), text.split(separator: "\n").joined(separator: "; "))))
      }
    }
  }

  private static func word(for error: any Error) -> RequestError.Word {
    switch error {
    case is ConfigurationError: .badArgument
    case StoreError.noSuchVersion: .unknown
    default: .failed
    }
  }
}

/// A failed publish as JSON: `published` false, `error`, and the report where the file was read.
public func failureJSON(_ error: any Error) -> String {
  struct Failure: Encodable {
    var published = false
    var error: String
    var reportText: String?
  }
  var reportText: String?
  if case ImportError.tooManyRejected(let report) = error { reportText = report.text }
  return encodeJSON(Failure(error: "\(error)", reportText: reportText))
}
