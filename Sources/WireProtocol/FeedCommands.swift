// Reports and changes as commands: what is asked for, read and checked.

import OutageModel

/// `REPORT.ADD` with its arguments.
public struct ReportRequest {
  public enum Place {
    case account(id: Bytes)
    case servicePoint(id: Bytes)
    case position(LonLat)
  }

  public var place: Place
  public var kind: ReportKind
  /// Printable, without spaces, 128 bytes at most.
  public var callId: Bytes?
  /// 1,000 bytes at most.
  public var note: Bytes?
  public var language: Bytes?
}

/// What a consumer of changes or reports asks for.
public enum FeedRequest: Sendable {
  case readReports(FeedRange)
  case acknowledgeReports(consumer: String, sequence: Int)
  case readChanges(FeedRange, ChangeFilter)
  case acknowledgeChanges(consumer: String, sequence: Int)
  case subscribe(from: FeedStart, ChangeFilter)
  case unsubscribe
}

/// Where to begin in a feed.
public enum FeedStart: Hashable, Sendable {
  /// 0: with the oldest that is kept.
  case sequence(Int)
  /// Behind what the consumer has acknowledged.
  case acknowledged(consumer: String)
  /// With what comes next.
  case now
}

/// Which part of a feed is read.
public struct FeedRange: Hashable, Sendable {
  public var from: FeedStart
  /// 1 to `countMax`.
  public var count = 100
  /// How long to wait where there is nothing yet.
  public var blockMilliseconds = 0

  public static let countMax = 10_000
  public static let blockMillisecondsMax = 60_000
}

extension CommandParser {
  /// The longest id of a call.
  public static let callIdBytesMax = 128
  public static let noteBytesMax = 1000

  func report(_ arguments: Arguments) throws(RequestError) -> ReportRequest {
    var index = 1
    func value(_ what: String) throws(RequestError) -> Bytes {
      guard index < arguments.count else { throw missing(what, .reportAdd) }
      defer { index += 1 }
      return arguments[index]
    }
    let place: ReportRequest.Place
    let word = try value("ACCOUNT, SERVICEPOINT or POINT")
    if Self.isWord(word, "ACCOUNT") || Self.isWord(word, "SERVICEPOINT") {
      let id = try value("an id")
      guard !id.isEmpty, id.count <= Self.idBytesMax else {
        throw RequestError(
          .badArgument,
          "expected an id of 1 to \(Self.idBytesMax) bytes, found \(id.count); \(usage(.reportAdd))")
      }
      place = Self.isWord(word, "ACCOUNT") ? .account(id: id) : .servicePoint(id: id)
    } else if Self.isWord(word, "POINT") {
      let (lon, lat) = (try value("a longitude"), try value("a latitude"))
      let (lonDegrees, latDegrees) = try Self.position(lon, lat)
      place = .position(LonLat(lonDegrees: lonDegrees, latDegrees: latDegrees))
    } else {
      throw RequestError(
        .badArgument,
        "expected ACCOUNT, SERVICEPOINT or POINT, found \(RequestError.quoted(word)); \(usage(.reportAdd))")
    }
    var kind: ReportKind?
    var (callId, note, language): (Bytes?, Bytes?, Bytes?)
    while index < arguments.count {
      let word = try value("")
      if Self.isWord(word, "KIND"), kind == nil {
        kind = try Self.kind(try value("a kind after KIND"), among: ReportKind.allCases)
      } else if Self.isWord(word, "CALL"), callId == nil {
        let id = try value("a call's id after CALL")
        guard !id.isEmpty else {
          throw RequestError(.badArgument, "expected a call's id after CALL, found nothing")
        }
        callId = try Self.label(id, "a call's id")
      } else if Self.isWord(word, "NOTE"), note == nil {
        let text = try value("a text after NOTE")
        guard text.count <= Self.noteBytesMax else {
          throw RequestError(
            .badArgument, "expected a note of at most \(Self.noteBytesMax) bytes, found \(text.count)")
        }
        note = text
      } else if Self.isWord(word, "LANG"), language == nil {
        language = try Self.languageTag(try value("a language tag after LANG"))
      } else {
        throw RequestError(
          .badArgument,
          "expected KIND, CALL, NOTE or LANG once each, found \(RequestError.quoted(word)); \(usage(.reportAdd))"
        )
      }
    }
    guard let kind else { throw missing("KIND", .reportAdd) }
    return ReportRequest(place: place, kind: kind, callId: callId, note: note, language: language)
  }

