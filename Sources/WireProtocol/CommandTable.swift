// The commands: the one place in which their names, arguments, roles and texts stand.

/// The commands' identities, in the order of the table.
public enum CommandID: Int, CaseIterable, Sendable {
  case account, phone, meter, servicePoint, point, accounts, points
  case reportAdd, reportRead, reportAck
  case changesRead, changesAck, changesSubscribe, changesUnsubscribe
  case layerPublish, layerStatus, layerRollback, layerAccept, addressesReload
  case handoverBegin, handoverCommit
  case ping, echo, hello, auth, select, client, reset, quit
  case info, metrics, command, config
}

/// The table from which requests are recognised, and from which `COMMAND`, the command line's help and the documentation come.
public enum CommandTable {
  /// The row of a command.
  public static subscript(id: CommandID) -> CommandSpec { all[id.rawValue] }

  /// All commands, in the order of `CommandID`.
  public static let all: [CommandSpec] = CommandID.allCases.map(spec)

  private static func spec(_ id: CommandID) -> CommandSpec {
    switch id {
    case .account:
      lookup(
        "OUTAGE.ACCOUNT", "Tells whether an account's service points lie in a known outage.",
        ArgumentSpec("id", .string, "The account's id, byte for byte as it was imported."))
    case .phone:
      lookup(
        "OUTAGE.PHONE",
        "Tells whether the service points that belong to a phone number lie in a known outage.",
        ArgumentSpec(
          "number", .string, "In E.164 (`+15305550100`), or as it is dialled in the configured country."))
    case .meter:
      lookup(
        "OUTAGE.METER", "Tells whether a meter's service point lies in a known outage.",
        ArgumentSpec("id", .string, "The meter's id, byte for byte as it was imported."))
    case .servicePoint:
      lookup(
        "OUTAGE.SERVICEPOINT", "Tells whether a service point lies in a known outage.",
        ArgumentSpec("id", .string, "The service point's id, byte for byte as it was imported."))
    case .point:
      CommandSpec(
        "OUTAGE.POINT", group: .outage, "Tells whether a position lies in a known outage.",
        complexity: "O(log N + K), N outages, K candidates",
        arguments: position + [near, language],
        reply: "A bulk string, the answer as JSON.")
    case .accounts:
      CommandSpec(
        "OUTAGE.MACCOUNT", group: .outage, "Answers for several accounts at once.",
        complexity: "O(M), M accounts",
        arguments: [ArgumentSpec("id", .string, multiple: true, "An account's id.")],
        reply: "An array with one reply of `OUTAGE.ACCOUNT` for each id, in their order.")
    case .points:
      CommandSpec(
        "OUTAGE.MPOINT", group: .outage, "Answers for several positions at once.",
        complexity: "O(M log N), M positions, N outages",
        arguments: [ArgumentSpec("position", .block, multiple: true, parts: position, "A position.")],
        reply: "An array with one reply of `OUTAGE.POINT` for each position, in their order.")
    case .reportAdd, .reportRead, .reportAck, .changesRead, .changesAck, .changesSubscribe,
      .changesUnsubscribe:
      feedSpec(id)
    case .layerPublish:
      CommandSpec(
        "LAYER.PUBLISH", role: .admin, group: .layer, "Imports a file as the new outage layer and serves it.",
        complexity: "O(V + S), V vertices, S service points",
        arguments: [
          ArgumentSpec("path", .string, "The file, as the server sees it."),
          ArgumentSpec("options", .string, optional: true, "A JSON object with the import's options."),
        ],
        reply: "A bulk string, the import report and the differences as JSON.")
    case .layerStatus:
      CommandSpec(
        "LAYER.STATUS", role: .admin, group: .layer, "Describes the served layer and the address load.",
        reply: "A bulk string, the status as JSON.")
    case .layerRollback:
      CommandSpec(
        "LAYER.ROLLBACK", role: .admin, group: .layer,
        "Serves an earlier layer again, under a new version number.",
        complexity: "O(V + S), V vertices, S service points",
        arguments: [
          ArgumentSpec("version", .integer, "The number of the layer version to go back to."),
          ArgumentSpec(
            "dryrun", .pureToken, token: "DRYRUN", optional: true,
            "Tells what would change, and publishes nothing."),
        ],
        reply: "A bulk string, the differences as JSON.")
    case .layerAccept:
      CommandSpec(
        "LAYER.ACCEPT", role: .admin, group: .layer,
        "Publishes the layer of a feed that a guard holds back.",
        complexity: "O(V + S), V vertices, S service points",
        arguments: [ArgumentSpec("feed", .string, "The feed's name in the configuration.")],
        reply: "A bulk string, the differences as JSON.")
    case .addressesReload:
      CommandSpec(
        "ADDRESSES.RELOAD", role: .admin, group: .layer,
        "Reads the newest address load from the store and serves it.",
        complexity: "O(S), S service points", reply: "A bulk string, the status as JSON.")
    case .handoverBegin:
      CommandSpec(
        "HANDOVER.BEGIN", role: .admin, group: .server,
        "Gives the data directory's lock and the listening sockets to the process that asks; `outaged serve --takeover` does.",
        reply: "A bulk string, the names of the descriptors that come with it (SCM_RIGHTS) as JSON.")
    case .handoverCommit:
      CommandSpec(
        "HANDOVER.COMMIT", role: .admin, group: .server,
        "Tells the old process that the new one answers: it accepts nothing further, answers what was asked, and ends.",
        reply: "`OK`.")
    case .ping:
      CommandSpec(
        "PING", group: .connection, "Answers, so that a client knows that the server is there.",
        arguments: [ArgumentSpec("message", .string, optional: true, "Comes back as it was sent.")],
        reply: "`PONG`, or the message as a bulk string.")
    case .echo:
      CommandSpec(
        "ECHO", group: .connection, "Answers with the message.",
        arguments: [ArgumentSpec("message", .string, "Comes back as it was sent.")],
        reply: "The message as a bulk string.")
    case .hello:
      CommandSpec(
        "HELLO", group: .connection,
        "Chooses the protocol version and introduces server and client to each other.",
        arguments: [
          ArgumentSpec(
            "arguments", .block, optional: true,
            parts: [
              ArgumentSpec("protover", .integer, "2 or 3."),
              ArgumentSpec(
                "auth", .block, token: "AUTH", optional: true,
                parts: [
                  ArgumentSpec("username", .string, "Not looked at: the socket's mode says who may connect."),
                  ArgumentSpec("password", .string, "Not looked at."),
                ], "Accepted for the sake of client libraries."),
              ArgumentSpec(
                "clientname", .string, token: "SETNAME", optional: true, "As `CLIENT SETNAME` takes it."),
            ], "The version, and what may follow it.")
        ],
        reply: "A map: server, version, proto, id, mode, role, modules.")
    case .auth:
      CommandSpec(
        "AUTH", group: .connection,
        "Accepted for the sake of client libraries: the socket's mode says who may connect.",
        arguments: [
          ArgumentSpec("username", .string, optional: true, "Not looked at."),
          ArgumentSpec("password", .string, "Not looked at."),
        ],
        reply: "`OK`.")
    case .select:
      CommandSpec(
        "SELECT", group: .connection, "Accepted for the sake of client libraries: there is one database.",
        arguments: [ArgumentSpec("index", .integer, "0.")], reply: "`OK`.")
    case .client:
      CommandSpec(
        "CLIENT", group: .connection, "Names and describes the connection.",
        reply: "Depends on the subcommand.",
        subcommands: clientSubcommands)
    case .reset:
      CommandSpec(
        "RESET", group: .connection, "Puts the connection back into the state in which it was opened.",
        reply: "`RESET`.")
    case .quit:
      CommandSpec(
        "QUIT", group: .connection, "Closes the connection once all replies are sent.", reply: "`OK`.")
    case .info:
      CommandSpec(
        "INFO", group: .server, "Describes the server: version, uptime, connections, layer, memory.",
        arguments: [ArgumentSpec("section", .string, optional: true, multiple: true, "Only these sections.")],
        reply: "A text of `name:value` lines under `# Section` headings.")
    case .metrics:
      CommandSpec(
        "METRICS", role: .admin, group: .server,
        "Tells all figures of the daemon, as its HTTP endpoint does.",
        reply: "A text in the Prometheus text format.")
    case .command:
      CommandSpec(
        "COMMAND", group: .server, "Describes the commands.", complexity: "O(C), C commands",
        reply: "An array with a description of each command.", subcommands: commandSubcommands)
    case .config:
      CommandSpec(
        "CONFIG", group: .server,
        "Answered for the sake of load tools that look for a Redis server's settings.",
        reply: "Depends on the subcommand.",
        subcommands: [
          CommandSpec(
            "GET", group: .server, "Tells a setting: `save` and `appendonly`, which are off.",
            arguments: [ArgumentSpec("parameter", .string, multiple: true, "The setting's name.")],
            reply: "A map of names to values; what is not known is left out.")
        ])
    }
  }

