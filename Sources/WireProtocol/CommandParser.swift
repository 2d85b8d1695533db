// Turns a request's arguments into a command, or into the error that says what was expected.

/// Recognises commands and reads their arguments. Immutable; one may serve all threads.
public struct CommandParser: Sendable {
  private let commands: NameIndex
  private let ids = CommandID.allCases
  private let clientSubcommands: NameIndex
  private let commandSubcommands: NameIndex

  /// The largest distance of `NEAR`.
  public static let nearMetresMax = 50_000.0
  /// The longest id of an account, a meter or a service point that is looked up.
  public static let idBytesMax = 256

  public init() {
    commands = NameIndex(CommandTable.all.map(\.name))
    clientSubcommands = NameIndex(CommandTable[.client].subcommands.map(\.name))
    commandSubcommands = NameIndex(CommandTable[.command].subcommands.map(\.name))
  }

  /// Reads one request.
  /// - Parameters:
  ///   - arguments: at least one, the command's name.
  ///   - role: what the socket serves; `admin` serves everything.
  /// - Throws: `UNKNOWN` for a name that the table does not hold, `NOPERM` for an admin command on the query socket, `BADARG` for
  ///   arguments that are missing, superfluous, malformed or out of range.
  @inline(__always)
  public func parse(_ arguments: Arguments, role: CommandSpec.Role) throws(RequestError) -> Command {
    guard let position = commands.position(of: arguments[0]) else { throw unknown(arguments[0]) }
    let id = ids[position]
    switch id {
    case .account:
      let (key, options) = try lookup(arguments, id)
      return .account(id: key, options)
    case .phone:
      let (key, options) = try lookup(arguments, id)
      return .phone(number: key, options)
    case .meter:
      let (key, options) = try lookup(arguments, id)
      return .meter(id: key, options)
    case .servicePoint:
      let (key, options) = try lookup(arguments, id)
      return .servicePoint(id: key, options)
    case .point:
      guard arguments.count >= 3 else { throw wrongCount(id) }
      let (lonDegrees, latDegrees) = try Self.position(arguments[1], arguments[2])
      let options = arguments.count == 3 ? LookupOptions() : try self.options(arguments, from: 3, id)
      return .point(lonDegrees: lonDegrees, latDegrees: latDegrees, options)
    default:
      return try parseRare(id, arguments, role)
    }
  }

  /// What a request looks up by a key, said before the request is read in full, for fetching what its answer will need: nothing is checked but that there is
  /// such a key. `nil` for every other request.
  @inline(__always)
  public func lookupKey(_ arguments: Arguments) -> (command: CommandID, key: Bytes)? {
    guard arguments.count >= 2, let position = commands.position(of: arguments[0]) else { return nil }
    switch ids[position] {
    case .account, .phone, .meter, .servicePoint: return (ids[position], arguments[1])
    default: return nil
    }
  }

  /// What is not a single lookup.
  @inline(never)
  private func parseRare(
    _ id: CommandID, _ arguments: Arguments, _ role: CommandSpec.Role
  ) throws(RequestError) -> Command {
    let spec = CommandTable[id]
    guard role.serves(spec.role) else {
      let sockets = spec.role == .admin ? "admin socket" : "feed and admin sockets"
      throw RequestError(.notPermitted, "\(spec.name) is served on the \(sockets) only")
    }
    let arity = spec.arity()
    guard arity < 0 ? arguments.count >= -arity || !spec.subcommands.isEmpty : arguments.count == arity else {
      throw wrongCount(id)
    }
    switch id {
    case .account, .phone, .meter, .servicePoint, .point:
      preconditionFailure("read by parse")
    case .accounts:
      for index in 1..<arguments.count { try checkKey(arguments[index], id) }
      return .accounts(ids: arguments.dropFirst(1))
    case .points:
      guard arguments.count % 2 == 1 else {
        throw RequestError(
          .badArgument,
          "expected pairs of longitude and latitude, found \(arguments.count - 1) numbers; \(usage(id))")
      }
      return .points(Positions(arguments: arguments.dropFirst(1)))
    case .reportAdd: return .reportAdd(try report(arguments))
    case .reportRead, .reportAck, .changesRead, .changesAck, .changesSubscribe, .changesUnsubscribe:
      return .feed(try feed(id, arguments))
    case .layerPublish:
      guard arguments.count <= 3 else { throw wrongCount(id) }
      guard !arguments[1].isEmpty else {
        throw RequestError(.badArgument, "expected a path, found nothing; \(usage(id))")
      }
      return .layerPublish(path: arguments[1], optionsJSON: arguments.count == 3 ? arguments[2] : nil)
    case .layerStatus: return .layerStatus
    case .layerRollback:
      guard let version = Decimal.integer(arguments[1]), version > 0 else {
        throw RequestError(
          .badArgument, "expected a layer version of 1 or more, found \(RequestError.quoted(arguments[1]))")
      }
      guard arguments.count == 2 || arguments.count == 3 && Self.isWord(arguments[2], "DRYRUN") else {
        throw RequestError(
          .badArgument, "expected DRYRUN or nothing behind the version; \(usage(id))")
      }
      return .layerRollback(version: version, isDryRun: arguments.count == 3)
    case .layerAccept: return .layerAccept(feed: arguments[1])
    case .addressesReload: return .addressesReload
    case .handoverBegin: return .handoverBegin
    case .handoverCommit: return .handoverCommit
    case .info: return .info(sections: arguments.dropFirst(1))
    case .metrics: return .metrics
    case .ping:
      guard arguments.count <= 2 else { throw wrongCount(id) }
      return .session(.ping(message: arguments.count == 2 ? arguments[1] : nil))
    case .echo: return .session(.echo(message: arguments[1]))
    case .hello: return .session(try hello(arguments))
    case .auth:
      guard arguments.count <= 3 else { throw wrongCount(id) }
      return .session(.auth)
    case .select:
      guard Decimal.integer(arguments[1]) == 0 else {
        throw RequestError(
          .badArgument, "expected database 0, the only one, found \(RequestError.quoted(arguments[1]))")
      }
      return .session(.select)
    case .reset: return .session(.reset)
    case .quit: return .session(.quit)
    case .client: return .session(try client(arguments))
    case .command: return .session(try command(arguments))
    case .config:
      guard arguments.count >= 3, Self.isWord(arguments[1], "GET") else {
        throw RequestError(
          .badArgument, "expected CONFIG GET parameter [parameter ...]; settings cannot be changed here")
      }
      return .session(.configGet(names: arguments.dropFirst(2)))
    }
  }
}

