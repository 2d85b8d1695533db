// Between the reactor and the commands: one event loop's connections, their sessions, and what they are allowed.

import ByteBuffers
import Reactor
import WireProtocol

/// The sockets that a daemon listens on, by the tag that the reactor knows them by.
enum ListenerTag: Int {
  case query = 0
  case admin = 1
  case feed = 2

  var role: CommandSpec.Role {
    switch self {
    case .query: .query
    case .admin: .admin
    case .feed: .feed
    }
  }
}

/// A request of the admin socket that takes longer than an event loop may.
enum AdminRequest: Sendable {
  case publish(path: String, optionsJSON: String?)
  case rollBack(version: Int, isDryRun: Bool)
  case acceptFeed(name: String)
  case status
  case reloadAddresses
  case beginHandover
  case commitHandover
  /// Not asked for by anybody: the connection has closed.
  case adminIsGone
}

/// What is answered beside the path of lookups. What takes longer than an event loop may completes the connection when it is done.
struct Services: Sendable {
  var admin: @Sendable (AdminRequest, ConnectionID, EventLoop) -> Void
  var report: @Sendable (ReportIntake, ConnectionID, EventLoop) -> Void
  var metrics: @Sendable () -> String
  var feed: @Sendable (FeedRequest, RESPVersion, ConnectionID, EventLoop) -> Void
  /// A connection that has sent one of those is closed.
  var feedIsGone: @Sendable (ConnectionID) -> Void
}

/// Serves the connections of one event loop. On that loop's thread only.
final class SocketHandler: ConnectionHandler {
  // Unchecked, as each request asks it, and a run-time exclusivity check costs as much as reading the request. Invariant: an answer ends before the state
  // is another one, as both come from the loop.
  @exclusivity(unchecked) private var responder: QueryResponder
  private let requests = RequestParser()
  private let readAhead: ReadAhead
  private let parser: CommandParser
  private let sessions = SessionTable()
  /// By the connection's slot. Unchecked, likewise.
  @exclusivity(unchecked) private var roles: [CommandSpec.Role] = []
  private let services: Services
  /// Those that read changes or reports, or have subscribed.
  private var followers: Set<ConnectionID> = []
  private unowned let loop: EventLoop

  init(
    loop: EventLoop, responder: consuming QueryResponder, parser: CommandParser, services: Services
  ) {
    self.loop = loop
    self.responder = responder
    self.parser = parser
    readAhead = ReadAhead(parser)
    self.services = services
  }

  /// Answers from `state` from the next request on.
  func serve(_ state: ServedState) { responder.state = state }

  func opened(_ connection: ConnectionID, listenerTag: Int) {
    let slot = Int(connection.slot)
    while roles.count <= slot { roles.append(.query) }
    // Unique over all loops and generations, for `CLIENT ID`.
    let id = Int(connection.generation) << 40 | Int(connection.loop) << 32 | slot + 1
    sessions.begin(slot: slot, id: id)
    roles[slot] = ListenerTag(rawValue: listenerTag)?.role ?? .query
  }

  func closed(_ connection: ConnectionID, because reason: CloseReason) {
    if followers.remove(connection) != nil { services.feedIsGone(connection) }
    if roles[Int(connection.slot)] == .admin { services.admin(.adminIsGone, connection, loop) }
  }

  func willHandle(_ inputs: UnsafeBufferPointer<UnsafeRawBufferPointer>) {
    responder.sheet?._withUnsafeGuaranteedRef { readAhead.fetchFirst(of: inputs, $0) }
  }

  func handle(
    _ input: UnsafeRawBufferPointer, of connection: ConnectionID, budget: TurnBudget, output: inout ByteBuffer
  ) -> Verdict {
    let session = sessions[Int(connection.slot)]
    let role = roles[Int(connection.slot)]
    var consumed = 0
    var count = 0
    let outputStart = output.count
    // Requests from here on whose data is being fetched. Not before the first is answered: then no byte of a request that comes in pieces is looked at again.
    var fetchedCount = 1
    while count < budget.requestCount && output.count - outputStart < budget.outputByteCount {
      let rest = UnsafeRawBufferPointer(rebasing: input[consumed...])
      if fetchedCount == 0, rest.count > 0, let sheet = responder.sheet {
        fetchedCount = sheet._withUnsafeGuaranteedRef { readAhead.fetch(rest, $0) }
      }
      fetchedCount = max(0, fetchedCount - 1)
      switch requests.next(in: rest, &session.pointee.progress) {
      case .needMore:
        return Verdict(consumedByteCount: consumed, requestCount: count, next: .wait)
      case .failed(let error):
        output.appendError(error)
        return Verdict(consumedByteCount: input.count, requestCount: count + 1, next: .close)
      case .request(let arguments, let byteCount):
        consumed += byteCount
        if arguments.count == 0 { continue }
        count += 1
        switch answer(arguments, connection, role, session, &output) {
        case .wait: continue
        case let next: return Verdict(consumedByteCount: consumed, requestCount: count, next: next)
        }
      }
    }
    return Verdict(consumedByteCount: consumed, requestCount: count, next: .more)
  }

  @inline(__always)
  private func answer(
    _ arguments: Arguments, _ connection: ConnectionID, _ role: CommandSpec.Role,
    _ session: UnsafeMutablePointer<SessionState>, _ output: inout ByteBuffer
  ) -> Verdict.Next {
    if role != .query, let next = answerSlowly(arguments, connection, role, session, &output) { return next }
    switch responder.answer(arguments, session: &session.pointee, into: &output) {
    case .keep: return .wait
    case .closeAfterReplies: return .close
    case .report(let intake):
      services.report(intake, connection, loop)
      return .deferred
    }
  }

  /// `nil` for a command that every socket serves.
  private func answerSlowly(
    _ arguments: Arguments, _ connection: ConnectionID, _ role: CommandSpec.Role,
    _ session: UnsafeMutablePointer<SessionState>, _ output: inout ByteBuffer
  ) -> Verdict.Next? {
    let command: Command
    do throws(RequestError) {
      command = try parser.parse(arguments, role: role)
    } catch {
      responder.counters.count(error.word)
      output.appendError(error)
      return .wait
    }
    func text(_ bytes: Bytes) -> String { String(decoding: bytes, as: UTF8.self) }
    switch command {
    case .layerPublish(let path, let optionsJSON):
      services.admin(.publish(path: text(path), optionsJSON: optionsJSON.map(text)), connection, loop)
    case .metrics:
      responder.counters.count(.metrics)
      output.appendVerbatim(services.metrics(), session.pointee.version)
      return .wait
    case .layerStatus: services.admin(.status, connection, loop)
    case .layerRollback(let version, let isDryRun):
      services.admin(.rollBack(version: version, isDryRun: isDryRun), connection, loop)
    case .layerAccept(let feed): services.admin(.acceptFeed(name: text(feed)), connection, loop)
    case .addressesReload: services.admin(.reloadAddresses, connection, loop)
    case .handoverBegin: services.admin(.beginHandover, connection, loop)
    case .handoverCommit: services.admin(.commitHandover, connection, loop)
    case .feed(let request):
      followers.insert(connection)
      services.feed(request, session.pointee.version, connection, loop)
    default: return nil
    }
    responder.counters.count(command.id)
    return .deferred
  }
}
