// Which of several edges a path of two legs crosses, in whole numbers of 16 bits. Swift's vectors cannot say the instruction that makes determinants of
// such numbers exact: two products and their sum in 32 bits.
#ifndef OUTAGED_CCROSSINGS_H
#define OUTAGED_CCROSSINGS_H

#include <stdint.h>
#include <string.h>

// How many edges are looked at together, the type that has a number of each, and what the processor does to all of them at once: the same for both widths.
#ifdef __AVX2__
#include <immintrin.h>
typedef __m256i ccrossings_numbers;
#define CCROSSINGS(operation) _mm256_##operation
enum { ccrossings_edge_count = 16 };
#else
#ifdef __SSE2__
#include <emmintrin.h>
typedef __m128i ccrossings_numbers;
#define CCROSSINGS(operation) _mm_##operation
#endif
enum { ccrossings_edge_count = 8 };
#endif

/// Whether this processor has AVX2 and what came with it, which is what `Package.swift` builds for where it can.
int ccrossings_has_x86_64_v3(void);

/// A path from a reference point straight up or down to the row of a point, and along that row to the point. All coordinates lie in 0..<2^15.
typedef struct {
  int16_t px, py, rx, ry;
} ccrossings_path;

/// One bit for each edge: whether it crosses the path, and whether that is in doubt.
typedef struct {
  uint32_t crossings, doubts;
} ccrossings_found;

/// The same, edge by edge, for so many edges, 32 at most: for processors without SSE2, and for the tests.
ccrossings_found ccrossings_find_portable(const void *_Nonnull xs, const void *_Nonnull ys, ccrossings_path path, int edge_count);

/// A box, by the least and the greatest numbers that lie in it.
typedef struct {
  int16_t min_x, min_y, max_x, max_y;
} ccrossings_box;

/// What `ccrossings_meeting` says, edge by edge, likewise.
uint32_t ccrossings_meeting_portable(const void *_Nonnull xs, const void *_Nonnull ys, ccrossings_box box, int edge_count);

#ifdef CCROSSINGS
/// Numbers of 32 bits, in halves, as the processor makes them from those of 16.
typedef struct {
  ccrossings_numbers low, high;
} ccrossings_halves;

/// a * d + b * c of each lane.
static inline __attribute__((always_inline)) ccrossings_halves ccrossings_sum(ccrossings_numbers a, ccrossings_numbers d, ccrossings_numbers b,
                                                                              ccrossings_numbers c) {
  return (ccrossings_halves){CCROSSINGS(madd_epi16)(CCROSSINGS(unpacklo_epi16)(a, b), CCROSSINGS(unpacklo_epi16)(d, c)),
                            CCROSSINGS(madd_epi16)(CCROSSINGS(unpackhi_epi16)(a, b), CCROSSINGS(unpackhi_epi16)(d, c))};
}

static inline __attribute__((always_inline)) ccrossings_numbers ccrossings_load(const void *_Nonnull numbers) {
  ccrossings_numbers loaded;
  memcpy(&loaded, numbers, sizeof loaded);
  return loaded;
}

static inline __attribute__((always_inline)) ccrossings_numbers ccrossings_magnitude(ccrossings_numbers a) {
  const ccrossings_numbers zero = {0};
  return CCROSSINGS(max_epi16)(a, CCROSSINGS(sub_epi16)(zero, a));
}

/// All bits of a lane of 16 where the lane of 32 is positive.
static inline __attribute__((always_inline)) ccrossings_numbers ccrossings_positive(ccrossings_halves a) {
  const ccrossings_numbers zero = {0};
  return CCROSSINGS(packs_epi32)(CCROSSINGS(cmpgt_epi32)(a.low, zero), CCROSSINGS(cmpgt_epi32)(a.high, zero));
}

