// A whole Territory to and from flat sections: what a snapshot file holds.

import OutageModel
import PointLocation

extension Territory {
  /// Appends the sections of the Territory. Tables, indexes and the join are not copied; the outages' own records are.
  public func write(to writer: inout SectionWriter) {
    servicePoints.write(to: &writer)
    outages.write(to: &writer)
    polygons.write(to: &writer)
    coverage.write(to: &writer)
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
    let servicePoints = try ServicePointTable(validating: &reader, addressVersion: addressVersion)
    let outages = try OutageTable(validating: &reader, layer: layer)
    let polygons = try PolygonIndex(validating: &reader)
    guard polygons.count == outages.count else {
      throw .count(
        section: "polygons.boxes", found: polygons.count, expected: "\(outages.count), one an outage"
      )
    }
    let coverage = try PointCoverage(
      validating: &reader, pointCount: servicePoints.rowCount, polygonCount: outages.count)
    self.init(servicePoints: servicePoints, outages: outages, polygons: polygons, coverage: coverage)
  }
}
