#include "CCrossings.h"

#include <stdlib.h>
#include <string.h>

int ccrossings_has_x86_64_v3(void) {
#ifdef __x86_64__
  return __builtin_cpu_supports("x86-64-v3");
#else
  return 0;
#endif
}

ccrossings_found ccrossings_find_portable(const void *xs, const void *ys, ccrossings_path path, int edge_count) {
  int16_t x[33], y[33];
  memcpy(x, xs, 2 * (size_t)(edge_count + 1));
  memcpy(y, ys, 2 * (size_t)(edge_count + 1));
  ccrossings_found found = {0, 0};
  for (int edge = 0; edge < edge_count; edge++) {
    const int32_t pax = x[edge] - path.px, pay = y[edge] - path.py, pbx = x[edge + 1] - path.px, pby = y[edge + 1] - path.py;
    const int32_t rax = x[edge] - path.rx, ray = y[edge] - path.ry, rbx = x[edge + 1] - path.rx, rby = y[edge + 1] - path.ry;
    const int32_t point_side = pax * pby - pay * pbx, corner_side = rax * pby - pay * rbx, reference_side = rax * rby - ray * rbx;
    const int meets_row = (pay > 0) != (pby > 0), meets_column = (rax > 0) != (rbx > 0);
    const int left = corner_side > 0;
    const int crosses = (meets_row && (point_side > 0) != left) != (meets_column && (reference_side > 0) != left);
    const int in_box = (pax <= 0 || pbx <= 0) && (pax >= 0 || pbx >= 0) && (pay <= 0 || pby <= 0) && (pay >= 0 || pby >= 0);
    const int32_t reach = abs(pax) + abs(pbx) + abs(pay) + abs(pby) + 3;
    const int doubt = (in_box && abs(point_side) < reach) || (meets_column && corner_side == 0);
    found.crossings |= (uint32_t)crosses << edge;
    found.doubts |= (uint32_t)doubt << edge;
  }
  return found;
}

uint32_t ccrossings_meeting_portable(const void *xs, const void *ys, ccrossings_box box, int edge_count) {
  int16_t x[33], y[33];
  memcpy(x, xs, 2 * (size_t)(edge_count + 1));
  memcpy(y, ys, 2 * (size_t)(edge_count + 1));
  uint32_t meeting = 0;
  for (int edge = 0; edge < edge_count; edge++) {
    const int is_beside = (x[edge] < box.min_x && x[edge + 1] < box.min_x) || (x[edge] > box.max_x && x[edge + 1] > box.max_x);
    const int is_above = (y[edge] < box.min_y && y[edge + 1] < box.min_y) || (y[edge] > box.max_y && y[edge + 1] > box.max_y);
    meeting |= (uint32_t)(!is_beside && !is_above) << edge;
  }
  return meeting;
}