/// Whether |a| < bound + 3, likewise.
static inline __attribute__((always_inline)) ccrossings_numbers ccrossings_small(ccrossings_halves a, ccrossings_halves bound) {
  const ccrossings_numbers three = CCROSSINGS(set1_epi32)(3);
  const ccrossings_numbers low = CCROSSINGS(srai_epi32)(a.low, 31), high = CCROSSINGS(srai_epi32)(a.high, 31);
  return CCROSSINGS(packs_epi32)(
      CCROSSINGS(cmpgt_epi32)(CCROSSINGS(add_epi32)(bound.low, three), CCROSSINGS(sub_epi32)(a.low ^ low, low)),
      CCROSSINGS(cmpgt_epi32)(CCROSSINGS(add_epi32)(bound.high, three), CCROSSINGS(sub_epi32)(a.high ^ high, high)));
}

/// Whether a is 0, likewise.
static inline __attribute__((always_inline)) ccrossings_numbers ccrossings_zero(ccrossings_halves a) {
  const ccrossings_numbers zero = {0};
  return CCROSSINGS(packs_epi32)(CCROSSINGS(cmpeq_epi32)(a.low, zero), CCROSSINGS(cmpeq_epi32)(a.high, zero));
}

static inline __attribute__((always_inline)) ccrossings_halves ccrossings_add(ccrossings_halves a, ccrossings_halves b) {
  return (ccrossings_halves){CCROSSINGS(add_epi32)(a.low, b.low), CCROSSINGS(add_epi32)(a.high, b.high)};
}
#endif

/// The edges between one vertex more than there are edges.
///
/// All coordinates are rounded, by a rule that keeps their order, and by less than a unit and a trifle. Let every vertex, and the point, move from where it
/// really lies to there. The answer changes on that way only if an edge passes over the point or over the reference point, or if the end of a chain of edges
/// passes over the path. The last two cannot be: a leaf is written so that all vertices are two units from the reference point's column, and its side of all
/// edges is certain; and the ends of chains lie outside of the cell, whose borders are whole units, while the path stays inside. The first is in doubt where
/// the point lies in the box of the rounded edge, which it never leaves or enters, and the determinant, which is computed exactly, is less than the sum of
/// its four differences and 3: by no more may it be off.
///
/// Of the rounded edges, those meet the row that have one vertex above it and one not: as if the point were a little higher. Where the path's corner lies on
/// an edge along the row, which that does not settle, it is in doubt as well.
static inline __attribute__((always_inline)) ccrossings_found ccrossings_find(const void *_Nonnull xs, const void *_Nonnull ys,
                                                                              ccrossings_path path) {
#ifdef CCROSSINGS
  const ccrossings_numbers px = CCROSSINGS(set1_epi16)(path.px), py = CCROSSINGS(set1_epi16)(path.py);
  const ccrossings_numbers rx = CCROSSINGS(set1_epi16)(path.rx), ry = CCROSSINGS(set1_epi16)(path.ry);
  const ccrossings_numbers ax = ccrossings_load(xs), bx = ccrossings_load((const char *)xs + 2);
  const ccrossings_numbers ay = ccrossings_load(ys), by = ccrossings_load((const char *)ys + 2);
  // From the point and from the reference; the path's corner has the reference's x and the point's y.
  const ccrossings_numbers pax = CCROSSINGS(sub_epi16)(ax, px), pay = CCROSSINGS(sub_epi16)(ay, py), rax = CCROSSINGS(sub_epi16)(ax, rx);
  const ccrossings_numbers pxb = CCROSSINGS(sub_epi16)(px, bx), pby = CCROSSINGS(sub_epi16)(by, py), rxb = CCROSSINGS(sub_epi16)(rx, bx);
  const ccrossings_numbers ray = CCROSSINGS(sub_epi16)(ay, ry), rby = CCROSSINGS(sub_epi16)(by, ry);
  const ccrossings_halves point_side = ccrossings_sum(pax, pby, pay, pxb);
  const ccrossings_halves corner_side = ccrossings_sum(rax, pby, pay, rxb);
  const ccrossings_numbers zero = {0};
  const ccrossings_numbers meets_row = CCROSSINGS(cmpgt_epi16)(pay, zero) ^ CCROSSINGS(cmpgt_epi16)(pby, zero);
  const ccrossings_numbers meets_column = CCROSSINGS(cmpgt_epi16)(rax, zero) ^ CCROSSINGS(cmpgt_epi16)(zero, rxb);
  const ccrossings_numbers left = ccrossings_positive(corner_side);
  const ccrossings_numbers crosses = (meets_row & (ccrossings_positive(point_side) ^ left)) ^
                                     (meets_column & (ccrossings_positive(ccrossings_sum(rax, rby, ray, rxb)) ^ left));
  const ccrossings_numbers one = CCROSSINGS(set1_epi16)(1);
  const ccrossings_halves reach = ccrossings_add(ccrossings_sum(ccrossings_magnitude(pax), one, ccrossings_magnitude(pxb), one),
                                                 ccrossings_sum(ccrossings_magnitude(pay), one, ccrossings_magnitude(pby), one));
  const ccrossings_numbers pbx = CCROSSINGS(sub_epi16)(zero, pxb);
  const ccrossings_numbers least = CCROSSINGS(max_epi16)(CCROSSINGS(min_epi16)(pax, pbx), CCROSSINGS(min_epi16)(pay, pby));
  const ccrossings_numbers most = CCROSSINGS(min_epi16)(CCROSSINGS(max_epi16)(pax, pbx), CCROSSINGS(max_epi16)(pay, pby));
  const ccrossings_numbers apart = CCROSSINGS(cmpgt_epi16)(least, zero) | CCROSSINGS(cmpgt_epi16)(zero, most);
  const ccrossings_numbers doubts = (~apart & ccrossings_small(point_side, reach)) | (meets_column & ccrossings_zero(corner_side));
  // Each eight edges have eight bits for their crossings, and then eight for their doubts.
  const uint32_t both = (uint32_t)CCROSSINGS(movemask_epi8)(CCROSSINGS(packs_epi16)(crosses, doubts));
  return (ccrossings_found){(both & 0xFF) | (both >> 8 & 0xFF00), (both >> 8 & 0xFF) | (both >> 16 & 0xFF00)};
#else
  return ccrossings_find_portable(xs, ys, path, ccrossings_edge_count);
#endif
}

