// The hot path of one event loop: request bytes in, command, look-up, reply bytes out.

import ByteBuffers
import CallerAnswer
import OutageModel
import Territory
import WireProtocol

/// What a loop answers from. Replaced as a whole when a layer is published or the clock has moved on.
public final class ServedState: Sendable {
  /// `nil` until the first Territory is there.
  public let sheet: AnswerSheet?
  /// The `NEAR` of a query that has none.
  public let nearMetres: Double
  public let defaultCountryCode: String

  public init(sheet: AnswerSheet?, nearMetres: Double, defaultCountryCode: String) {
    self.sheet = sheet
    self.nearMetres = nearMetres
    self.defaultCountryCode = defaultCountryCode
  }

  fileprivate var uncountedSheet: Unmanaged<AnswerSheet>? { sheet.map { .passUnretained($0) } }
}

/// Answers the requests of one event loop's connections. Used on that loop's thread only, without locks; in steady state a lookup
/// allocates nothing.
public struct QueryResponder: ~Copyable {
  public var state: ServedState { didSet { sheet = state.uncountedSheet } }
  /// The state's, which keeps it. Not counted: with each request all loops would write to the same lines of memory.
  private(set) var sheet: Unmanaged<AnswerSheet>?
  private let parser: CommandParser
  private let identity: ServerIdentity
  private let information: @Sendable ([String]) -> String
  private var composer = AnswerComposer()
  /// Of an `MPOINT`, as many as are found at once.
  private var positions: [LonLat] = []
  let counters: RequestCounters

  /// How a connection goes on after a request.
  enum Outcome {
    case keep
    case closeAfterReplies
    /// Nothing is written yet: the receipt comes when the report is stored.
    case report(ReportIntake)
  }

  /// The most bytes of one `MACCOUNT` or `MPOINT` reply; further elements are errors.
  public static let multipleReplyBytesMax = 16 << 20

  /// - Parameters:
  ///   - counters: count what this loop answers.
  ///   - information: the text of `INFO` for the sections that are asked for; none: all.
  public init(
    state: ServedState, parser: CommandParser, identity: ServerIdentity,
    counters: RequestCounters = RequestCounters(),
    information: @escaping @Sendable ([String]) -> String
  ) {
    self.state = state
    sheet = state.uncountedSheet
    self.parser = parser
    self.identity = identity
    self.counters = counters
    self.information = information
  }

  /// Carries out one request and appends its reply.
  @inline(__always)
  mutating func answer(
    _ arguments: Arguments, session: inout SessionState, into output: inout ByteBuffer
  ) -> Outcome {
    do throws(RequestError) {
      let command = try parser.parse(arguments, role: .query)
      return try answer(command, session: &session, into: &output)
    } catch {
      counters.count(error.word)
      output.appendError(error)
      return .keep
    }
  }

  private mutating func answer(
    _ command: Command, session: inout SessionState, into output: inout ByteBuffer
  ) throws(RequestError) -> Outcome {
    counters.count(command.id)
    switch command {
    case .account(let id, let options):
      answer(try loadedSheet(), options, session, &output) { $0.rows(account: id.text) }
    case .phone(let number, let options):
      let sheet = try loadedSheet()
      let digits = try digits(phone: number)
      answer(sheet, options, session, &output) { $0.rows(phoneDigits: digits) }
    case .meter(let id, let options):
      answer(try loadedSheet(), options, session, &output) { $0.rows(meter: id.text) }
    case .servicePoint(let id, let options):
      answer(try loadedSheet(), options, session, &output) { $0.rows(servicePoint: id.text) }
    case .point(let lonDegrees, let latDegrees, let options):
      answer(try loadedSheet(), LonLat(lonDegrees: lonDegrees, latDegrees: latDegrees), options, &output)
    case .accounts(let ids):
      let sheet = try loadedSheet()
      let start = output.count
      output.appendArrayHeader(ids.count)
      for index in 0..<ids.count {
        if isTooLong(since: start, &output) { continue }
        answer(sheet, LookupOptions(), session, &output) { $0.rows(account: ids[index].text) }
      }
    case .points(let positions):
      let sheet = try loadedSheet()
      // Checked as a whole first: a reply is an array of answers, or one error.
      for index in 0..<positions.count { _ = try positions.position(index) }
      let start = output.count
      output.appendArrayHeader(positions.count)
      for first in stride(from: 0, to: positions.count, by: AnswerComposer.positionsMax) {
        self.positions.removeAll(keepingCapacity: true)
        for index in first..<min(first + AnswerComposer.positionsMax, positions.count) {
          let (lonDegrees, latDegrees) = try positions.position(index)
          self.positions.append(LonLat(lonDegrees: lonDegrees, latDegrees: latDegrees))
        }
        answerPositions(sheet, since: start, &output)
      }
    case .session(let command):
      switch session.answer(command, by: identity, parser: parser, into: &output) {
      case .keep: break
      case .closeAfterReplies: return .closeAfterReplies
      }
    case .reportAdd(let request):
      let sheet = try loadedSheet().takeUnretainedValue()
      let language = request.language.map { sheet.language($0.text) } ?? 0
      return .report(try ReportIntake(request, sheet: sheet, language: language, receivedAt: systemClock()))
    case .info(let sections):
      let names = (0..<sections.count).map { String(decoding: sections[$0], as: UTF8.self).lowercased() }
      output.appendVerbatim(information(names), session.version)
    case .layerPublish, .layerStatus, .layerRollback, .layerAccept, .addressesReload, .handoverBegin,
      .handoverCommit, .metrics:
      throw RequestError(.notPermitted, "served on the admin socket only")
    case .feed: throw RequestError(.notPermitted, "served on the feed and admin sockets only")
    }
    return .keep
  }

