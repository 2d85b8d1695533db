// Latency over time as an SVG: percentiles of each interval on a logarithmic scale, publishes as bands, the rate below.

import Foundation
import Histogram

/// Draws one run.
public struct LatencyPlot {
  public var title: String
  public var intervals: [LatencyInterval]
  /// Start and length in seconds, and what happened.
  public var bands: [(start: Double, seconds: Double, label: String)]

  public init(
    title: String, intervals: [LatencyInterval], bands: [(start: Double, seconds: Double, label: String)]
  ) {
    (self.title, self.intervals, self.bands) = (title, intervals, bands)
  }

  private static let (width, left, right) = (900.0, 70.0, 20.0)
  private static let (latencyTop, latencyHeight, rateTop, rateHeight) = (46.0, 300.0, 376.0, 90.0)
  private static let lines: [(name: String, percentile: Double, colour: String)] = [
    ("p50", 50, "#2a7f62"), ("p99", 99, "#3366cc"), ("p99.9", 99.9, "#c77700"), ("max", 100, "#b3261e"),
  ]

  /// The picture's text.
  public var svg: String {
    let seconds = max(intervals.last.map { $0.start + $0.seconds } ?? 1, 1e-3)
    func x(_ second: Double) -> Double {
      Self.left + min(max(second, 0), seconds) / seconds * (Self.width - Self.left - Self.right)
    }
    let highest = intervals.map { Double($0.histogram.max) }.max() ?? 1
    let lowest =
      intervals.filter { $0.histogram.totalCount > 0 }
      .map { Double($0.histogram.valueAtPercentile(50)) }.min() ?? 1
    let low = floor(log10(max(lowest, 100)))
    let high = max(low + 1, ceil(log10(max(highest, 1))))
    func y(_ nanoseconds: Double) -> Double {
      let share = (log10(max(nanoseconds, 1)) - low) / (high - low)
      return Self.latencyTop + Self.latencyHeight * (1 - min(max(share, 0), 1))
    }

    var parts: [String] = []
    for band in bands {
      let (from, to) = (x(band.start), x(band.start + band.seconds))
      parts.append(
        #"<rect x="\#(fixed(from))" y="\#(Self.latencyTop)" width="\#(fixed(max(to - from, 1)))" height="\#(fixed(Self.rateTop + Self.rateHeight - Self.latencyTop))" fill="gray" fill-opacity="0.18"><title>\#(escaped(band.label))</title></rect>"#
      )
    }
    for power in Int(low)...Int(high) {
      let position = y(pow(10, Double(power)))
      parts.append(
        #"<line x1="\#(Self.left)" x2="\#(Self.width - Self.right)" y1="\#(fixed(position))" y2="\#(fixed(position))" stroke="lightgray"/><text x="\#(Self.left - 6)" y="\#(fixed(position + 4))" text-anchor="end">\#(Self.label(power))</text>"#
      )
    }
    for line in Self.lines {
      parts.append(
        polyline(line.colour, width: 1.6) { interval in
          interval.histogram.totalCount == 0
            ? nil
            : (
              x(interval.start + interval.seconds / 2),
              y(Double(interval.histogram.valueAtPercentile(line.percentile)))
            )
        })
    }
    for (index, line) in Self.lines.enumerated() {
      let position = Self.left + 10 + Double(index) * 70
      parts.append(
        #"<rect x="\#(position)" y="30" width="12" height="4" fill="\#(line.colour)"/><text x="\#(position + 16)" y="36">\#(line.name)</text>"#
      )
    }
    if !bands.isEmpty {
      parts.append(
        #"<rect x="\#(Self.left + 300)" y="26" width="12" height="12" fill="gray" fill-opacity="0.3"/><text x="\#(Self.left + 316)" y="36">publish under way</text>"#
      )
    }

    let rates = intervals.map { Double($0.histogram.totalCount) / $0.seconds }
    let highestRate = max(rates.max() ?? 1, 1)
    parts.append(
      polyline("#555", width: 1.4) { interval in
        let rate = Double(interval.histogram.totalCount) / interval.seconds
        return (
          x(interval.start + interval.seconds / 2), Self.rateTop + Self.rateHeight * (1 - rate / highestRate)
        )
      })
    let bottom = Self.rateTop + Self.rateHeight
    parts.append(
      #"<line x1="\#(Self.left)" x2="\#(Self.width - Self.right)" y1="\#(bottom)" y2="\#(bottom)" stroke="silver"/><text x="\#(Self.left - 6)" y="\#(Self.rateTop + 8)" text-anchor="end">\#(Int(highestRate.rounded()))/s</text><text x="\#(Self.left - 6)" y="\#(bottom)" text-anchor="end">0</text>"#
    )
    for tick in 0...10 {
      let second = seconds * Double(tick) / 10
      parts.append(
        #"<text x="\#(fixed(x(second)))" y="\#(bottom + 18)" text-anchor="middle">\#(seconds >= 20 ? String(Int(second.rounded())) : fixed(second)) s</text>"#
      )
    }
    return """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(Self.width)) 500" font-family="sans-serif" font-size="11">
      <rect width="100%" height="100%" fill="#fff"/>
      <text x="\(Self.left)" y="18" font-size="14">\(escaped(title))</text>
      \(parts.joined(separator: "\n"))
      </svg>

      """
  }

  /// A line that breaks where an interval has no point.
  private func polyline(
    _ colour: String, width: Double, _ point: (LatencyInterval) -> (x: Double, y: Double)?
  ) -> String {
    var path = ""
    var isDrawing = false
    for interval in intervals {
      guard let (x, y) = point(interval) else {
        isDrawing = false
        continue
      }
      path += "\(isDrawing ? "L" : "M")\(fixed(x)) \(fixed(y))"
      isDrawing = true
    }
    return #"<path d="\#(path)" fill="none" stroke="\#(colour)" stroke-width="\#(width)"/>"#
  }

  private static func label(_ power: Int) -> String {
    let units = ["ns", "µs", "ms", "s"]
    let unit = min(power / 3, units.count - 1)
    return "\(Int(pow(10, Double(power - unit * 3)))) \(units[unit])"
  }

  private func fixed(_ number: Double) -> String { String(format: "%.1f", number) }

  private func escaped(_ text: String) -> String {
    text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
  }
}
