// The rows of the command table that concern reports and changes.

import OutageModel

extension CommandTable {
  static func feedSpec(_ id: CommandID) -> CommandSpec {
    switch id {
    case .reportAdd:
      CommandSpec(
        "REPORT.ADD", group: .report,
        "Takes a caller's report; the reply comes when it is on the disk.",
        complexity: "O(1), and a wait for the disk that all waiting reports share",
        arguments: [
          ArgumentSpec(
            "place", .oneOf,
            parts: [
              ArgumentSpec(
                "id", .string, token: "ACCOUNT",
                "The account's id. If it has several service points, ask which."),
              ArgumentSpec("id", .string, token: "SERVICEPOINT", "The service point's id."),
              ArgumentSpec("position", .block, token: "POINT", parts: position, "A position."),
            ], "What the report is about."),
          ArgumentSpec(
            "kind", .string, token: "KIND",
            ReportKind.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ") + "."),
          ArgumentSpec(
            "id", .string, token: "CALL", optional: true,
            "The call's id: the same call, kind and place is stored once, however often it is sent."),
          ArgumentSpec(
            "text", .string, token: "NOTE", optional: true, "What the caller said, up to 1,000 bytes."),
          language,
        ],
        reply: "A bulk string, the receipt as JSON: `safety` first, then what to say.")
    case .reportRead:
      CommandSpec(
        "REPORT.READ", role: .feed, group: .report, "Reads reports by ascending number.",
        complexity: "O(N), N reports read", arguments: range,
        reply: "An array: the number to go on from, and an array of reports as JSON.")
    case .reportAck:
      CommandSpec(
        "REPORT.ACK", role: .feed, group: .report,
        "Notes that a consumer has dealt with all reports up to a number.",
        arguments: acknowledgement, reply: "An integer, the consumer's position.")
    case .changesRead:
      CommandSpec(
        "CHANGES.READ", role: .feed, group: .change, "Reads changes of service points by ascending number.",
        complexity: "O(N), N changes looked at", arguments: range + filter,
        reply: "An array: the number to go on from, and an array of changes as JSON.")
    case .changesAck:
      CommandSpec(
        "CHANGES.ACK", role: .feed, group: .change,
        "Notes that a consumer has dealt with all changes up to a number.",
        arguments: acknowledgement, reply: "An integer, the consumer's position.")
    case .changesSubscribe:
      CommandSpec(
        "CHANGES.SUBSCRIBE", role: .feed, group: .change,
        "Has each change pushed to this connection (RESP3) as it is told: `change`, its number, its JSON.",
        arguments: [
          ArgumentSpec(
            "from", .string, optional: true,
            "The number to begin at, `>` for the first that CONSUMER has not acknowledged; from now on if it is not given."
          ),
          consumer,
        ] + filter,
        reply: "`OK`; pushes follow.")
    default:
      CommandSpec(
        "CHANGES.UNSUBSCRIBE", role: .feed, group: .change, "Ends the pushing of changes to this connection.",
        reply: "`OK`.")
    }
  }

  private static let consumer = ArgumentSpec(
    "name", .string, token: "CONSUMER", optional: true, "Whose position `>` means.")

  private static let range = [
    ArgumentSpec(
      "from", .string,
      "The number to begin at; 0 for the oldest that is kept; `>` for the first that CONSUMER has not acknowledged."
    ),
    ArgumentSpec(
      "n", .integer, token: "COUNT", optional: true, "At most so many, 1 to 10000; 100 if it is not given."),
    ArgumentSpec(
      "milliseconds", .integer, token: "BLOCK", optional: true,
      "Where there is nothing yet, wait for so long, 0 to 60000."),
    consumer,
  ]

  private static let filter = [
    ArgumentSpec(
      "kind", .string, token: "KIND", optional: true, multiple: true,
      "Only these: " + ChangeKind.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ") + "."),
    ArgumentSpec(
      "critical", .pureToken, token: "CRITICAL", optional: true, "Only those of medical-baseline customers."),
    ArgumentSpec(
      "id", .string, token: "FEEDER", optional: true, "Only those of service points on this feeder."),
  ]

  private static let acknowledgement = [
    ArgumentSpec("consumer", .string, "Its name, of its own choice: printable, without spaces."),
    ArgumentSpec(
      "sequence", .integer, "The last number that it has dealt with; an earlier one changes nothing."),
  ]
}
