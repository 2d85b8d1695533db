// What a connection has told about itself, and the answers to the commands that concern only it.

public import ByteBuffers

/// Who answers: the same for all connections of a server.
public struct ServerIdentity: Sendable {
  /// `HELLO`'s `server`.
  public var name: String
  /// `HELLO`'s `version`, such as `1.0.0`.
  public var version: String

  public init(name: String = "outaged", version: String) {
    self.name = name
    self.version = version
  }
}

/// The state of one connection as far as the protocol goes. A new one costs no allocation.
public struct SessionState: Sendable {
  /// Unique for as long as the server runs; what `CLIENT ID` tells.
  public let id: Int
  public private(set) var version = RESPVersion.v2
  public private(set) var name = ""
  public private(set) var libraryName = ""
  public private(set) var libraryVersion = ""
  /// Where the next request's parsing goes on.
  public var progress = RequestProgress()

  public init(id: Int) {
    self.id = id
  }

  public enum Continuation: Sendable {
    case keep
    /// Nothing further is read; the replies are sent, then the connection is closed.
    case closeAfterReplies
  }

  /// Carries out a command that concerns only the connection or the command table, and appends its reply.
  public mutating func answer(
    _ command: SessionCommand, by server: ServerIdentity, parser: CommandParser, into output: inout ByteBuffer
  ) -> Continuation {
    switch command {
    case .ping(message: nil): output.appendSimple("PONG")
    case .ping(message: .some(let message)), .echo(let message): output.appendBulk(message)
    case .hello(let version, let name):
      if let version { self.version = version }
      if let name { self.name = Self.text(name) }
      appendHello(server, &output)
    case .auth, .select, .clientAccepted: output.appendSimple("OK")
    case .clientSetName(let name):
      self.name = Self.text(name)
      output.appendSimple("OK")
    case .clientGetName:
      if name.isEmpty { output.appendNull(version) } else { output.appendBulk(name) }
    case .clientSetLibraryName(let name):
      libraryName = Self.text(name)
      output.appendSimple("OK")
    case .clientSetLibraryVersion(let version):
      libraryVersion = Self.text(version)
      output.appendSimple("OK")
    case .clientID: output.appendInteger(id)
    case .clientInfo: output.appendVerbatim(infoLine + "\n", version)
    case .reset:
      self = SessionState(id: id)
      output.appendSimple("RESET")
    case .quit:
      output.appendSimple("OK")
      return .closeAfterReplies
    case .commandAll: CommandTable.appendInfo(to: &output, version)
    case .commandCount: output.appendInteger(CommandTable.all.count)
    case .commandDocs(let names): CommandTable.appendDocs(names, parser, to: &output, version)
    case .commandInfo(let names): CommandTable.appendInfo(names, parser, to: &output, version)
    case .commandList:
      output.appendArrayHeader(CommandTable.all.count)
      for spec in CommandTable.all { output.appendBulk(spec.name.lowercased()) }
    case .configGet(let names): appendSettings(names, &output)
    }
    return .keep
  }
}

extension SessionState {
  /// As `CLIENT INFO` tells it, `name=value` pairs.
  public var infoLine: String {
    "id=\(id) name=\(name) db=0 resp=\(version.rawValue) lib-name=\(libraryName) lib-ver=\(libraryVersion)"
  }

  private func appendHello(_ server: ServerIdentity, _ output: inout ByteBuffer) {
    output.appendMapHeader(7, version)
    output.appendBulk("server")
    output.appendBulk(server.name)
    output.appendBulk("version")
    output.appendBulk(server.version)
    output.appendBulk("proto")
    output.appendInteger(Int(version.rawValue))
    output.appendBulk("id")
    output.appendInteger(id)
    output.appendBulk("mode")
    output.appendBulk("standalone")
    output.appendBulk("role")
    output.appendBulk("master")
    output.appendBulk("modules")
    output.appendArrayHeader(0)
  }

  /// Nothing of what is asked is saved or appended here: said truthfully in Redis's words.
  private func appendSettings(_ names: Arguments, _ output: inout ByteBuffer) {
    var known: [(String, String)] = []
    for index in 0..<names.count {
      if CommandParser.isWord(names[index], "SAVE") { known.append(("save", "")) }
      if CommandParser.isWord(names[index], "APPENDONLY") { known.append(("appendonly", "no")) }
    }
    output.appendMapHeader(known.count, version)
    for (name, value) in known {
      output.appendBulk(name)
      output.appendBulk(value)
    }
  }

  private static func text(_ bytes: Bytes) -> String {
    String(decoding: bytes, as: UTF8.self)
  }
}
