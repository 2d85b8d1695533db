#include "CCrossings.h"

#include <stdlib.h>
#include <string.h>

ccrossings_found ccrossings_find_portable(const void *xs, const void *ys, ccrossings_path path) {
  int16_t x[9], y[9];
  memcpy(x, xs, sizeof x);
  memcpy(y, ys, sizeof y);
  ccrossings_found found = {0, 0};
  for (int edge = 0; edge < 8; edge++) {
    const int32_t pax = x[edge] - path.px, pay = y[edge] - path.py, pbx = x[edge + 1] - path.px, pby = y[edge + 1] - path.py;
    const int32_t rax = x[edge] - path.rx, ray = y[edge] - path.ry, rbx = x[edge + 1] - path.rx, rby = y[edge + 1] - path.ry;
    const int32_t point_side = pax * pby - pay * pbx, corner_side = rax * pby - pay * rbx, reference_side = rax * rby - ray * rbx;
    const int meets_row = (pay > 0) != (pby > 0), meets_column = (rax > 0) != (rbx > 0);
    const int left = corner_side > 0;
    const int crosses = (meets_row && (point_side > 0) != left) != (meets_column && (reference_side > 0) != left);
    const int32_t rows = abs(pay) + abs(pby);
    const int doubt = abs(pay) < 2 || abs(pby) < 2 || (meets_row && abs(point_side) < rows + abs(pax) + abs(pbx) + 2) ||
                      ((meets_row || meets_column) && abs(corner_side) < rows + abs(rax) + abs(rbx) + 2);
    found.crossings |= (uint32_t)crosses << edge;
    found.doubts |= (uint32_t)doubt << edge;
  }
  return found;
}
