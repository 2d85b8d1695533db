// What one command is called, takes and does: the shape of a row in the command table.

/// One command, or one subcommand of a command.
public struct CommandSpec: Sendable {
  /// Who may send it: any client, those that follow changes and reports, or those on the admin socket, who may send all.
  public enum Role: String, Sendable {
    case query, feed, admin

    /// Whether a socket of this role serves a command of the other.
    func serves(_ other: Role) -> Bool { self == .admin || other == .query || self == other }
  }

  public enum Group: String, CaseIterable, Sendable {
    case outage, report, change, connection, server, layer
  }

  /// Upper case; subcommands without their command's name.
  public var name: String
  public var role: Role
  public var group: Group
  /// One sentence.
  public var summary: String
  /// The release that brought it.
  public var since: String
  /// In terms of what grows: arguments, service points, outages.
  public var complexity: String
  public var arguments: [ArgumentSpec]
  /// The reply, in words.
  public var reply: String
  public var subcommands: [CommandSpec]

  public init(
    _ name: String, role: Role = .query, group: Group, _ summary: String, since: String = "1.0.0",
    complexity: String = "O(1)", arguments: [ArgumentSpec] = [], reply: String,
    subcommands: [CommandSpec] = []
  ) {
    self.name = name
    self.role = role
    self.group = group
    self.summary = summary
    self.since = since
    self.complexity = complexity
    self.arguments = arguments
    self.reply = reply
    self.subcommands = subcommands
  }
}

/// One argument of a command.
public struct ArgumentSpec: Sendable {
  public enum Kind: String, Sendable {
    case string, integer, double
    /// A word that stands for itself: its token.
    case pureToken = "pure-token"
    /// Several arguments that come together.
    case block
    /// One of several.
    case oneOf = "oneof"
  }

  /// Lower case.
  public var name: String
  public var kind: Kind
  /// The word that introduces it, upper case.
  public var token: String?
  public var isOptional: Bool
  /// May come again and again.
  public var isMultiple: Bool
  /// The parts of a block, or the choices of one of several.
  public var parts: [ArgumentSpec]
  /// What it means, with its range and unit.
  public var summary: String

  public init(
    _ name: String, _ kind: Kind, token: String? = nil, optional: Bool = false, multiple: Bool = false,
    parts: [ArgumentSpec] = [], _ summary: String
  ) {
    self.name = name
    self.kind = kind
    self.token = token
    self.isOptional = optional
    self.isMultiple = multiple
    self.parts = parts
    self.summary = summary
  }
}

extension ArgumentSpec {
  /// The words that it takes at least.
  var wordCountMin: Int {
    if isOptional { return 0 }
    let value =
      switch kind {
      case .pureToken: 0
      case .block: parts.reduce(0) { $0 + $1.wordCountMin }
      case .oneOf: parts.map(\.wordCountMin).min() ?? 0
      case .string, .integer, .double: 1
      }
    return (token == nil ? 0 : 1) + value
  }

  /// As a person would write it: `[NEAR metres]`, `lon lat [lon lat ...]`.
  public var usage: String {
    let value =
      switch kind {
      case .pureToken: ""
      case .block: parts.map(\.usage).joined(separator: " ")
      case .oneOf: "<" + parts.map(\.usage).joined(separator: " | ") + ">"
      case .string, .integer, .double: name
      }
    let once = [token ?? "", value].filter { !$0.isEmpty }.joined(separator: " ")
    let text = isMultiple ? "\(once) [\(once) ...]" : once
    return isOptional ? "[\(text)]" : text
  }
}

extension CommandSpec {
  /// As Redis counts: the number of words, the command's name included; negative if that is the least of them.
  public func arity(isSubcommand: Bool = false) -> Int {
    let least = (isSubcommand ? 2 : 1) + arguments.reduce(0) { $0 + $1.wordCountMin }
    if !subcommands.isEmpty { return -2 }
    return arguments.contains { $0.isOptional || $0.isMultiple } ? -least : least
  }

  /// As a person would write it: `OUTAGE.POINT lon lat [NEAR metres] [LANG tag]`.
  public var usage: String {
    ([name] + arguments.map(\.usage)).joined(separator: " ")
  }
}