  static let position = [
    ArgumentSpec("lon", .double, "WGS 84 longitude in degrees, -180 to 180, as a decimal number."),
    ArgumentSpec("lat", .double, "WGS 84 latitude in degrees, -90 to 90, as a decimal number."),
  ]

  private static let near = ArgumentSpec(
    "metres", .double, token: "NEAR", optional: true,
    "Outages within this distance count as `near`: 0 (off) to 50000; the configured one if it is not given.")

  static let language = ArgumentSpec(
    "tag", .string, token: "LANG", optional: true,
    "The language of `say`, a BCP 47 tag such as `es`; the configured one if it is not given.")

  private static func lookup(_ name: String, _ summary: String, _ key: ArgumentSpec) -> CommandSpec {
    CommandSpec(
      name, group: .outage, summary, complexity: "O(L), L service points found",
      arguments: [key, near, language], reply: "A bulk string, the answer as JSON; null if it is not known.")
  }

  private static let clientSubcommands = [
    CommandSpec(
      "SETNAME", group: .connection, "Names the connection.",
      arguments: [ArgumentSpec("name", .string, "Printable, without spaces; empty takes the name away.")],
      reply: "`OK`."),
    CommandSpec(
      "GETNAME", group: .connection, "Tells the connection's name.", reply: "A bulk string, or null."),
    CommandSpec(
      "SETINFO", group: .connection, "Tells the server which client library this is.",
      arguments: [
        ArgumentSpec("attribute", .string, "`LIB-NAME` or `LIB-VER`."),
        ArgumentSpec("value", .string, "Printable, without spaces."),
      ],
      reply: "`OK`."),
    CommandSpec("ID", group: .connection, "Tells the connection's number.", reply: "An integer."),
    CommandSpec(
      "INFO", group: .connection, "Describes the connection.", reply: "A line of `name=value` pairs."),
    CommandSpec(
      "NO-EVICT", group: .connection, "Accepted for the sake of client libraries.",
      arguments: [ArgumentSpec("mode", .string, "`ON` or `OFF`.")], reply: "`OK`."),
    CommandSpec(
      "NO-TOUCH", group: .connection, "Accepted for the sake of client libraries.",
      arguments: [ArgumentSpec("mode", .string, "`ON` or `OFF`.")], reply: "`OK`."),
  ]

  private static let commandSubcommands = [
    CommandSpec("COUNT", group: .server, "Counts the commands.", reply: "An integer."),
    CommandSpec(
      "DOCS", group: .server, "Describes commands for people.", complexity: "O(C), C commands",
      arguments: [ArgumentSpec("name", .string, optional: true, multiple: true, "Only these commands.")],
      reply: "A map of names to descriptions."),
    CommandSpec(
      "INFO", group: .server, "Describes commands for programs.", complexity: "O(C), C commands",
      arguments: [ArgumentSpec("name", .string, optional: true, multiple: true, "Only these commands.")],
      reply: "An array with a description of each command, null for those that are not known."),
    CommandSpec(
      "LIST", group: .server, "Lists the commands' names.", complexity: "O(C), C commands",
      reply: "An array of names."),
  ]
}
