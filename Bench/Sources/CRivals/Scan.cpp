// The floor: every polygon's bounds, then every edge, in plain floating point.
#include <algorithm>
#include <limits>
#include <vector>

#include "Rival.hpp"

namespace {

struct ScanRival : Rival {
  struct Bounds {
    double minX, minY, maxX, maxY;
  };
  RivalPolygons polygons;
  std::vector<Bounds> bounds;

  ScanRival(const RivalPolygons &polygons, double &buildSeconds) : polygons(polygons) {
    double start = wallSeconds();
    const double infinity = std::numeric_limits<double>::infinity();
    for (size_t p = 0; p < polygons.polygonCount; p++) {
      Bounds box{infinity, infinity, -infinity, -infinity};
      uint32_t first = polygons.ringStarts[polygons.polygonStarts[p]];
      uint32_t end = polygons.ringStarts[polygons.polygonStarts[p + 1]];
      for (const double *v = polygons.coordinates + 2 * first; v < polygons.coordinates + 2 * end; v += 2)
        box = {std::min(box.minX, v[0]), std::min(box.minY, v[1]), std::max(box.maxX, v[0]), std::max(box.maxY, v[1])};
      bounds.push_back(box);
    }
    buildSeconds = wallSeconds() - start;
  }

  bool contains(size_t p, double x, double y) const {
    bool inside = false;
    for (uint32_t r = polygons.polygonStarts[p]; r < polygons.polygonStarts[p + 1]; r++) {
      const double *a = polygons.coordinates + 2 * polygons.ringStarts[r];
      const double *last = polygons.coordinates + 2 * (polygons.ringStarts[r + 1] - 1);
      for (; a < last; a += 2)
        if ((a[1] > y) != (a[3] > y) && x < (a[2] - a[0]) * (y - a[1]) / (a[3] - a[1]) + a[0]) inside = !inside;
    }
    return inside;
  }

  RivalAnswer query(const double *xs, const double *ys, size_t from, size_t to, uint64_t *hashes) override {
    Tally tally;
    for (size_t i = from; i < to; i++) {
      double x = xs[i], y = ys[i];
      tally.point = i;
      for (size_t p = 0; p < bounds.size(); p++) {
        const Bounds &box = bounds[p];
        if (box.minX <= x && x <= box.maxX && box.minY <= y && y <= box.maxY && contains(p, x, y))
          tally.hit(static_cast<uint32_t>(p));
      }
      tally.endPoint(hashes);
    }
    return tally.answer;
  }
};

}  // namespace

Rival *makeScan(const RivalPolygons &polygons, double &buildSeconds) { return new ScanRival(polygons, buildSeconds); }
