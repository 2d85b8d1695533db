// The C interface over the rivals.
#include <malloc.h>

#include "Rival.hpp"

void *rivalCreate(RivalKind kind, const RivalPolygons *polygons, double *buildSeconds) {
  switch (kind) {
    case rivalGEOS: return makeGEOS(*polygons, *buildSeconds);
    case rivalS2: return makeS2(*polygons, *buildSeconds);
    case rivalBoost: return makeBoost(*polygons, *buildSeconds);
    default: return makeScan(*polygons, *buildSeconds);
  }
}

void rivalDestroy(RivalKind, void *rival) { delete static_cast<Rival *>(rival); }

RivalAnswer rivalQuery(RivalKind, void *rival, const double *xs, const double *ys, size_t from, size_t to,
                       uint64_t *hashes) {
  return static_cast<Rival *>(rival)->query(xs, ys, from, to, hashes);
}

size_t heapBytes(void) {
  auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

double threadSeconds(void) { return seconds(); }
