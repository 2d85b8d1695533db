// Places in squares of degrees, so that the neighbours of one are found without looking at all.

import OutageModel
import PointLocation

/// Finds the places within a distance of a place. Distances are in metres on WGS 84; the date line is not crossed.
struct PlaceGrid {
  private struct Cell: Hashable {
    var column, row: Int
  }

  private let withinMetres: Double
  private let places: [LonLat]
  private let widthDegrees: Double
  private let heightDegrees: Double
  private var placesOfCell: [Cell: [Int]] = [:]

  init(_ places: [LonLat], withinMetres: Double) {
    self.places = places
    self.withinMetres = withinMetres
    let northernmost = places.map(\.latDegrees.magnitude).max() ?? 0
    let halves = EarthPlace.halfWidthsDegrees(latDegrees: northernmost, metres: withinMetres)
    (widthDegrees, heightDegrees) = halves
    for (index, place) in places.enumerated() { placesOfCell[cell(place), default: []].append(index) }
  }

  private func cell(_ place: LonLat) -> Cell {
    Cell(
      column: Int((place.lonDegrees / widthDegrees).rounded(.down)),
      row: Int((place.latDegrees / heightDegrees).rounded(.down)))
  }

  /// The indexes of the places within the distance of place `index`, itself included; in no order.
  func neighbours(of index: Int) -> [Int] {
    let place = places[index]
    let center = EarthPlace(place)
    let middle = cell(place)
    var found: [Int] = []
    for row in middle.row - 1...middle.row + 1 {
      for column in middle.column - 1...middle.column + 1 {
        for other in placesOfCell[Cell(column: column, row: row)] ?? []
        where center.distanceMetres(to: EarthPlace(places[other])) <= withinMetres {
          found.append(other)
        }
      }
    }
    return found
  }
}

extension EarthPlace {
  init(_ position: LonLat) {
    self.init(lonDegrees: position.lonDegrees, latDegrees: position.latDegrees)
  }

  /// Half the width and the height of a box of degrees that holds everything within a distance.
  static func halfWidthsDegrees(latDegrees: Double, metres: Double) -> (lon: Double, lat: Double) {
    let lat = metres / leastCurvatureMetres * 1.01 * 180 / .pi
    // Beyond 89 degrees nobody has a service point.
    let cosine = sineAndCosine(degrees: min(89, latDegrees.magnitude + lat)).cosine
    return (lat / cosine, lat)
  }
}
