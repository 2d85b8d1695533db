// Boost.Geometry: an R-tree over bounds, then covered_by on each candidate.
#include <boost/geometry.hpp>
#include <boost/geometry/geometries/box.hpp>
#include <boost/geometry/geometries/point_xy.hpp>
#include <boost/geometry/geometries/polygon.hpp>
#include <boost/geometry/index/rtree.hpp>
#include <vector>

#include "Rival.hpp"

namespace {

namespace bg = boost::geometry;
using Point = bg::model::d2::point_xy<double>;
using Polygon = bg::model::polygon<Point, false>;
using Bounds = bg::model::box<Point>;
using Item = std::pair<Bounds, uint32_t>;

struct BoostRival : Rival {
  std::vector<Polygon> shapes;
  bg::index::rtree<Item, bg::index::quadratic<16>> tree;

  BoostRival(const RivalPolygons &polygons, double &buildSeconds) {
    std::vector<Item> items;
    for (size_t p = 0; p < polygons.polygonCount; p++) {
      Polygon shape;
      uint32_t shell = polygons.polygonStarts[p];
      shape.inners().resize(polygons.polygonStarts[p + 1] - shell - 1);
      for (uint32_t r = shell; r < polygons.polygonStarts[p + 1]; r++) {
        auto &ring = r == shell ? shape.outer() : shape.inners()[r - shell - 1];
        for (uint32_t v = polygons.ringStarts[r]; v < polygons.ringStarts[r + 1]; v++)
          ring.emplace_back(polygons.coordinates[2 * v], polygons.coordinates[2 * v + 1]);
      }
      bg::correct(shape);
      items.emplace_back(bg::return_envelope<Bounds>(shape), static_cast<uint32_t>(p));
      shapes.push_back(std::move(shape));
    }
    double start = wallSeconds();
    tree = decltype(tree)(items.begin(), items.end());
    buildSeconds = wallSeconds() - start;
  }

  RivalAnswer query(const double *xs, const double *ys, size_t from, size_t to, uint64_t *hashes) override {
    Tally tally;
    for (size_t i = from; i < to; i++) {
      Point point(xs[i], ys[i]);
      tally.point = i;
      for (auto it = tree.qbegin(bg::index::intersects(point)); it != tree.qend(); ++it)
        if (bg::covered_by(point, shapes[it->second])) tally.hit(it->second);
      tally.endPoint(hashes);
    }
    return tally.answer;
  }
};

}  // namespace

Rival *makeBoost(const RivalPolygons &polygons, double &buildSeconds) { return new BoostRival(polygons, buildSeconds); }
