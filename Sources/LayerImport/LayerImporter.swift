// The way in: reads a file of addresses or outages into model values, and reports what it met.

import OutageModel

/// Reads GeoJSON, GeoJSON text sequences, CSV, Shapefile, GeoPackage and SpatiaLite files (Docs/FORMATS.md).
public enum LayerImporter {
  /// Streams the service points of a file in bounded memory.
  ///
  /// `body` may be called again with the same `servicePointId`: the last call wins.
  /// - Throws: `ImportError`, and what `body` throws. What `body` was given before is to be thrown away then.
  public static func readAddresses(
    _ file: String, options: ImportOptions, progress: (ImportProgress) -> Void,
    _ body: (ServicePoint) throws -> Void
  ) throws -> ImportReport {
    ImportReport()
  }

  /// Reads an outage layer; ids are unique and areas valid.
  public static func readOutages(
    _ file: String, options: ImportOptions, progress: (ImportProgress) -> Void
  ) throws(ImportError) -> (outages: [Outage], report: ImportReport) {
    ([], ImportReport())
  }

  /// Reads a file as an import would, and tells how.
  /// - Throws: `ImportError.refused` if the file cannot be read at all; rejected records are in the report.
  public static func check(_ file: String, options: ImportOptions) throws(ImportError) -> CheckReport {
    CheckReport()
  }
}