  func feed(_ id: CommandID, _ arguments: Arguments) throws(RequestError) -> FeedRequest {
    switch id {
    case .reportAck, .changesAck:
      let consumer = try Self.consumer(arguments[1])
      guard let sequence = Decimal.integer(arguments[2]), sequence >= 0 else {
        throw RequestError(
          .badArgument, "expected a sequence number of 0 or more, found \(RequestError.quoted(arguments[2]))")
      }
      return id == .reportAck
        ? .acknowledgeReports(consumer: consumer, sequence: sequence)
        : .acknowledgeChanges(consumer: consumer, sequence: sequence)
    case .reportRead: return .readReports(try options(arguments, id).range)
    case .changesRead:
      let (range, filter) = try options(arguments, id)
      return .readChanges(range, filter)
    case .changesSubscribe:
      let (range, filter) = try options(arguments, id)
      return .subscribe(from: range.from, filter)
    default: return .unsubscribe
    }
  }

  private func options(
    _ arguments: Arguments, _ id: CommandID
  ) throws(RequestError) -> (range: FeedRange, filter: ChangeFilter) {
    var (range, filter) = (FeedRange(from: .now), ChangeFilter())
    var index = 1
    var needsConsumer = false
    if index < arguments.count {
      if arguments[index].elementsEqual(">".utf8) {
        needsConsumer = true
        index += 1
      } else if let sequence = Decimal.integer(arguments[index]) {
        guard sequence >= 0 else {
          throw RequestError(.badArgument, "expected a sequence number of 0 or more, found \(sequence)")
        }
        range.from = .sequence(sequence)
        index += 1
      } else if id != .changesSubscribe {
        throw RequestError(
          .badArgument,
          "expected a sequence number or >, found \(RequestError.quoted(arguments[index])); \(usage(id))")
      }
    }
    func value(_ what: String) throws(RequestError) -> Bytes {
      index += 1
      guard index < arguments.count else { throw missing(what, id) }
      return arguments[index]
    }
    var consumer: String?
    while index < arguments.count {
      let word = arguments[index]
      if Self.isWord(word, "COUNT"), id != .changesSubscribe {
        range.count = try Self.integer(try value("a count"), 1...FeedRange.countMax, "COUNT")
      } else if Self.isWord(word, "BLOCK"), id != .changesSubscribe {
        range.blockMilliseconds = try Self.integer(
          try value("milliseconds"), 0...FeedRange.blockMillisecondsMax, "BLOCK in milliseconds")
      } else if Self.isWord(word, "CONSUMER") {
        consumer = try Self.consumer(try value("a consumer's name"))
      } else if Self.isWord(word, "KIND"), id != .reportRead {
        filter.kinds.insert(try Self.kind(try value("a kind after KIND"), among: ChangeKind.allCases))
        // KIND takes all kinds that follow it.
        while index + 1 < arguments.count,
          let kind = ChangeKind(rawValue: String(decoding: arguments[index + 1], as: UTF8.self))
        {
          filter.kinds.insert(kind)
          index += 1
        }
      } else if Self.isWord(word, "CRITICAL"), id != .reportRead {
        filter.criticalOnly = true
      } else if Self.isWord(word, "FEEDER"), id != .reportRead {
        filter.feederId = String(decoding: try value("a feeder's id"), as: UTF8.self)
      } else {
        throw RequestError(.badArgument, "unexpected \(RequestError.quoted(word)); \(usage(id))")
      }
      index += 1
    }
    if needsConsumer {
      guard let consumer else { throw missing("CONSUMER, whose position > means", id) }
      range.from = .acknowledged(consumer: consumer)
    }
    return (range, filter)
  }

  private static func kind<Kind: RawRepresentable>(
    _ bytes: Bytes, among all: [Kind]
  ) throws(RequestError) -> Kind where Kind.RawValue == String {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let kind = all.first(where: { $0.rawValue.lowercased() == text.lowercased() }) else {
      throw RequestError(
        .badArgument,
        "expected one of \(all.map(\.rawValue).joined(separator: ", ")) after KIND, found \(RequestError.quoted(bytes))"
      )
    }
    return kind
  }

  private static func consumer(_ bytes: Bytes) throws(RequestError) -> String {
    guard !bytes.isEmpty else {
      throw RequestError(.badArgument, "expected a consumer's name, found nothing")
    }
    return String(decoding: try label(bytes, "a consumer's name"), as: UTF8.self)
  }

  private static func integer(
    _ bytes: Bytes, _ range: ClosedRange<Int>, _ what: StaticString
  ) throws(RequestError) -> Int {
    guard let value = Decimal.integer(bytes), range.contains(value) else {
      throw RequestError(
        .badArgument,
        "expected \(what) from \(range.lowerBound) to \(range.upperBound), found \(RequestError.quoted(bytes))"
      )
    }
    return value
  }
}