  @inline(__always)
  private func loadedSheet() throws(RequestError) -> Unmanaged<AnswerSheet> {
    guard let sheet else {
      throw RequestError(.loading, "the territory is being loaded; ask again in a moment")
    }
    return sheet
  }

  @inline(__always)
  private mutating func answer(
    _ sheet: Unmanaged<AnswerSheet>, _ options: LookupOptions, _ session: SessionState,
    _ output: inout ByteBuffer, _ rows: (ServicePointTable) -> RowList
  ) {
    sheet._withUnsafeGuaranteedRef { sheet in
      let rows = sheet.withServicePoints(rows)
      guard !rows.isEmpty else {
        counters.countUnknownKey()
        output.appendNull(session.version)
        return
      }
      let start = output.beginBulk()
      composer.answer(
        rows: rows, nearMetres: options.nearMetres ?? state.nearMetres,
        language: Self.language(options, sheet),
        sheet: sheet, into: &output)
      output.endBulk(from: start)
    }
  }

  @inline(__always)
  private mutating func answer(
    _ sheet: Unmanaged<AnswerSheet>, _ position: LonLat, _ options: LookupOptions,
    _ output: inout ByteBuffer
  ) {
    sheet._withUnsafeGuaranteedRef { sheet in
      let start = output.beginBulk()
      composer.answer(
        position: position, nearMetres: options.nearMetres ?? state.nearMetres,
        language: Self.language(options, sheet), sheet: sheet, into: &output)
      output.endBulk(from: start)
    }
  }

  /// Appends one answer each for the positions at hand.
  private mutating func answerPositions(
    _ sheet: Unmanaged<AnswerSheet>, since start: Int, _ output: inout ByteBuffer
  ) {
    sheet._withUnsafeGuaranteedRef { sheet in
      composer.find(positions: positions, sheet: sheet)
      for number in positions.indices {
        if isTooLong(since: start, &output) { continue }
        let bulk = output.beginBulk()
        composer.answer(
          found: number, nearMetres: state.nearMetres, language: 0, sheet: sheet, into: &output)
        output.endBulk(from: bulk)
      }
    }
  }

  @inline(__always)
  private static func language(_ options: LookupOptions, _ sheet: AnswerSheet) -> Int {
    options.language.map { sheet.language($0.text) } ?? 0
  }

  /// E.164 is read without a detour; what else people write is normalised as the address data was.
  private func digits(phone number: Bytes) throws(RequestError) -> UInt64 {
    if let digits = E164Digits.read(number) { return digits }
    let text = String(decoding: number, as: UTF8.self)
    guard let e164 = E164.normalize(text, defaultCountryCode: state.defaultCountryCode),
      let digits = phoneDigits(e164)
    else {
      throw RequestError(
        .badArgument,
        "expected a phone number such as +15305550100 or (530) 555-0100, found '\(text.prefix(40))'")
    }
    return digits
  }

  private func isTooLong(since start: Int, _ output: inout ByteBuffer) -> Bool {
    guard output.count - start > Self.multipleReplyBytesMax else { return false }
    output.appendError(
      RequestError(
        .tooBig, "the reply has grown beyond \(Self.multipleReplyBytesMax) bytes; ask for fewer at once"))
    return true
  }
}

extension Bytes {
  /// The same bytes, bound to `UInt8`.
  @inline(__always)
  fileprivate var text: UnsafeBufferPointer<UInt8> { assumingMemoryBound(to: UInt8.self) }
}
