// What the configuration says of suspected outages.

import SuspectedOutages

/// The key `suspected` of the configuration; `Docs/SUSPECTED.md` lists its parameters.
struct SuspectedConfiguration: Sendable, Equatable {
  var isEnabled = true
  var search = SuspicionSettings()
  /// How far an area reaches beyond the service points that it is drawn around.
  var marginMetres = 25.0
  /// The least time between two looks at the reports.
  var refreshSeconds = 5

  mutating func read(_ reader: inout StrictReader) throws(ConfigurationError) {
    try reader.take("enabled", "true or false", &isEnabled) { _ in true }
    try reader.take("windowSeconds", "60 to 86400", &search.windowSeconds) { (60...86_400).contains($0) }
    let least = search.windowSeconds
    search.fadeAfterSeconds = max(search.fadeAfterSeconds, least)
    try reader.take("fadeAfterSeconds", "\(least) (windowSeconds) to 172800", &search.fadeAfterSeconds) {
      (least...172_800).contains($0)
    }
    try reader.take("reportersMin", "2 to 1000", &search.reportersMin) { (2...1000).contains($0) }
    try reader.take("falseAlarmsPerDay", "0.0001 to 10000", &search.falseAlarmsPerDay) {
      (0.0001...10_000).contains($0)
    }
    try reader.take(
      "backgroundReportsPerThousandPerDay", "0.001 to 10000", &search.backgroundReportsPerThousandPerDay
    ) { (0.001...10_000).contains($0) }
    try reader.take("neighbourMetres", "1 to 10000", &search.neighbourMetres) { (1...10_000).contains($0) }
    try reader.take("feederShare", "a share above 0, to 1", &search.feederShare) { 0 < $0 && $0 <= 1 }
    try reader.take("marginMetres", "1 to 1000", &marginMetres) { (1...1000).contains($0) }
    try reader.take("refreshSeconds", "1 to 600", &refreshSeconds) { (1...600).contains($0) }
  }
}
