// The configuration and the options of a publish: strict, with bounds, and in their order of precedence.

import Foundation
import CallerAnswer
import LayerImport
import MetricsExport
import OutageModel
import SuspectedOutages
import Testing

@testable import OutageDaemon

@Suite struct DaemonConfigurationTests {
  private func configuration(_ json: String) throws(ConfigurationError) -> DaemonConfiguration {
    try DaemonConfiguration(json: Data(json.utf8), file: "c.json")
  }

  @Test func `every key is taken`() throws {
    let c = try configuration(
      """
      {"timeZone":"America/Vancouver","defaultCountryCode":"44","nearMetres":150.5,"staleAfterSeconds":60,
       "templatesDirectory":"t","defaultLanguage":"es","territoryBounds":[-123,37,-120.5,39],"maxRejected":0.5,
       "keepLayers":3,"eventLoops":2,"maxConnections":10,"halfRequestTimeoutSeconds":4,"unreadReplyTimeoutSeconds":5}
      """)
    #expect(c.timeZone == "America/Vancouver")
    #expect(c.defaultCountryCode == "44")
    #expect(c.nearMetres == 150.5)
    #expect(c.staleAfterSeconds == 60)
    #expect(c.templatesDirectory == "t")
    #expect(c.defaultLanguage == "es")
    #expect(c.territoryBounds == [-123, 37, -120.5, 39])
    #expect(c.maxRejected == 0.5)
    #expect(c.keepLayers == 3)
    #expect(c.eventLoops == 2)
    #expect(c.maxConnections == 10)
    #expect(c.halfRequestTimeoutSeconds == 4)
    #expect(c.unreadReplyTimeoutSeconds == 5)
    #expect(try configuration("{}") == DaemonConfiguration())
    let metrics = try configuration(#"{"metrics":{"address":"127.0.0.1:9464"}}"#).metricsAddress
    #expect(metrics?.description == "127.0.0.1:9464")
  }

  @Test func `the keys of suspected outages are taken and bounded`() throws {
    let suspected = try configuration(
      """
      {"suspected":{"enabled":false,"windowSeconds":600,"fadeAfterSeconds":1200,"reportersMin":4,"falseAlarmsPerDay":0.5,
       "backgroundReportsPerThousandPerDay":2,"neighbourMetres":80,"feederShare":0.25,"marginMetres":10,"refreshSeconds":2}}
      """
    ).suspected
    #expect(!suspected.isEnabled)
    #expect(suspected.search.windowSeconds == 600)
    #expect(suspected.search.fadeAfterSeconds == 1200)
    #expect(suspected.search.reportersMin == 4)
    #expect(suspected.search.falseAlarmsPerDay == 0.5)
    #expect(suspected.search.backgroundReportsPerThousandPerDay == 2)
    #expect(suspected.search.neighbourMetres == 80)
    #expect(suspected.search.feederShare == 0.25)
    #expect(suspected.marginMetres == 10)
    #expect(suspected.refreshSeconds == 2)
    for (json, key) in [
      (#"{"suspected":{"window":600}}"#, "suspected.window"),
      (#"{"suspected":{"reportersMin":1}}"#, "suspected.reportersMin"),
      (#"{"suspected":{"windowSeconds":7200,"fadeAfterSeconds":3600}}"#, "suspected.fadeAfterSeconds"),
      (#"{"suspected":[]}"#, "suspected"),
    ] {
      let error = #expect(throws: ConfigurationError.self) { try configuration(json) }
      #expect("\(String(describing: error))".contains("\(key)"), "\(json)")
    }
  }

  @Test(arguments: [
    (#"{"nearMeters":5}"#, "nearMeters"), (#"{"nearMetres":"5"}"#, "nearMetres"),
    (#"{"nearMetres":50001}"#, "nearMetres"), (#"{"nearMetres":-1}"#, "nearMetres"),
    (#"{"nearMetres":true}"#, "nearMetres"), (#"{"staleAfterSeconds":0}"#, "staleAfterSeconds"),
    (#"{"staleAfterSeconds":1.5}"#, "staleAfterSeconds"), (#"{"timeZone":"PST8"}"#, "timeZone"),
    (#"{"timeZone":5}"#, "timeZone"), (#"{"defaultCountryCode":"+1"}"#, "defaultCountryCode"),
    (#"{"territoryBounds":[1,2,3]}"#, "territoryBounds"),
    (#"{"territoryBounds":[10,2,3,4]}"#, "territoryBounds"), (#"{"maxRejected":2}"#, "maxRejected"),
    (#"{"keepLayers":1}"#, "keepLayers"), (#"{"eventLoops":65}"#, "eventLoops"),
    (#"{"eventLoops":null}"#, "eventLoops"), (#"{"metrics":{"address":"0.0.0.0:9464"}}"#, "metrics.address"),
    (#"{"metrics":{"address":9464}}"#, "metrics.address"), (#"{"metrics":{"port":9464}}"#, "metrics.port"),
  ])
  func `a key that is not known, of the wrong type or out of bounds is an error that names it`(
    json: String, key: String
  ) {
    let error = #expect(throws: ConfigurationError.self) { try configuration(json) }
    guard case .badValue(let file, let named, _, let expected) = error else {
      Issue.record("\(json): \(String(describing: error))")
      return
    }
    #expect(file == "c.json" && named == key && !expected.isEmpty)
  }

  @Test func `a default language that nobody speaks is an error`() throws {
    let c = try configuration(#"{"defaultLanguage":"fr"}"#)
    #expect(throws: ConfigurationError.self) { try c.answerSettings() }
    #expect(try DaemonConfiguration().answerSettings().languages.map(\.language).contains("es"))
  }

  @Test func `a publish's options are strict as well, and come through their JSON unchanged`() throws {
    let json = """
      {"map":{"outageId":"INCIDENT_NO"},"profile":"/p","crs":"EPSG:2227","timezone":"America/Vancouver","maxRejected":0.2,\
      "layer":"l","encoding":"CP1252","dryRun":true,"errorsAsJSON":true}
      """
    let request = try PublishRequest(json: json)
    #expect(try PublishRequest(json: request.json()).json() == request.json())
    let options = request.importOptions(DaemonConfiguration())
    #expect(options.mapping == ["outageId": "INCIDENT_NO"])
    #expect(options.profileFile == "/p" && options.crs == "EPSG:2227" && options.layerName == "l")
    #expect(options.maxRejectedFraction == 0.2 && options.encoding == "CP1252")
    for (bad, part) in [
      (#"{"dry":true}"#, "key dry"), (#"{"dryRun":"yes"}"#, "wrong type"), ("[]", "no JSON object"),
    ] {
      let error = #expect(throws: ConfigurationError.self) { try PublishRequest(json: bad) }
      #expect(error?.description.contains(part) == true, "\(String(describing: error))")
    }
  }

  @Test
  func `a wall clock's zone is the option's, then the profile's, then the configuration's, and else none`()
    throws
  {
    let small = try SmallTerritory()
    let profile = small.directory + "/profile.json"
    try #"{"timezone":"America/Denver"}"#.write(toFile: profile, atomically: true, encoding: .utf8)
    let file = try small.layer(
      "local.geojson", [SquareOutage(id: "O1", around: [1], fields: ["START_TIME": "2026-11-24 10:00"])])
    func start(_ change: (inout PublishRequest) -> Void, configured: String?) throws -> String? {
      var request = PublishRequest()
      change(&request)
      var configuration = DaemonConfiguration()
      configuration.timeZone = configured
      let options = request.importOptions(configuration)
      let outages = try LayerImporter.readOutages(file, options: options, progress: { _ in }).outages
      return outages.first?.startedAt?.iso8601
    }
    let zone = "America/Los_Angeles"
    #expect(
      try start({ ($0.timezone, $0.profile) = ("America/New_York", profile) }, configured: zone)
        == "2026-11-24T15:00:00Z")
    #expect(try start({ $0.profile = profile }, configured: zone) == "2026-11-24T17:00:00Z")
    #expect(try start({ _ in }, configured: zone) == "2026-11-24T18:00:00Z")
    let error = #expect(throws: ImportError.self) { try start({ _ in }, configured: nil) }
    #expect("\(String(describing: error))".contains("timeWithoutZone"))
  }
}
