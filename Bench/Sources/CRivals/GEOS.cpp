// GEOS: an STRtree over the polygons' bounds, and prepared geometries.
#include <geos_c.h>

#include <vector>

#include "Rival.hpp"

namespace {

struct GEOSRival : Rival {
  GEOSContextHandle_t context = GEOS_init_r();
  std::vector<GEOSGeometry *> geometries;
  std::vector<const GEOSPreparedGeometry *> prepared;
  GEOSSTRtree *tree = nullptr;

  GEOSRival(const RivalPolygons &polygons, double &buildSeconds) {
    for (size_t p = 0; p < polygons.polygonCount; p++) {
      std::vector<GEOSGeometry *> rings;
      for (uint32_t r = polygons.polygonStarts[p]; r < polygons.polygonStarts[p + 1]; r++) {
        uint32_t first = polygons.ringStarts[r];
        auto sequence = GEOSCoordSeq_copyFromBuffer_r(context, polygons.coordinates + 2 * first,
                                                      polygons.ringStarts[r + 1] - first, 0, 0);
        rings.push_back(GEOSGeom_createLinearRing_r(context, sequence));
      }
      geometries.push_back(GEOSGeom_createPolygon_r(context, rings[0], rings.data() + 1, rings.size() - 1));
    }
    double start = wallSeconds();
    tree = GEOSSTRtree_create_r(context, 10);
    for (size_t p = 0; p < geometries.size(); p++) {
      prepared.push_back(GEOSPrepare_r(context, geometries[p]));
      GEOSSTRtree_insert_r(context, tree, geometries[p], reinterpret_cast<void *>(p));
      // A prepared geometry builds its index when it is first asked.
      const double *vertex = polygons.coordinates + 2 * polygons.ringStarts[polygons.polygonStarts[p]];
      auto point = GEOSGeom_createPointFromXY_r(context, vertex[0], vertex[1]);
      GEOSPreparedCovers_r(context, prepared[p], point);
      GEOSGeom_destroy_r(context, point);
    }
    // The tree is built by its first query.
    GEOSSTRtree_query_r(context, tree, geometries[0], [](void *, void *) {}, nullptr);
    buildSeconds = wallSeconds() - start;
  }

  ~GEOSRival() override {
    GEOSSTRtree_destroy_r(context, tree);
    for (auto p : prepared) GEOSPreparedGeom_destroy_r(context, p);
    for (auto g : geometries) GEOSGeom_destroy_r(context, g);
    GEOS_finish_r(context);
  }

  struct Query {
    GEOSContextHandle_t context;
    const GEOSPreparedGeometry *const *prepared;
    const GEOSGeometry *point;
    Tally tally;
  };

  RivalAnswer query(const double *xs, const double *ys, size_t from, size_t to, uint64_t *hashes) override {
    // A context of its own for each call, and so for each thread.
    Query query{GEOS_init_r(), prepared.data(), nullptr, {}};
    for (size_t i = from; i < to; i++) {
      auto point = GEOSGeom_createPointFromXY_r(query.context, xs[i], ys[i]);
      query.point = point;
      query.tally.point = i;
      GEOSSTRtree_query_r(
          query.context, tree, point,
          [](void *item, void *user) {
            auto &query = *static_cast<Query *>(user);
            size_t polygon = reinterpret_cast<size_t>(item);
            if (GEOSPreparedCovers_r(query.context, query.prepared[polygon], query.point) == 1)
              query.tally.hit(static_cast<uint32_t>(polygon));
          },
          &query);
      GEOSGeom_destroy_r(query.context, point);
      query.tally.endPoint(hashes);
    }
    GEOS_finish_r(query.context);
    return query.tally.answer;
  }
};

}  // namespace

Rival *makeGEOS(const RivalPolygons &polygons, double &buildSeconds) { return new GEOSRival(polygons, buildSeconds); }