// MARK: - Lookups

extension CommandParser {
  @inline(__always)
  private func lookup(_ arguments: Arguments, _ id: CommandID) throws(RequestError) -> (Bytes, LookupOptions)
  {
    guard arguments.count >= 2 else { throw wrongCount(id) }
    let key = arguments[1]
    if _slowPath(key.isEmpty || key.count > Self.idBytesMax) { try checkKey(key, id) }
    if arguments.count == 2 { return (key, LookupOptions()) }
    return (key, try options(arguments, from: 2, id))
  }

  func checkKey(_ key: Bytes, _ id: CommandID) throws(RequestError) {
    guard !key.isEmpty, key.count <= Self.idBytesMax else {
      throw RequestError(
        .badArgument,
        "expected \(CommandTable[id].arguments[0].name) to have 1 to \(Self.idBytesMax) bytes, found \(key.count)"
      )
    }
  }

  @inline(never)
  private func options(
    _ arguments: Arguments, from start: Int, _ id: CommandID
  ) throws(RequestError) -> LookupOptions {
    var options = LookupOptions()
    var index = start
    while index < arguments.count {
      let word = arguments[index]
      if Self.isWord(word, "NEAR"), options.nearMetres == nil {
        guard index + 1 < arguments.count else { throw missing("metres after NEAR", id) }
        options.nearMetres = try Self.number(
          arguments[index + 1], 0...Self.nearMetresMax, "NEAR in metres")
        index += 2
      } else if Self.isWord(word, "LANG"), options.language == nil {
        guard index + 1 < arguments.count else { throw missing("a language tag after LANG", id) }
        options.language = try Self.languageTag(arguments[index + 1])
        index += 2
      } else {
        throw RequestError(
          .badArgument,
          "expected NEAR or LANG once each, found \(RequestError.quoted(word)); \(usage(id))"
        )
      }
    }
    return options
  }

  @inline(__always)
  static func position(_ lon: Bytes, _ lat: Bytes) throws(RequestError) -> (
    lonDegrees: Double, latDegrees: Double
  ) {
    (try number(lon, -180...180, "a longitude"), try number(lat, -90...90, "a latitude"))
  }

  @inline(__always)
  private static func number(
    _ bytes: Bytes, _ range: ClosedRange<Double>, _ what: StaticString
  ) throws(RequestError) -> Double {
    guard let value = Decimal.double(bytes), value >= range.lowerBound, value <= range.upperBound else {
      throw outOfRange(bytes, range, what)
    }
    return value
  }

  @inline(never)
  private static func outOfRange(
    _ bytes: Bytes, _ range: ClosedRange<Double>, _ what: StaticString
  ) -> RequestError {
    RequestError(
      .badArgument,
      "expected \(what) from \(Int(range.lowerBound)) to \(Int(range.upperBound)) as a decimal number, found \(RequestError.quoted(bytes))"
    )
  }

  static func languageTag(_ bytes: Bytes) throws(RequestError) -> Bytes {
    let isTag =
      (1...35).contains(bytes.count)
      && bytes.allSatisfy {
        ($0 | 0x20) &- 0x61 < 26 || $0 &- 0x30 < 10 || $0 == UInt8(ascii: "-")
      }
    guard isTag else {
      throw RequestError(
        .badArgument,
        "expected a language tag such as en or es-MX after LANG, found \(RequestError.quoted(bytes))")
    }
    return bytes
  }
}

// MARK: - The connection's commands

