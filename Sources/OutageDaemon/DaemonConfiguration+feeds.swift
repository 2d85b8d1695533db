// The key `feeds` of the configuration.

import Feeds
import Foundation
import LayerImport

extension DaemonConfiguration {
  /// What a feed does not say is as the configuration has it for files that are published by hand.
  func feeds(_ reader: inout StrictReader) throws(ConfigurationError) -> [FeedConfiguration] {
    var feeds: [FeedConfiguration] = []
    for var entry in try reader.objects("feeds", "a list of objects, one a feed") {
      let feed = try feed(&entry)
      guard !feeds.contains(where: { $0.name == feed.name }) else {
        throw .badValue(
          file: entry.file, key: entry.path + "name", found: feed.name,
          expected: "a name that no other feed has")
      }
      feeds.append(feed)
    }
    return feeds
  }

  private func feed(_ entry: inout StrictReader) throws(ConfigurationError) -> FeedConfiguration {
    var name = ""
    try entry.take("name", "letters, digits, _ and -, such as \"oms\"", &name) {
      $0.count <= 64 && $0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
    }
    guard !name.isEmpty else {
      throw .badValue(
        file: entry.file, key: entry.path + "name", found: "nothing", expected: "letters, digits, _ and -")
    }
    var feed = FeedConfiguration(name: name, source: try source(&entry), options: options)
    try entry.take("profile", "a file", &feed.options.profileFile) { $0?.isEmpty == false }
    try entry.take("map", "an object such as {\"outageId\":\"INCIDENT_NO\"}", &feed.options.mapping) { _ in
      true
    }
    try entry.take("crs", "a coordinate system such as EPSG:2227", &feed.options.crs) { $0?.isEmpty == false }
    try entry.take("timeZone", "an IANA zone such as America/Los_Angeles", &feed.options.timeZoneName) {
      TimeZone(identifier: $0 ?? "") != nil
    }
    try entry.take("layer", "the name of a table", &feed.options.layerName) { $0?.isEmpty == false }
    try entry.take("encoding", "an encoding such as CP1252", &feed.options.encoding) { $0?.isEmpty == false }
    try entry.take("maxRejected", "a share from 0 to 1", &feed.options.maxRejectedFraction) {
      (0...1).contains($0)
    }
    try entry.take("intervalSeconds", "0.05 to 86400", &feed.intervalSeconds) { (0.05...86_400).contains($0) }
    try entry.take("staleAfterSeconds", "1 to 604800", &feed.staleAfterSeconds) { (1...604_800).contains($0) }
    try entry.take("settleSeconds", "0 to 3600", &feed.settleSeconds) { (0...3600).contains($0) }
    try entry.take("timeoutSeconds", "0.1 to 3600", &feed.timeoutSeconds) { (0.1...3600).contains($0) }
    var mebibytes = feed.sizeBytesMax >> 20
    try entry.take("maxMebibytes", "1 to 65536", &mebibytes) { (1...65_536).contains($0) }
    feed.sizeBytesMax = mebibytes << 20
    try entry.take("maxDrop", "a share from 0 to 1; 1 = never held", &feed.guards.dropFractionMax) {
      (0...1).contains($0)
    }
    try entry.take("dropWindowSeconds", "1 to 604800", &feed.guards.dropWindowSeconds) {
      (1...604_800).contains($0)
    }
    try entry.take("dropMinOutages", "1 to 1000000", &feed.guards.dropOutagesMin) {
      (1...1_000_000).contains($0)
    }
    try entry.finish()
    return feed
  }

  private var options: ImportOptions {
    var options = PublishRequest().importOptions(self)
    options.maxRejectedFraction = maxRejected
    return options
  }

  private func source(_ entry: inout StrictReader) throws(ConfigurationError) -> FeedConfiguration.Source {
    var (directory, pattern, url): (String?, String?, String?) = (nil, nil, nil)
    var command: [String]?
    try entry.take("directory", "a directory", &directory) { $0?.isEmpty == false }
    try entry.take("pattern", "a pattern of the shell such as *.geojson", &pattern) { $0?.isEmpty == false }
    try entry.take("command", "a list, the program and its arguments", &command) {
      $0?.first?.isEmpty == false
    }
    try entry.take("url", "a URL such as http://127.0.0.1:8080/outages.geojson", &url) {
      guard let url = URL(string: $0 ?? ""), let host = url.host else { return false }
      return ["http", "https"].contains(url.scheme) && !host.isEmpty
    }
    let found = [
      directory != nil ? "directory" : nil, command != nil ? "command" : nil, url != nil ? "url" : nil,
    ]
    .compactMap { $0 }
    guard found.count == 1, pattern == nil || directory != nil else {
      throw .badValue(
        file: entry.file, key: entry.path + "directory",
        found: found.isEmpty
          ? "no source" : (found + (pattern == nil ? [] : ["pattern"])).joined(separator: " and "),
        expected: "one of directory (which may have a pattern), command, url")
    }
    if let directory { return .directory(path: directory, pattern: pattern) }
    if let command { return .command(command) }
    return .url(url ?? "")
  }
}
