// The handshakes of client libraries, answered from the session's state alone.

import ByteBuffers
import Testing
import WireProtocol

@Suite("SessionState")
struct SessionStateTests {
  /// One connection that is asked and answered.
  private final class Client {
    var session = SessionState(id: 9)
    var isClosed = false
    let parser = CommandParser()
    let requests = RequestParser()

    func ask(_ words: String...) throws -> RESPReply {
      var output = ByteBuffer()
      try request(words).withUnsafeBytes { bytes in
        guard case .request(let arguments, _) = requests.next(in: bytes, &session.progress),
          case .session(let command) = try parser.parse(arguments, role: .query)
        else {
          Issue.record("no session command: \(words)")
          return
        }
        let next = session.answer(
          command, by: ServerIdentity(version: "1.2.3"), parser: parser, into: &output)
        isClosed = next == .closeAfterReplies
      }
      return try #require(try RESPReply.decode(output.bytes)).reply
    }
  }

  @Test("HELLO 3 switches to RESP3 and introduces the server")
  func hello() throws {
    let client = Client()
    #expect(try client.ask("CLIENT", "GETNAME") == .null)
    let reply = try client.ask("HELLO", "3", "AUTH", "default", "secret", "SETNAME", "bot-7")
    guard case .map(let pairs) = reply else {
      Issue.record("expected a map, found \(reply)")
      return
    }
    #expect(pairs.count == 7)
    #expect(reply["server"]?.text == "outaged")
    #expect(reply["version"]?.text == "1.2.3")
    #expect(reply["proto"] == .integer(3))
    #expect(reply["id"] == .integer(9))
    #expect(reply["mode"]?.text == "standalone")
    #expect(reply["role"]?.text == "master")
    #expect(reply["modules"] == .array([]))
    #expect(client.session.version == .v3)
    #expect(try client.ask("CLIENT", "GETNAME").text == "bot-7")
    let old = try client.ask("HELLO", "2")
    #expect(old["proto"] == .integer(2))
    guard case .array = old else {
      Issue.record("expected a flat array, found \(old)")
      return
    }
  }

  @Test("HELLO without a version keeps the version")
  func bareHello() throws {
    let client = Client()
    #expect(try client.ask("HELLO")["proto"] == .integer(2))
  }

  @Test("client libraries introduce themselves")
  func clientInfo() throws {
    let client = Client()
    for words in [["LIB-NAME", "redis-py"], ["LIB-VER", "7.0.0"]] {
      #expect(try client.ask("CLIENT", "SETINFO", words[0], words[1]) == .simple("OK"))
    }
    #expect(try client.ask("CLIENT", "SETNAME", "x") == .simple("OK"))
    #expect(try client.ask("CLIENT", "ID") == .integer(9))
    #expect(
      try client.ask("CLIENT", "INFO").text == "id=9 name=x db=0 resp=2 lib-name=redis-py lib-ver=7.0.0\n")
    #expect(try client.ask("CLIENT", "SETNAME", "") == .simple("OK"))
    #expect(try client.ask("CLIENT", "GETNAME") == .null)
  }

  @Test("RESET puts all back, QUIT closes after its reply")
  func resetAndQuit() throws {
    let client = Client()
    _ = try client.ask("HELLO", "3", "SETNAME", "x")
    #expect(try client.ask("RESET") == .simple("RESET"))
    #expect(client.session.version == .v2)
    #expect(client.session.name.isEmpty)
    #expect(client.session.id == 9)
    #expect(!client.isClosed)
    #expect(try client.ask("QUIT") == .simple("OK"))
    #expect(client.isClosed)
  }

  @Test("PING, ECHO, SELECT, AUTH and CONFIG GET answer as clients expect")
  func small() throws {
    let client = Client()
    #expect(try client.ask("PING") == .simple("PONG"))
    #expect(try client.ask("PING", "hi").text == "hi")
    #expect(try client.ask("ECHO", "hi").text == "hi")
    #expect(try client.ask("SELECT", "0") == .simple("OK"))
    #expect(try client.ask("AUTH", "secret") == .simple("OK"))
    #expect(try client.ask("CONFIG", "GET", "save")["save"]?.text == "")
    #expect(try client.ask("CONFIG", "GET", "appendonly")["appendonly"]?.text == "no")
    #expect(try client.ask("CONFIG", "GET", "maxmemory") == .array([]))
  }

  @Test("COMMAND and its subcommands describe the table", arguments: ["2", "3"])
  func commands(version: String) throws {
    let client = Client()
    _ = try client.ask("HELLO", version)
    let count = CommandTable.all.count
    #expect(try client.ask("COMMAND", "COUNT") == .integer(count))
    guard case .array(let all) = try client.ask("COMMAND"),
      case .array(let some) = try client.ask("COMMAND", "INFO", "outage.point", "nosuch"),
      case .array(let names) = try client.ask("COMMAND", "LIST")
    else {
      Issue.record("expected arrays")
      return
    }
    #expect(all.count == count)
    #expect(names.count == count)
    #expect(some.count == 2 && some[1] == .null)
    guard case .array(let fields) = some[0] else {
      Issue.record("expected a description")
      return
    }
    #expect(fields.count == 10)
    #expect(fields[0].text == "outage.point")
    #expect(fields[1] == .integer(-3))
    let docs = try client.ask("COMMAND", "DOCS", "OUTAGE.POINT", "nosuch")
    #expect(docs["outage.point"]?["group"]?.text == "outage")
    guard case .array(let arguments) = docs["outage.point"]?["arguments"] else {
      Issue.record("expected arguments")
      return
    }
    #expect(arguments.map { $0["name"]?.text } == ["lon", "lat", "metres", "tag"])
    #expect(arguments[2]["token"]?.text == "NEAR")
    let client2 = try client.ask("COMMAND", "DOCS", "client")["client"]?["subcommands"]
    #expect(client2?["client|setname"]?["summary"]?.text == "Names the connection.")
  }
}
