// The texts that lie beside the fixtures, written with them so that they cannot disagree.

import OutageModel
import StormGeneration

/// What the README files under GeoFixtures say.
enum ReadMe {
  static let broken = """
    # Broken files

    One file for each fault that a hand-over can have. `expected.json` lists the same for tests: `record` counts from 1.

    - **accepted**: taken; the report names what was noticed.
    - **repaired**: taken after a repair, which is counted and reported with its reason and place.
    - **rejected**: the record is left out for the reason. One of three is more than 1 %, so by default nothing is published.
    - **refused**: the file is no layer; nothing is published.


    """

  static func fixtures(_ set: FixtureSet, outageCount: Int) -> String {
    let outageColumns: [(String, RecordSchema<Outage>)] = [
      ("GeoJSON", .geoJSON), (".geojsons", .textSequence), ("CSV, WKT", .csvWKT), ("CSV, WKB", .csvWKB),
      ("CSV, local time", .csvWallClock), ("Shapefile", .shapefile), ("GeoPackage", .geoPackage),
      ("SpatiaLite", .spatiaLite),
    ]
    let pointColumns: [(String, RecordSchema<ServicePoint>)] = [
      ("GeoJSON", .geoJSON), (".geojsons", .textSequence), ("CSV, lon/lat", .csv), ("CSV, WKT", .csvWKT),
      ("CSV, WKB", .csvWKB),
      ("Shapefile", .shapefile), ("GeoPackage", .geoPackage), ("SpatiaLite", .spatiaLite),
    ]
    let outages = outageColumns.map { "| \($0) | \($1.names.joined(separator: ", ")) |" }.joined(
      separator: "\n")
    let points = pointColumns.map { "| \($0) | \($1.names.joined(separator: ", ")) |" }.joined(
      separator: "\n")
    let spellings = (Spelling.table + Spelling.causeTable).map {
      "| \($0.model) | \($0.code) | \($0.words) |"
    }
    .joined(separator: "\n")
    return """
      # GeoFixtures

      A made-up utility around Davis, California, and its storm: what a GIS team would hand over, in every format. All of it is
      written by one command (`make fixtures`) from one seed (\(set.seed)), and the same seed gives the same bytes with the same library versions:

      ```
      swift run --package-path Bench -c release outage-fixtures committed --out GeoFixtures
      swift run --package-path Bench -c release outage-fixtures committed --out GeoFixtures --verify   # writes twice, compares, and compares with GeoFixtures
      ```

      Time zone America/Los_Angeles, country code 1. Times are relative to \(set.now.iso8601) (`--now`).

      | folder | what |
      | --- | --- |
      | `territory/` | \(set.points.count) service points of \(set.plan.accountCount) accounts (000000000000 to \(TerritoryPlan.accountId(set.plan.accountCount - 1)), no gap: every key that `redis-benchmark -r \(set.plan.accountCount)` draws exists). 50 of 51 service points have an account of their own; the 51st is a second one of another account, and a third of those belong to account 000000000000. One account in ten has no phone, one in eight two; some phones have many accounts. Units of an apartment house share a position. |
      | `outages/` | one layer of \(outageCount) outages in every format; `expected.json` gives, for each service point that is covered, the outages that cover it (GEOS `covers`) |
      | `feeds/` | the first 30 of them in the shapes of public feeds: ArcGIS FeatureServer JSON (feet), StormCenter (those without holes, rounded to 1e-5 degrees), CIM as XML and JSON, KML, and a JSON array of records with flat, unclosed rings |
      | `storm/` | `step-01` to `step-12`, ten minutes apart: outages appear, grow, split (a new id with B), merge (the B goes), get crews and times, and clear; `expected.json` gives the same for each step |
      | `broken/` | one file for each fault, and what has to come of it |

      All files of a folder hold the same content under other column names, spellings, time styles and coordinate systems
      (EPSG:4326, and EPSG:2227: NAD83 / California zone 3, US survey feet, within whose bounds the towns lie). A CSV does not say its
      system: those in feet need `--crs EPSG:2227`. `outages-local-time.csv.gz` needs `--timezone America/Los_Angeles`. Service points
      keep \(EdgeMargin.marginMetres) m clear of every edge, so that no reprojection moves one across. About one in seven of the
      \(outageCount) were laid over or into another.

      ## Columns of the outage files

      | file | outageId, kind, status, cause, causeKind, startedAt, estimatedRestorationAt, ertConfidence, ertSource, crewStatus, feederId, customersAffected, customersRestored, communityDescriptor, message, updatedAt |
      | --- | --- |
      \(outages)

      ## Columns of the service point files

      | file | servicePointId, accountId, meterId, phones (one column or two), addressLine, unit, city, postalCode, transformerId, feederId, criticalCustomer |
      | --- | --- |
      \(points)

      ## Spellings

      CSV with WKT and Shapefile have the codes; text sequences, CSV with WKB and GeoPackage the words; the others the model's own.

      | model | code | words |
      | --- | --- | --- |
      \(spellings)

      ## Larger ones

      ```
      swift run --package-path Bench -c release outage-fixtures territory --service-points 1000000 --out x.csv
      swift run --package-path Bench -c release outage-fixtures storm --polygons 10000 --service-points 1000000 --seed 1 --out x.geojson
      ```

      Both stream, any format that is text, gzipped where the name ends in .gz. Give both the same `--seed` (or the storm `--territory-seed`),
      and the storm the territory's number of service points, so that it lies over the same streets. At this size edges keep no margin.

      """
  }
}