/// The edges between one vertex more than there are edges: one bit for each whose own box meets this one.
static inline __attribute__((always_inline)) uint32_t ccrossings_meeting(const void *_Nonnull xs, const void *_Nonnull ys, ccrossings_box box) {
#ifdef CCROSSINGS
  const ccrossings_numbers ax = ccrossings_load(xs), bx = ccrossings_load((const char *)xs + 2);
  const ccrossings_numbers ay = ccrossings_load(ys), by = ccrossings_load((const char *)ys + 2);
  const ccrossings_numbers beside = CCROSSINGS(cmpgt_epi16)(CCROSSINGS(set1_epi16)(box.min_x), CCROSSINGS(max_epi16)(ax, bx)) |
                                    CCROSSINGS(cmpgt_epi16)(CCROSSINGS(min_epi16)(ax, bx), CCROSSINGS(set1_epi16)(box.max_x));
  const ccrossings_numbers above = CCROSSINGS(cmpgt_epi16)(CCROSSINGS(set1_epi16)(box.min_y), CCROSSINGS(max_epi16)(ay, by)) |
                                   CCROSSINGS(cmpgt_epi16)(CCROSSINGS(min_epi16)(ay, by), CCROSSINGS(set1_epi16)(box.max_y));
  // Each eight edges have eight bits for their columns, and then eight for their rows.
  const uint32_t each = (uint32_t)CCROSSINGS(movemask_epi8)(CCROSSINGS(packs_epi16)(beside, above)), apart = each | each >> 8;
  return ((~apart & 0xFF) | (~apart >> 8 & 0xFF00)) & ((1u << ccrossings_edge_count) - 1);
#else
  return ccrossings_meeting_portable(xs, ys, box, ccrossings_edge_count);
#endif
}

#endif
