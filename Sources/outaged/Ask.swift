// `outaged ask`: asks the daemon as a voice bot does, and prints the answer for a person.

import ArgumentParser
import Foundation
import OutageDaemon
import WireProtocol

struct Ask: ParsableCommand {
  enum Key: String, ExpressibleByArgument, CaseIterable {
    case account, phone, meter, servicepoint, point
  }

  static let configuration = CommandConfiguration(
    abstract: "Asks whether a service point is in an outage.",
    discussion: """
      Examples:
        outaged ask account 000000088121
        outaged ask phone '(530) 555-0100' --lang es
        outaged ask point -- -121.74 38.54
      """)

  @Argument(help: "account, phone, meter, servicepoint or point.")
  var key: Key

  @Argument(help: "The id or number; for a point: longitude and latitude in degrees.")
  var values: [String]

  @Option(name: .customLong("data"), help: "The data directory.")
  var directory = "var/outaged"

  @Option(help: "The query socket; DIR/query.sock if it is not given.")
  var socket: String?

  @Option(help: "Tell outages within this many metres as near.")
  var near: Double?

  @Option(help: "The language of the spoken text, such as es.")
  var lang: String?

  @Flag(help: "Print the answer as it came.")
  var json = false

  func run() throws {
    guard values.count == (key == .point ? 2 : 1) else {
      throw ValidationError(
        key == .point ? "point: expected a longitude and a latitude" : "\(key.rawValue): expected one value")
    }
    var words = ["OUTAGE.\(key.rawValue.uppercased())"] + values
    if let near { words += ["NEAR", "\(near)"] }
    if let lang { words += ["LANG", lang] }
    let reply: RESPReply
    do {
      reply = try SocketClient(path: socket ?? directory + "/query.sock", timeoutSeconds: 10).ask(words)
    } catch {
      throw Failure(error)
    }
    switch reply {
    case .error(let text): throw Failure(text: text)
    case .null:
      throw Failure(text: "\(key.rawValue) \(values[0]): not in the address data")
    default:
      let text = reply.text ?? ""
      print(json ? text : try AnswerText(json: text).text)
    }
  }
}

/// The answer of the daemon, laid out for a person.
private struct AnswerText {
  let text: String

  private struct Answer: Decodable {
    var match: String
    var layerVersion: Int
    var asOf: String?
    var stale: Bool
    var locations: [Location]
    var locationsOmitted: Int?
    var say: String
  }

  private struct Location: Decodable {
    var servicePointId, accountId, address: String?
    var lonDegrees, latDegrees, distanceMetres: Double?
    var match: String
    var outage: Outage?
    var alsoIn: [String]
  }

  private struct Outage: Decodable {
    var outageId, kind, status, ertStatus: String
    var cause, causeKind, startedAt, estimatedRestorationAt, ertConfidence, crewStatus, updatedAt: String?
    var customersAffected: Int?
  }

  init(json: String) throws {
    let answer = try JSONDecoder().decode(Answer.self, from: Data(json.utf8))
    var lines = [answer.say, ""]
    for location in answer.locations {
      let place =
        location.servicePointId.map { "\($0)  \(location.address ?? "")" }
        ?? "\(location.lonDegrees ?? 0), \(location.latDegrees ?? 0)"
      let distance = location.distanceMetres.map { ", \($0) m from its edge" } ?? ""
      lines.append("\(place): \(location.match)\(distance)")
      guard let outage = location.outage else { continue }
      let facts: [(String, String?)] = [
        ("outage", "\(outage.outageId), \(outage.kind), \(outage.status)"),
        (
          "cause",
          [outage.cause, outage.causeKind.map { "(\($0))" }].compactMap { $0 }.joined(separator: " ")
        ),
        ("started", outage.startedAt),
        (
          "ERT",
          [outage.ertStatus, outage.estimatedRestorationAt, outage.ertConfidence.map { "confidence \($0)" }]
            .compactMap { $0 }.joined(separator: ", ")
        ),
        ("crew", outage.crewStatus), ("customers", outage.customersAffected.map(String.init)),
        ("also in", location.alsoIn.isEmpty ? nil : location.alsoIn.joined(separator: ", ")),
      ]
      for (name, value) in facts {
        if let value, !value.isEmpty {
          lines.append("  \(name.padding(toLength: 10, withPad: " ", startingAt: 0))\(value)")
        }
      }
    }
    if let omitted = answer.locationsOmitted { lines.append("and \(omitted) further service points") }
    lines.append(
      "Layer \(answer.layerVersion), as of \(answer.asOf ?? "never")\(answer.stale ? ", STALE" : "")")
    text = lines.joined(separator: "\n")
  }
}
