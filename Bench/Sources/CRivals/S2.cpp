// S2: a shape index over spherical polygons; its edges are geodesics, so that its answers differ near long edges.
#include <s2/mutable_s2shape_index.h>
#include <s2/s2contains_point_query.h>
#include <s2/s2latlng.h>
#include <s2/s2polygon.h>

#include <memory>
#include <vector>

#include "Rival.hpp"

namespace {

struct S2Rival : Rival {
  MutableS2ShapeIndex index;

  S2Rival(const RivalPolygons &polygons, double &buildSeconds) {
    std::vector<std::unique_ptr<S2Polygon>> made;
    for (size_t p = 0; p < polygons.polygonCount; p++) {
      std::vector<std::unique_ptr<S2Loop>> loops;
      for (uint32_t r = polygons.polygonStarts[p]; r < polygons.polygonStarts[p + 1]; r++) {
        std::vector<S2Point> points;
        // S2 closes a loop itself.
        for (uint32_t v = polygons.ringStarts[r]; v + 1 < polygons.ringStarts[r + 1]; v++)
          points.push_back(
              S2LatLng::FromDegrees(polygons.coordinates[2 * v + 1], polygons.coordinates[2 * v]).ToPoint());
        auto loop = std::make_unique<S2Loop>();
        loop->set_s2debug_override(S2Debug::DISABLE);
        loop->Init(points);
        loop->Normalize();
        loops.push_back(std::move(loop));
      }
      auto polygon = std::make_unique<S2Polygon>();
      polygon->set_s2debug_override(S2Debug::DISABLE);
      polygon->InitNested(std::move(loops));
      made.push_back(std::move(polygon));
    }
    double start = wallSeconds();
    for (auto &polygon : made) index.Add(std::make_unique<S2Polygon::OwningShape>(std::move(polygon)));
    index.ForceBuild();
    buildSeconds = wallSeconds() - start;
  }

  RivalAnswer query(const double *xs, const double *ys, size_t from, size_t to, uint64_t *hashes) override {
    S2ContainsPointQueryOptions options(S2VertexModel::CLOSED);
    auto query = MakeS2ContainsPointQuery(&index, options);
    Tally tally;
    for (size_t i = from; i < to; i++) {
      tally.point = i;
      query.VisitContainingShapes(S2LatLng::FromDegrees(ys[i], xs[i]).ToPoint(), [&tally](S2Shape *shape) {
        tally.hit(static_cast<uint32_t>(shape->id()));
        return true;
      });
      tally.endPoint(hashes);
    }
    return tally.answer;
  }
};

}  // namespace

Rival *makeS2(const RivalPolygons &polygons, double &buildSeconds) { return new S2Rival(polygons, buildSeconds); }
