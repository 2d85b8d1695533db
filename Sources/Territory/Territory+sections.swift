// A whole Territory to and from flat sections: what a snapshot file holds.

import OutageModel
import PointLocation

extension Territory {
  /// Appends the sections of the Territory. Tables, indexes and the join are not copied; the outages' own records are, and come last.
  public func write(to writer: inout SectionWriter) {
    servicePoints.write(to: &writer)
    polygons.write(to: &writer)
    coverage.write(to: &writer)
    outages.write(to: &writer)
  }

  /// What of a Territory is served as it lies in the sections: all but the outages' own records.
  public struct Places: Sendable {
    let servicePoints: ServicePointTable
    let polygons: PolygonIndex
    let coverage: PointCoverage

    /// - Parameter addressVersion: the address load that the sections were made of; 0 for none.
    /// - Throws: `SectionError` for the first thing that does not fit.
    public init(validating reader: inout SectionReader, addressVersion: Int) throws(SectionError) {
      servicePoints = try ServicePointTable(validating: &reader, addressVersion: addressVersion)
      polygons = try PolygonIndex(validating: &reader)
      coverage = try PointCoverage(
        validating: &reader, pointCount: servicePoints.rowCount, polygonCount: polygons.count)
    }
  }

  /// - Throws: `SectionError` if there are not as many outages as areas.
  public convenience init(_ places: Places, _ outages: OutageTable) throws(SectionError) {
    guard places.polygons.count == outages.count else {
      throw .count(
        section: "polygons.boxes", found: places.polygons.count, expected: "\(outages.count), one an outage")
    }
    self.init(
      servicePoints: places.servicePoints, outages: outages, polygons: places.polygons,
      coverage: places.coverage)
  }

  /// A Territory over sections that `write` made, in memory or mapped from a file: nothing is sorted, indexed or joined.
  ///
  /// No sections, however damaged, make a look-up read outside of them. That they say what is true is for the file's checksum to vouch for.
  /// - Parameters:
  ///   - addressVersion: the address load that the sections were made of; 0 for none.
  ///   - layer: the outage layer that they were made of.
  /// - Throws: `SectionError` for the first thing that does not fit.
  public convenience init(
    validating reader: inout SectionReader, addressVersion: Int, layer: LayerVersion?
  ) throws(SectionError) {
    let places = try Places(validating: &reader, addressVersion: addressVersion)
    try self.init(places, OutageTable(validating: &reader, layer: layer))
  }
}