extension CommandParser {
  private func hello(_ arguments: Arguments) throws(RequestError) -> SessionCommand {
    guard arguments.count > 1 else { return .hello(version: nil, name: nil) }
    guard let number = Decimal.integer(arguments[1]),
      let version = RESPVersion(rawValue: UInt8(clamping: number))
    else {
      // Client libraries look for Redis's own word to fall back to RESP2.
      throw RequestError(
        .badArgument, "NOPROTO expected protocol version 2 or 3, found \(RequestError.quoted(arguments[1]))")
    }
    var name: Bytes?
    var index = 2
    while index < arguments.count {
      if Self.isWord(arguments[index], "AUTH"), index + 2 < arguments.count {
        index += 3
      } else if Self.isWord(arguments[index], "SETNAME"), index + 1 < arguments.count {
        name = try Self.label(arguments[index + 1], "a client name")
        index += 2
      } else {
        throw RequestError(
          .badArgument,
          "expected AUTH username password or SETNAME clientname, found \(RequestError.quoted(arguments[index]))"
        )
      }
    }
    return .hello(version: version, name: name)
  }

  private func client(_ arguments: Arguments) throws(RequestError) -> SessionCommand {
    let (position, spec) = try subcommand(arguments, clientSubcommands, of: .client)
    switch position {
    case 0: return .clientSetName(try Self.label(arguments[2], "a client name"))
    case 1: return .clientGetName
    case 2:
      if Self.isWord(arguments[2], "LIB-NAME") {
        return .clientSetLibraryName(try Self.label(arguments[3], "a library name"))
      }
      if Self.isWord(arguments[2], "LIB-VER") {
        return .clientSetLibraryVersion(try Self.label(arguments[3], "a library version"))
      }
      throw RequestError(
        .badArgument, "expected LIB-NAME or LIB-VER, found \(RequestError.quoted(arguments[2]))")
    case 3: return .clientID
    case 4: return .clientInfo
    default:
      guard Self.isWord(arguments[2], "ON") || Self.isWord(arguments[2], "OFF") else {
        throw RequestError(
          .badArgument,
          "expected ON or OFF after CLIENT \(spec.name), found \(RequestError.quoted(arguments[2]))")
      }
      return .clientAccepted
    }
  }

  private func command(_ arguments: Arguments) throws(RequestError) -> SessionCommand {
    guard arguments.count > 1 else { return .commandAll }
    switch try subcommand(arguments, commandSubcommands, of: .command).position {
    case 0: return .commandCount
    case 1: return .commandDocs(names: arguments.dropFirst(2))
    case 2: return .commandInfo(names: arguments.dropFirst(2))
    default: return .commandList
    }
  }

  private func subcommand(
    _ arguments: Arguments, _ index: NameIndex, of id: CommandID
  ) throws(RequestError) -> (position: Int, spec: CommandSpec) {
    let parent = CommandTable[id]
    let names = parent.subcommands.map(\.name).joined(separator: ", ")
    guard arguments.count > 1 else { throw missing("one of \(names)", id) }
    guard let position = index.position(of: arguments[1]) else {
      throw RequestError(
        .unknown,
        "subcommand \(RequestError.quoted(arguments[1])) of \(parent.name); expected one of \(names)")
    }
    let spec = parent.subcommands[position]
    let arity = spec.arity(isSubcommand: true)
    guard arity < 0 ? arguments.count >= -arity : arguments.count == arity else {
      throw RequestError(.badArgument, "wrong number of arguments; expected \(parent.name) \(spec.usage)")
    }
    return (position, spec)
  }

  /// A name that can stand in a line of `name=value` pairs.
  static func label(_ bytes: Bytes, _ what: StaticString) throws(RequestError) -> Bytes {
    guard bytes.count <= 128, bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw RequestError(
        .badArgument,
        "expected \(what) of at most 128 printable characters without spaces, found \(RequestError.quoted(bytes))"
      )
    }
    return bytes
  }
}

// MARK: - Words and errors

extension CommandParser {
  /// Whether `bytes` spells `word`, which is upper case, whatever its own case.
  @inline(__always)
  static func isWord(_ bytes: Bytes, _ word: StaticString) -> Bool {
    guard bytes.count == word.utf8CodeUnitCount else { return false }
    for offset in 0..<bytes.count {
      let byte = bytes[offset]
      let upper = byte &- 0x61 < 26 ? byte & 0xDF : byte
      if upper != word.utf8Start[offset] { return false }
    }
    return true
  }

  /// The command of this name.
  func id(of name: Bytes) -> CommandID? {
    commands.position(of: name).flatMap(CommandID.init(rawValue:))
  }

  @inline(never)
  private func unknown(_ name: Bytes) -> RequestError {
    RequestError(.unknown, "command \(RequestError.quoted(name)); COMMAND DOCS lists those that are known")
  }

  @inline(never)
  func wrongCount(_ id: CommandID) -> RequestError {
    RequestError(.badArgument, "wrong number of arguments; \(usage(id))")
  }

  func missing(_ what: String, _ id: CommandID) -> RequestError {
    RequestError(.badArgument, "expected \(what), found the end of the request; \(usage(id))")
  }

  func usage(_ id: CommandID) -> String {
    "usage: \(CommandTable[id].usage)"
  }
}
