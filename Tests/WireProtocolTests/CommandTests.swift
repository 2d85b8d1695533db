// The command table, the search for a name in it, and the reading of arguments.

import ByteBuffers
import OutageModel
import TestSupport
import Testing

@testable import WireProtocol

private let parser = CommandParser()

/// Parses one request and describes the command, or throws its error.
func describe(
  _ words: [String], role: CommandSpec.Role = .query
) throws(RequestError) -> String {
  let requests = RequestParser(limits: RequestLimits(requestBytesMax: 1 << 20))
  var progress = RequestProgress()
  let bytes = request(words)
  var result: Result<String, RequestError>!
  bytes.withUnsafeBytes { bytes in
    guard case .request(let arguments, _) = requests.next(in: bytes, &progress) else { return }
    do throws(RequestError) {
      result = .success(text(try parser.parse(arguments, role: role)))
    } catch {
      result = .failure(error)
    }
  }
  return try result.get()
}

private func text(_ bytes: Bytes) -> String { String(decoding: bytes, as: UTF8.self) }

private func text(_ options: LookupOptions) -> String {
  var text = ""
  if let metres = options.nearMetres { text += " near=\(metres)" }
  if let language = options.language { text += " lang=\(WireProtocolTests.text(language))" }
  return text
}

private func text(_ command: Command) -> String {
  switch command {
  case .account(let id, let options): "account \(text(id))\(text(options))"
  case .phone(let number, let options): "phone \(text(number))\(text(options))"
  case .meter(let id, let options): "meter \(text(id))\(text(options))"
  case .servicePoint(let id, let options): "servicePoint \(text(id))\(text(options))"
  case .point(let lon, let lat, let options): "point \(lon) \(lat)\(text(options))"
  case .accounts(let ids): "accounts " + (0..<ids.count).map { text(ids[$0]) }.joined(separator: " ")
  case .points(let positions): "points \(positions.count)"
  case .info(let sections): "info \(sections.count)"
  case .metrics: "metrics"
  case .reportAdd(let request):
    "report \(place(request)) \(request.kind.rawValue)" + (request.callId.map { " call=\(text($0))" } ?? "")
      + (request.note.map { " note=\(text($0))" } ?? "")
      + (request.language.map { " lang=\(text($0))" } ?? "")
  case .feed(let request): "\(request)"
  case .layerPublish(let path, let options): "publish \(text(path)) \(options.map { text($0) } ?? "-")"
  case .layerStatus: "status"
  case .layerRollback(let version, let isDryRun): "rollback \(version)\(isDryRun ? " dry" : "")"
  case .layerAccept(let feed): "accept \(text(feed))"
  case .addressesReload: "reload"
  case .handoverBegin: "hand over"
  case .handoverCommit: "hand over for good"
  case .session(let command): "session \(command)".split(separator: "(").first.map(String.init) ?? ""
  }
}

private func place(_ request: ReportRequest) -> String {
  switch request.place {
  case .account(let id): "account \(text(id))"
  case .servicePoint(let id): "servicePoint \(text(id))"
  case .position(let position): "\(position.lonDegrees) \(position.latDegrees)"
  }
}

@Suite("Commands")
struct CommandTests {
  @Test("the table holds each command once, described in full")
  func table() {
    let names = CommandTable.all.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(names.count == CommandID.allCases.count)
    func check(_ spec: CommandSpec) {
      #expect(spec.name == spec.name.uppercased())
      #expect(spec.summary.hasSuffix("."), "\(spec.name)")
      #expect(!spec.reply.isEmpty && !spec.complexity.isEmpty && !spec.since.isEmpty, "\(spec.name)")
      for argument in spec.arguments {
        #expect(argument.name == argument.name.lowercased())
        #expect(argument.summary.hasSuffix("."), "\(spec.name) \(argument.name)")
      }
      for subcommand in spec.subcommands { check(subcommand) }
    }
    for spec in CommandTable.all { check(spec) }
    for name in ["OUTAGE.ACCOUNT", "OUTAGE.MPOINT", "LAYER.ROLLBACK", "HELLO", "COMMAND"] {
      #expect(names.contains(name))
    }
  }

