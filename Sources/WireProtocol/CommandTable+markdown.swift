// The command table as text: the tables of Docs/PROTOCOL.md, and the list that the command line's help prints.

extension CommandTable {
  /// A section for each group, a table row for each command, and the arguments of each.
  public static var markdown: String {
    var text = ""
    for group in CommandSpec.Group.allCases {
      let specs = all.filter { $0.group == group }
      guard !specs.isEmpty else { continue }
      text +=
        "### \(title(of: group))\n\n| command | what it does | reply | socket |\n| --- | --- | --- | --- |\n"
      for spec in specs {
        for (usage, row) in rows(spec) {
          text +=
            "| `\(escaped(usage))` | \(escaped(row.summary)) | \(escaped(row.reply)) | \(socket(row)) |\n"
        }
      }
      text += "\n"
    }
    text += "### Arguments\n\n| command | argument | type | what it means |\n| --- | --- | --- | --- |\n"
    for spec in all {
      for (usage, row) in rows(spec) {
        let name = usage.split(separator: " ").prefix(spec.subcommands.isEmpty ? 1 : 2).joined(separator: " ")
        for argument in row.arguments.flatMap(leaves) {
          text +=
            "| `\(name)` | `\(escaped(argument.usage))` | \(argument.kind.rawValue) | \(escaped(argument.summary)) |\n"
        }
      }
    }
    return text
  }

  /// One line for each command: its usage, and its summary behind it.
  public static func help(for role: CommandSpec.Role) -> String {
    let lines = all.filter { role.serves($0.role) }.flatMap(rows)
    let width = lines.map(\.usage.count).max() ?? 0
    return lines.map { usage, row in
      usage + String(repeating: " ", count: width - usage.count + 2) + row.summary
    }.joined(separator: "\n")
  }

  private static func rows(_ spec: CommandSpec) -> [(usage: String, row: CommandSpec)] {
    // COMMAND is a command by itself as well; CLIENT and CONFIG are not.
    let own = spec.subcommands.isEmpty || spec.name == "COMMAND" ? [(spec.usage, spec)] : []
    return own + spec.subcommands.map { ("\(spec.name) \($0.usage)", $0) }
  }

  private static func leaves(_ argument: ArgumentSpec) -> [ArgumentSpec] {
    argument.parts.isEmpty ? [argument] : argument.parts.flatMap(leaves)
  }

  private static func title(of group: CommandSpec.Group) -> String {
    switch group {
    case .outage: "Lookups"
    case .report: "Reports"
    case .change: "Changes"
    case .connection: "Connection"
    case .server: "Server"
    case .layer: "Layers"
    }
  }

  private static func socket(_ spec: CommandSpec) -> String {
    switch spec.role {
    case .query: "query, feed, admin"
    case .feed: "feed, admin"
    case .admin: "admin"
    }
  }

  private static func escaped(_ text: String) -> String {
    text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
  }
}
