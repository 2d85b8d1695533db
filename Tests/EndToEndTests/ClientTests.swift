// Clients that exist: redis-cli, Python's redis, and our own command line.

import Foundation
import OutageDaemon
import Testing
import WireProtocol

@Suite(.serialized) struct ClientTests {
  // A service point of the fixture territory in exactly one outage, and what the first storm step changes.
  private static let account = "000000000098"
  private static let servicePoint = "SP-000000099"
  private static let outage = "OMS-4517"

  private static let hasRedisCLI = FileManager.default.isExecutableFile(atPath: "/usr/bin/redis-cli")

  @Test(.enabled(if: ClientTests.hasRedisCLI, "redis-cli is not installed"))
  func `redis-cli asks in every way that there is`() throws {
    let scratch = try fixtureDirectory()
    let daemon = try RunningDaemon(data: scratch.path, arguments: ["--config", fixtures + "/outaged.json"])
    func redis(_ arguments: String...) throws -> String {
      try run("/usr/bin/redis-cli", ["-s", daemon.querySocket] + arguments).output
        .trimmingCharacters(in: .whitespacesAndNewlines)
    }
    #expect(try redis("PING") == "PONG")
    #expect(try redis("-3", "HELLO", "3").contains("outaged"))
    let byAccount = try redis("OUTAGE.ACCOUNT", Self.account)
    #expect(byAccount.contains("\"servicePointId\":\"\(Self.servicePoint)\""))
    #expect(byAccount.contains("\"outageId\":\"\(Self.outage)\""))
    #expect(byAccount == (try redis("-3", "OUTAGE.ACCOUNT", Self.account)))
    #expect(try redis("OUTAGE.SERVICEPOINT", Self.servicePoint).contains(Self.outage))
    #expect(try redis("OUTAGE.ACCOUNT", "no such account") == "")
    #expect(try redis("OUTAGE.POINT", "-121.747551", "38.5396708").contains("\"match\":"))
    #expect(try redis("OUTAGE.PHONE", "(707) 555-0006").contains("SP-000000000"))
    #expect(try redis("OUTAGE.METER", "M70000001").contains("SP-000000001"))
    let several = try redis("OUTAGE.MACCOUNT", "000000000000", "nobody", "000000000001")
    #expect(several.components(separatedBy: "\n").count == 3)
    #expect(try redis("OUTAGE.MPOINT", "-121.7", "38.5", "0", "0").components(separatedBy: "\n").count == 2)
    #expect(try redis("OUTAGE.POINT", "200", "38.5").hasPrefix("BADARG "))
    #expect(try redis("OUTAGE.NOSUCH").hasPrefix("UNKNOWN "))
    #expect(try redis("LAYER.STATUS").hasPrefix("NOPERM "))
    #expect(try redis("INFO", "outages").contains("service_points:5100"))
    #expect(try redis("COMMAND", "COUNT") == "\(CommandTable.all.count)")
    let typed = "PING\nOUTAGE.METER \"M70000001\"\n"
    let inline = try run("/usr/bin/redis-cli", ["-s", daemon.querySocket], input: typed).output
    #expect(inline.contains("PONG") && inline.contains("SP-000000001"))
    let status = try run("/usr/bin/redis-cli", ["-s", daemon.adminSocket, "LAYER.STATUS"]).output
    #expect(status.contains("\"layer\":1"))
  }

  private static let pythonHasRedis =
    (try? run("/usr/bin/python3", ["-c", "import redis"]).status) == 0

  @Test(.enabled(if: ClientTests.pythonHasRedis, "python3-redis is not installed"))
  func `the Python client library works as it is`() throws {
    let scratch = try fixtureDirectory()
    let daemon = try RunningDaemon(data: scratch.path, arguments: ["--config", fixtures + "/outaged.json"])
    let script = """
      import json, redis, sys
      r = redis.Redis(unix_socket_path=sys.argv[1], decode_responses=True, client_name="bot")
      assert r.ping()
      answer = json.loads(r.execute_command("OUTAGE.ACCOUNT", "\(Self.account)"))
      assert answer["match"] == "inside"
      assert answer["locations"][0]["outage"]["outageId"] == "\(Self.outage)", answer
      assert r.execute_command("OUTAGE.ACCOUNT", "nobody") is None
      pipe = r.pipeline(transaction=False)
      for number in range(5000):
        pipe.execute_command("OUTAGE.ACCOUNT", "%012d" % number)
      replies = pipe.execute()
      assert len(replies) == 5000 and all(json.loads(x)["locations"] for x in replies)
      many = r.execute_command("OUTAGE.MACCOUNT", "000000000000", "nobody")
      assert many[0] and many[1] is None
      try:
        r.execute_command("OUTAGE.POINT", "x", "y")
        raise AssertionError("no error")
      except redis.ResponseError as error:
        assert str(error).startswith("BADARG "), error
      assert r.info("outages")["outages"] == 60
      assert r.client_getname() == "bot"
      print("all well")
      """
    let finished = try run("/usr/bin/python3", ["-c", script, daemon.querySocket])
    #expect(finished.output == "all well\n", "\(finished.errors)")
  }

  private static let hasSpatiaLite =
    (try? run("/usr/bin/sqlite3", [":memory:", "SELECT load_extension('mod_spatialite')"]).status) == 0