  @Test(
    "the usage and the arity come from the arguments",
    arguments: [
      (CommandID.point, "OUTAGE.POINT lon lat [NEAR metres] [LANG tag]", -3),
      (.accounts, "OUTAGE.MACCOUNT id [id ...]", -2),
      (.points, "OUTAGE.MPOINT lon lat [lon lat ...]", -3),
      (.hello, "HELLO [protover [AUTH username password] [SETNAME clientname]]", -1),
      (.layerRollback, "LAYER.ROLLBACK version [DRYRUN]", -2),
      (.quit, "QUIT", 1),
    ])
  func usage(id: CommandID, usage: String, arity: Int) {
    #expect(CommandTable[id].usage == usage)
    #expect(CommandTable[id].arity() == arity)
  }

  @Test("the table's markdown and help name every command and argument")
  func documents() {
    let markdown = CommandTable.markdown
    let help = CommandTable.help(for: .admin)
    for spec in CommandTable.all {
      #expect(markdown.contains("`\(spec.name)"))
      #expect(help.contains(spec.name))
    }
    #expect(markdown.contains("| `OUTAGE.POINT` | `[NEAR metres]` | double |"))
    #expect(!CommandTable.help(for: .query).contains("LAYER."))
  }

  @Test("a name is found in any case, and nothing that differs in one byte")
  func names() {
    let names = CommandTable.all.map(\.name)
    for (position, name) in names.enumerated() {
      for spelling in [name, name.lowercased(), name.uppercased()] {
        #expect(Array(spelling.utf8).withUnsafeBytes { parser.id(of: $0)?.rawValue } == position)
      }
      var bytes = Array(name.utf8)
      for place in bytes.indices {
        let original = bytes[place]
        for byte in UInt8.min...UInt8.max where byte != original && byte != original | 0x20 {
          bytes[place] = byte
          let found = bytes.withUnsafeBytes { parser.id(of: $0) }
          // One command's name may be one letter away from another's.
          #expect(
            found == nil
              || names[found!.rawValue].utf8.elementsEqual(
                String(decoding: bytes, as: UTF8.self).uppercased().utf8)
          )
        }
        bytes[place] = original
      }
      #expect(Array((name + "X").utf8).withUnsafeBytes { parser.id(of: $0) } == nil)
      #expect(Array(name.dropLast().utf8).withUnsafeBytes { parser.id(of: $0) } == nil)
    }
    #expect([UInt8](repeating: 0x41, count: 25).withUnsafeBytes { parser.id(of: $0) } == nil)
    #expect([UInt8]().withUnsafeBytes { parser.id(of: $0) } == nil)
  }

  @Test(
    "commands are read with their options in any order and case",
    arguments: [
      (["OUTAGE.ACCOUNT", "000000088121"], "account 000000088121"),
      (["outage.account", "1", "near", "50", "lang", "es"], "account 1 near=50.0 lang=es"),
      (["OUTAGE.ACCOUNT", "1", "LANG", "es", "NEAR", "50"], "account 1 near=50.0 lang=es"),
      (["OUTAGE.PHONE", "+15305550100", "LANG", "es-MX"], "phone +15305550100 lang=es-MX"),
      (["OUTAGE.METER", "M 1", "NEAR", "0"], "meter M 1 near=0.0"),
      (["OUTAGE.SERVICEPOINT", "NEAR"], "servicePoint NEAR"),
      (["OUTAGE.POINT", "-121.74", "38.54"], "point -121.74 38.54"),
      (["OUTAGE.POINT", "180", "-90", "NEAR", "50000"], "point 180.0 -90.0 near=50000.0"),
      (["OUTAGE.MACCOUNT", "1", "NEAR", "3"], "accounts 1 NEAR 3"),
      (["OUTAGE.MPOINT", "1", "2", "3", "4"], "points 2"),
      (["INFO"], "info 0"), (["INFO", "server", "memory"], "info 2"),
      (["PING"], "session ping"), (["CONFIG", "GET", "save"], "session configGet"),
      (["CLIENT", "setinfo", "lib-name", "redis-py"], "session clientSetLibraryName"),
      (["COMMAND"], "session commandAll"), (["command", "docs"], "session commandDocs"),
      (["HELLO", "3", "AUTH", "default", "x", "SETNAME", "bot"], "session hello"),
      (["CLIENT", "NO-EVICT", "on"], "session clientAccepted"),
    ])
  func reading(words: [String], description: String) throws {
    #expect(try describe(words) == description)
  }

  @Test(
    "admin commands are read on the admin socket",
    arguments: [
      (["LAYER.PUBLISH", "storm.geojson"], "publish storm.geojson -"),
      (["LAYER.PUBLISH", "storm.geojson", "{\"dryRun\":true}"], "publish storm.geojson {\"dryRun\":true}"),
      (["LAYER.STATUS"], "status"), (["LAYER.ROLLBACK", "7"], "rollback 7"),
      (["LAYER.ROLLBACK", "7", "dryrun"], "rollback 7 dry"), (["METRICS"], "metrics"),
      (["LAYER.ACCEPT", "oms"], "accept oms"), (["ADDRESSES.RELOAD"], "reload"),
      (["OUTAGE.ACCOUNT", "1"], "account 1"),
    ])
  func admin(words: [String], description: String) throws {
    #expect(try describe(words, role: .admin) == description)
    if !words[0].hasPrefix("OUTAGE") {
      let error = #expect(throws: RequestError.self) { try describe(words, role: .query) }
      #expect(error?.word == .notPermitted)
    }
  }

  @Test(
    "what is wrong with a request is named",
    arguments: [
      (["NOSUCH"], "UNKNOWN", "'NOSUCH'"),
      (["OUTAGE.ACCOUNT"], "BADARG", "usage: OUTAGE.ACCOUNT id"),
      (["OUTAGE.ACCOUNT", ""], "BADARG", "1 to 256 bytes, found 0"),
      (["OUTAGE.ACCOUNT", String(repeating: "1", count: 257)], "BADARG", "found 257"),
      (["OUTAGE.ACCOUNT", "1", "EXPLAIN"], "BADARG", "expected NEAR or LANG once each, found 'EXPLAIN'"),
      (["OUTAGE.ACCOUNT", "1", "NEAR"], "BADARG", "expected metres after NEAR"),
      (["OUTAGE.ACCOUNT", "1", "NEAR", "1", "NEAR", "2"], "BADARG", "once each, found 'NEAR'"),
      (["OUTAGE.ACCOUNT", "1", "NEAR", "-1"], "BADARG", "NEAR in metres from 0 to 50000"),
      (["OUTAGE.ACCOUNT", "1", "NEAR", "50000.1"], "BADARG", "found '50000.1'"),
      (["OUTAGE.ACCOUNT", "1", "LANG"], "BADARG", "a language tag after LANG"),
      (["OUTAGE.ACCOUNT", "1", "LANG", "e s"], "BADARG", "found 'e s'"),
      (["OUTAGE.ACCOUNT", "1", "LANG", ""], "BADARG", "a language tag"),
      (["OUTAGE.POINT", "1"], "BADARG", "usage: OUTAGE.POINT lon lat"),
      (["OUTAGE.POINT", "180.0000001", "0"], "BADARG", "a longitude from -180 to 180"),
      (["OUTAGE.POINT", "0", "-90.1"], "BADARG", "a latitude from -90 to 90"),
      (["OUTAGE.POINT", "nan", "0"], "BADARG", "found 'nan'"),
      (["OUTAGE.POINT", "0", "inf"], "BADARG", "found 'inf'"),
      (["OUTAGE.POINT", "0x10", "0"], "BADARG", "found '0x10'"),
      (["OUTAGE.MACCOUNT"], "BADARG", "wrong number of arguments"),
      (["OUTAGE.MACCOUNT", "1", ""], "BADARG", "found 0"),
      (["OUTAGE.MPOINT", "1", "2", "3"], "BADARG", "pairs of longitude and latitude, found 3 numbers"),
      (["SELECT", "1"], "BADARG", "expected database 0"),
      (["HELLO", "4"], "BADARG", "NOPROTO"),
      (["HELLO", "3", "AUTH", "x"], "BADARG", "found 'AUTH'"),
      (["CLIENT", "KILL"], "UNKNOWN", "subcommand 'KILL' of CLIENT"),
      (["CLIENT"], "BADARG", "expected one of SETNAME"),
      (["CLIENT", "SETNAME", "a b"], "BADARG", "without spaces"),
      (["CLIENT", "SETINFO", "x", "y"], "BADARG", "LIB-NAME or LIB-VER"),
      (["CLIENT", "ID", "x"], "BADARG", "expected CLIENT ID"),
      (["CONFIG", "SET", "a", "b"], "BADARG", "CONFIG GET"),
      (["PING", "a", "b"], "BADARG", "usage: PING [message]"),
      (["ECHO"], "BADARG", "usage: ECHO message"),
    ])
  func faults(words: [String], word: String, text: String) {
    let error = #expect(throws: RequestError.self) { try describe(words) }
    #expect(error?.word.rawValue == word)
    #expect(error?.text.contains(text) == true, "\(error?.text ?? "")")
  }

  @Test(
    "a layer version must be a positive number",
    arguments: ["0", "-1", "x", "", "1.5", "99999999999999999999"])
  func badVersion(version: String) {
    #expect(throws: RequestError.self) { try describe(["LAYER.ROLLBACK", version], role: .admin) }
  }

  @Test("a client's bytes stand escaped and shortened in an error")
  func quoting() {
    let bytes = [UInt8]([0x61, 0x27, 0x5C, 0x00, 0x0A, 0xFF])
    #expect(bytes.withUnsafeBytes { RequestError.quoted($0) } == "'a\\'\\\\\\x00\\x0a\\xff'")
    let long = [UInt8](repeating: 0x61, count: 100)
    #expect(
      long.withUnsafeBytes { RequestError.quoted($0) } == "'" + String(repeating: "a", count: 64) + "...'")
  }
}

