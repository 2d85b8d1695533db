// The command table as the replies of COMMAND, COMMAND INFO and COMMAND DOCS, in Redis's shapes, so that its clients show help.

internal import ByteBuffers

extension CommandTable {
  /// `COMMAND`: all commands.
  static func appendInfo(to output: inout ByteBuffer, _ version: RESPVersion) {
    output.appendArrayHeader(all.count)
    for spec in all { appendInfo(spec, parent: nil, to: &output, version) }
  }

  /// `COMMAND INFO [name ...]`: those commands, or all where none is named; null for one that is not known.
  static func appendInfo(
    _ names: Arguments, _ parser: CommandParser, to output: inout ByteBuffer, _ version: RESPVersion
  ) {
    guard names.count > 0 else { return appendInfo(to: &output, version) }
    output.appendArrayHeader(names.count)
    for index in 0..<names.count {
      if let id = parser.id(of: names[index]) {
        appendInfo(self[id], parent: nil, to: &output, version)
      } else {
        output.appendNull(version)
      }
    }
  }

  /// `COMMAND DOCS [name ...]`: those commands, or all where none is named; one that is not known is left out.
  static func appendDocs(
    _ names: Arguments, _ parser: CommandParser, to output: inout ByteBuffer, _ version: RESPVersion
  ) {
    let specs =
      names.count == 0 ? all : (0..<names.count).compactMap { parser.id(of: names[$0]).map { self[$0] } }
    output.appendMapHeader(specs.count, version)
    for spec in specs { appendDocs(spec, parent: nil, to: &output, version) }
  }

  private static func fullName(_ spec: CommandSpec, _ parent: CommandSpec?) -> String {
    ((parent.map { $0.name + "|" } ?? "") + spec.name).lowercased()
  }

  /// Name, arity, flags, first key, last key, key step, categories, tips, key specifications, subcommands.
  private static func appendInfo(
    _ spec: CommandSpec, parent: CommandSpec?, to output: inout ByteBuffer, _ version: RESPVersion
  ) {
    output.appendArrayHeader(10)
    output.appendBulk(fullName(spec, parent))
    output.appendInteger(spec.arity(isSubcommand: parent != nil))
    let flags =
      switch spec.group {
      case .layer: ["admin"]
      case .outage: ["readonly", "fast"]
      case .report, .change: spec.role == .feed ? ["blocking"] : ["write", "blocking"]
      case .connection, .server: spec.role == .admin ? ["admin"] : ["fast"]
      }
    output.appendSetHeader(flags.count, version)
    for flag in flags { output.appendSimpleText(flag) }
    // No argument is a key: nothing is spread over several servers.
    for _ in 0..<3 { output.appendInteger(0) }
    output.appendSetHeader(1, version)
    output.appendSimpleText("@" + spec.group.rawValue)
    output.appendArrayHeader(0)
    output.appendArrayHeader(0)
    output.appendArrayHeader(spec.subcommands.count)
    for subcommand in spec.subcommands { appendInfo(subcommand, parent: spec, to: &output, version) }
  }

  private static func appendDocs(
    _ spec: CommandSpec, parent: CommandSpec?, to output: inout ByteBuffer, _ version: RESPVersion
  ) {
    output.appendBulk(fullName(spec, parent))
    output.appendMapHeader(
      4 + (spec.arguments.isEmpty ? 0 : 1) + (spec.subcommands.isEmpty ? 0 : 1), version)
    for (name, value) in [
      ("summary", spec.summary), ("since", spec.since), ("group", spec.group.rawValue),
      ("complexity", spec.complexity),
    ] {
      output.appendBulk(name)
      output.appendBulk(value)
    }
    if !spec.arguments.isEmpty {
      output.appendBulk("arguments")
      appendArguments(spec.arguments, to: &output, version)
    }
    if !spec.subcommands.isEmpty {
      output.appendBulk("subcommands")
      output.appendMapHeader(spec.subcommands.count, version)
      for subcommand in spec.subcommands { appendDocs(subcommand, parent: spec, to: &output, version) }
    }
  }

  private static func appendArguments(
    _ arguments: [ArgumentSpec], to output: inout ByteBuffer, _ version: RESPVersion
  ) {
    output.appendArrayHeader(arguments.count)
    for argument in arguments {
      let flags = (argument.isOptional ? ["optional"] : []) + (argument.isMultiple ? ["multiple"] : [])
      output.appendMapHeader(
        3 + (argument.token == nil ? 0 : 1) + (flags.isEmpty ? 0 : 1) + (argument.parts.isEmpty ? 0 : 1),
        version)
      output.appendBulk("name")
      output.appendBulk(argument.name)
      output.appendBulk("type")
      output.appendBulk(argument.kind.rawValue)
      if let token = argument.token {
        output.appendBulk("token")
        output.appendBulk(token)
      }
      output.appendBulk("summary")
      output.appendBulk(argument.summary)
      if !flags.isEmpty {
        output.appendBulk("flags")
        output.appendSetHeader(flags.count, version)
        for flag in flags { output.appendSimpleText(flag) }
      }
      if !argument.parts.isEmpty {
        output.appendBulk("arguments")
        appendArguments(argument.parts, to: &output, version)
      }
    }
  }
}

extension ByteBuffer {
  /// `+text`, of a word from the table.
  fileprivate mutating func appendSimpleText(_ text: String) {
    append(UInt8(ascii: "+"))
    append(utf8Of: text)
    appendLineEnd()
  }
}