  @Test(.enabled(if: ClientTests.hasSpatiaLite, "sqlite3 with libsqlite3-mod-spatialite is not installed"))
  func `a map opens the store while it is served, and finds the current addresses and outages`() throws {
    let scratch = try fixtureDirectory()
    let daemon = try RunningDaemon(data: scratch.path, arguments: ["--config", fixtures + "/outaged.json"])
    let published = try outaged(
      "publish", "outages", fixtures + "/storm/step-01.geojson", "--data", scratch.path)
    #expect(published.status == 0)
    func sql(_ query: String) throws -> String {
      let arguments = [
        "-readonly", scratch.path + "/outaged.sqlite", "SELECT load_extension('mod_spatialite')", query,
      ]
      let finished = try run("/usr/bin/sqlite3", arguments)
      return (finished.output + finished.errors).trimmingCharacters(in: .whitespacesAndNewlines)
    }
    #expect(
      try sql(
        "SELECT view_name, view_geometry, f_table_name FROM views_geometry_columns ORDER BY view_name")
        == "current_outage|geom|outage\ncurrent_service_point|geom|service_point")
    #expect(
      try sql(
        "SELECT count(*), min(GeometryType(geom)), min(Srid(geom)), min(IsValid(geom)) FROM current_outage")
        == "3|MULTIPOLYGON|4326|1")
    #expect(
      try sql("SELECT count(*), min(GeometryType(geom)), min(Srid(geom)) FROM current_service_point")
        == "5100|POINT|4326")
    // The answer to a bot and the map agree.
    let covered = try sql(
      """
      SELECT count(*) FROM current_service_point WHERE EXISTS
        (SELECT 1 FROM current_outage WHERE ST_Covers(current_outage.geom, current_service_point.geom))
      """)
    let info = try daemon.client().ask(["INFO", "outages"]).text ?? ""
    #expect(info.contains("service_points_out:\(covered)\r\n"), "\(covered), \(info)")
  }

  @Test func `the command line asks, tells the state, publishes, rolls back`() throws {
    let scratch = try fixtureDirectory()
    let config = fixtures + "/outaged.json"
    let daemon = try RunningDaemon(data: scratch.path, arguments: ["--config", config])
    let data = scratch.path
    let asked = try outaged("ask", "account", Self.account, "--data", data)
    #expect(asked.status == 0)
    #expect(asked.output.contains(Self.servicePoint) && asked.output.contains(Self.outage), "\(asked)")
    let raw = try outaged("ask", "account", Self.account, "--json", "--data", data).output
    #expect(try daemon.client().ask(["OUTAGE.ACCOUNT", Self.account]).text == String(raw.dropLast()))
    let unknown = try outaged("ask", "account", "nobody", "--data", data)
    #expect(unknown.status == 1)
    #expect(unknown.errors.contains("nobody: not in the address data"))

    let dry = try outaged(
      "publish", "outages", fixtures + "/storm/step-01.geojson", "--dry-run", "--data", data)
    #expect(dry.status == 0, "\(dry)")
    #expect(dry.output.contains("Dry run: nothing is published."))
    #expect(dry.output.contains("3 added, 0 changed, 60 cleared"))
    #expect(dry.output.contains("61 out in all"), "\(dry.output)")
    #expect(try outaged("status", "--data", data).output.contains("layer 1"))
    let published = try outaged(
      "publish", "outages", fixtures + "/storm/step-01.geojson", "--timings", "--data", data)
    let layer2 = "Published outage layer 2 (step-01.geojson) in place of version 1."
    #expect(published.output.contains(layer2), "\(published)")
    #expect(try Answer(daemon.client().ask(["OUTAGE.ACCOUNT", Self.account])).layerVersion == 2)
    let back = try outaged("rollback", "1", "--data", data)
    let layer3 = "Published outage layer 3 (rollback of 1) in place of version 2."
    #expect(back.output.contains(layer3), "\(back)")
    let answer = try Answer(daemon.client().ask(["OUTAGE.ACCOUNT", Self.account]))
    #expect(answer.layerVersion == 3)
    #expect(answer.locations[0].outage?.outageId == Self.outage)
    let missing = try outaged("rollback", "99", "--data", data)
    #expect(missing.status == 1)
    #expect(missing.errors.contains("UNKNOWN"), "\(missing)")
  }

  @Test func `addresses that are imported while a daemon serves are served at once`() throws {
    let scratch = try fixtureDirectory()
    let config = fixtures + "/outaged.json"
    let daemon = try RunningDaemon(data: scratch.path, arguments: ["--config", config])
    let file = try scratch.file(
      "new.csv", "SERVICE_POINT_ID,ACCOUNT,LON,LAT\nNEW-1,\(Self.account),-121.7,38.5\n")
    let imported = try outaged("import", "addresses", file, "--data", scratch.path, "--config", config)
    #expect(imported.status == 0, "\(imported)")
    #expect(imported.output.contains("The daemon serves it."))
    let answer = try Answer(daemon.client().ask(["OUTAGE.ACCOUNT", Self.account]))
    #expect(answer.locations.map(\.servicePointId) == ["NEW-1"])
    #expect(try daemon.client().ask(["OUTAGE.ACCOUNT", "000000000036"]) == .null)
  }
}