@Suite("Decimal")
struct DecimalTests {
  private func double(_ text: String) -> Double? {
    Array(text.utf8).withUnsafeBytes { Decimal.double($0) }
  }

  @Test("numbers round as the standard library rounds them")
  func rounding() {
    let seed: UInt64 = 11
    var random = SeededGenerator(seed: seed)
    for iteration in 0..<100_000 {
      let digits = Int.random(in: 0...20, using: &random)
      let fraction = (0..<digits).map { _ in String(Int.random(in: 0...9, using: &random)) }.joined()
      let text =
        (Bool.random(using: &random) ? "-" : "") + String(Int.random(in: 0...1_000_000, using: &random))
        + (fraction.isEmpty ? "" : "." + fraction)
      let place: Comment = "\(text), seed \(seed), iteration \(iteration)"
      #expect(double(text)?.bitPattern == Double(text)!.bitPattern, place)
    }
  }

  @Test("shortest texts of random doubles read back as themselves")
  func shortest() {
    let seed: UInt64 = 12
    var random = SeededGenerator(seed: seed)
    for iteration in 0..<100_000 {
      let value = Double.random(in: -180...180, using: &random)
      #expect(double(value.description) == value, "\(value), seed \(seed), iteration \(iteration)")
    }
  }

  @Test(
    "numbers as people and programs write them",
    arguments: [
      ("0", 0.0), ("-0", -0.0), ("+1.5", 1.5), ("007", 7), ("1e-05", 1e-05), ("1E3", 1000), ("1e+3", 1000),
      ("9007199254740993", 9_007_199_254_740_992), ("0.1", 0.1),
      ("123456789012345678901234567890", 1.2345678901234568e29),
      ("0.00000000000000000000000000001", 1e-29), ("-121.740000000000000001", -121.74),
    ])
  func accepted(text: String, value: Double) {
    #expect(double(text)?.bitPattern == value.bitPattern)
  }

  @Test(
    "what is no plain number is refused",
    arguments: [
      "", "-", "+", ".", ".5", "5.", "-.5", "1.2.3", " 1", "1 ", "nan", "inf", "-inf", "0x1p3", "1e", "1e+",
      "1e5.0", "1,5",
      "1_000", "1e999", "--1", "1f", "١",
    ])
  func refused(text: String) {
    #expect(double(text) == nil)
  }

  @Test(
    "integers of the whole range",
    arguments: [
      ("0", 0), ("-1", -1), ("9223372036854775807", Int.max), ("-9223372036854775808", Int.min),
    ])
  func integers(text: String, value: Int) {
    #expect(Array(text.utf8).withUnsafeBytes { Decimal.integer($0) } == value)
  }

  @Test(
    "what is no integer is refused",
    arguments: ["", "-", "+1", "1.0", "9223372036854775808", "-9223372036854775809", "x"])
  func noInteger(text: String) {
    #expect(Array(text.utf8).withUnsafeBytes { Decimal.integer($0) } == nil)
  }
}
