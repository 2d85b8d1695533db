// What an engineer would otherwise pick, behind one C interface each, so that the timed loops run without a call from Swift per point.
#ifndef RIVALS_H
#define RIVALS_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Polygon p has the rings polygonStarts[p] ..< polygonStarts[p + 1], ring r the vertices ringStarts[r] ..< ringStarts[r + 1].
/// The first ring of a polygon is its shell, the others are its holes.
typedef struct {
  const double *_Nonnull coordinates;
  const uint32_t *_Nonnull ringStarts;
  const uint32_t *_Nonnull polygonStarts;
  size_t polygonCount;
} RivalPolygons;

/// The hits of all points and a sum over them that does not depend on their order.
typedef struct {
  uint64_t hits;
  uint64_t checksum;
} RivalAnswer;

typedef enum { rivalGEOS, rivalS2, rivalBoost, rivalScan } RivalKind;

/// Builds all that the library builds ahead of queries (its geometries, its tree, its prepared forms on first use).
/// - buildSeconds receives the time without the making of geometries.
void *_Nonnull rivalCreate(RivalKind kind, const RivalPolygons *_Nonnull polygons, double *_Nonnull buildSeconds);
void rivalDestroy(RivalKind kind, void *_Nonnull rival);

/// Asks for each point from `from` up to `to`. `hashes`, if given, receives one sum for each point at the point's place.
RivalAnswer rivalQuery(RivalKind kind, void *_Nonnull rival, const double *_Nonnull xs, const double *_Nonnull ys,
                       size_t from, size_t to, uint64_t *_Nullable hashes);

/// The bytes that the heap has handed out.
size_t heapBytes(void);

/// The processor time of the calling thread.
double threadSeconds(void);

static inline uint64_t rivalMix(uint64_t point, uint64_t polygon) {
  uint64_t z = (point << 32 | polygon) * UINT64_C(0x9E3779B97F4A7C15);
  return (z ^ z >> 29) * UINT64_C(0xBF58476D1CE4E5B9);
}

#ifdef __cplusplus
}
#endif
#endif
