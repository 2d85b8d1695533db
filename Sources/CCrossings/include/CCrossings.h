// Which of eight edges a path of two legs crosses, in whole numbers of 16 bits. Swift's vectors cannot say the instruction that makes determinants of
// such numbers exact: two products and their sum in 32 bits.
#ifndef OUTAGED_CCROSSINGS_H
#define OUTAGED_CCROSSINGS_H

#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/// A path from a reference point straight up or down to the row of a point, and along that row to the point. All coordinates lie in 0..<2^15.
typedef struct {
  int16_t px, py, rx, ry;
} ccrossings_path;

/// One bit for each of eight edges: whether it crosses the path, and whether that is in doubt.
typedef struct {
  uint32_t crossings, doubts;
} ccrossings_found;

/// The same, edge by edge: for processors without SSE2, and for the tests.
ccrossings_found ccrossings_find_portable(const void *_Nonnull xs, const void *_Nonnull ys, ccrossings_path path);

#ifdef __SSE2__
/// The lower and the upper half of eight numbers of 32 bits.
typedef struct {
  __m128i low, high;
} ccrossings_eight;

/// a * d + b * c of each lane.
static inline __attribute__((always_inline)) ccrossings_eight ccrossings_sum(__m128i a, __m128i d, __m128i b, __m128i c) {
  return (ccrossings_eight){_mm_madd_epi16(_mm_unpacklo_epi16(a, b), _mm_unpacklo_epi16(d, c)),
                            _mm_madd_epi16(_mm_unpackhi_epi16(a, b), _mm_unpackhi_epi16(d, c))};
}

/// All bits of a lane of 16 where the lane of 32 is positive.
static inline __attribute__((always_inline)) __m128i ccrossings_positive(ccrossings_eight a) {
  const __m128i zero = _mm_setzero_si128();
  return _mm_packs_epi32(_mm_cmpgt_epi32(a.low, zero), _mm_cmpgt_epi32(a.high, zero));
}

/// Whether |a| < bound + 2, likewise.
static inline __attribute__((always_inline)) __m128i ccrossings_small(ccrossings_eight a, ccrossings_eight bound) {
  const __m128i two = _mm_set1_epi32(2);
  const __m128i low = _mm_srai_epi32(a.low, 31), high = _mm_srai_epi32(a.high, 31);
  return _mm_packs_epi32(
      _mm_cmpgt_epi32(_mm_add_epi32(bound.low, two), _mm_sub_epi32(_mm_xor_si128(a.low, low), low)),
      _mm_cmpgt_epi32(_mm_add_epi32(bound.high, two), _mm_sub_epi32(_mm_xor_si128(a.high, high), high)));
}

static inline __attribute__((always_inline)) ccrossings_eight ccrossings_add(ccrossings_eight a, ccrossings_eight b) {
  return (ccrossings_eight){_mm_add_epi32(a.low, b.low), _mm_add_epi32(a.high, b.high)};
}
#endif

/// The edges between nine vertices.
///
/// All coordinates are rounded down, so that a difference of two is less than a unit off, and the sign of a difference of two units or more is certain. A
/// determinant of such differences, which is computed exactly, is off by less than the sum of their four magnitudes and 2. What an edge says about the
/// reference point alone is taken for granted.
static inline __attribute__((always_inline)) ccrossings_found ccrossings_find(const void *_Nonnull xs, const void *_Nonnull ys,
                                                                              ccrossings_path path) {
#ifdef __SSE2__
  const __m128i px = _mm_set1_epi16(path.px), py = _mm_set1_epi16(path.py);
  const __m128i rx = _mm_set1_epi16(path.rx), ry = _mm_set1_epi16(path.ry);
  const __m128i ax = _mm_loadu_si128((const __m128i *)xs), bx = _mm_loadu_si128((const __m128i *)((const char *)xs + 2));
  const __m128i ay = _mm_loadu_si128((const __m128i *)ys), by = _mm_loadu_si128((const __m128i *)((const char *)ys + 2));
  // From the point and from the reference; the path's corner has the reference's x and the point's y.
  const __m128i pax = _mm_sub_epi16(ax, px), pay = _mm_sub_epi16(ay, py), rax = _mm_sub_epi16(ax, rx);
  const __m128i pxb = _mm_sub_epi16(px, bx), pby = _mm_sub_epi16(by, py), rxb = _mm_sub_epi16(rx, bx);
  const __m128i ray = _mm_sub_epi16(ay, ry), rby = _mm_sub_epi16(by, ry);
  const ccrossings_eight point_side = ccrossings_sum(pax, pby, pay, pxb);
  const ccrossings_eight corner_side = ccrossings_sum(rax, pby, pay, rxb);
  const __m128i zero = _mm_setzero_si128();
  const __m128i meets_row = _mm_xor_si128(_mm_cmpgt_epi16(pay, zero), _mm_cmpgt_epi16(pby, zero));
  const __m128i meets_column = _mm_xor_si128(_mm_cmpgt_epi16(rax, zero), _mm_cmpgt_epi16(zero, rxb));
  const __m128i left = ccrossings_positive(corner_side);
  const __m128i crosses =
      _mm_xor_si128(_mm_and_si128(meets_row, _mm_xor_si128(ccrossings_positive(point_side), left)),
                    _mm_and_si128(meets_column, _mm_xor_si128(ccrossings_positive(ccrossings_sum(rax, rby, ray, rxb)), left)));
  const __m128i one = _mm_set1_epi16(1);
  const __m128i mpay = _mm_max_epi16(pay, _mm_sub_epi16(zero, pay)), mpby = _mm_max_epi16(pby, _mm_sub_epi16(zero, pby));
  const __m128i mpax = _mm_max_epi16(pax, _mm_sub_epi16(zero, pax)), mpxb = _mm_max_epi16(pxb, _mm_sub_epi16(zero, pxb));
  const __m128i mrax = _mm_max_epi16(rax, _mm_sub_epi16(zero, rax)), mrxb = _mm_max_epi16(rxb, _mm_sub_epi16(zero, rxb));
  const ccrossings_eight rows = ccrossings_sum(mpay, one, mpby, one);
  const __m128i near_point = ccrossings_small(point_side, ccrossings_add(rows, ccrossings_sum(mpax, one, mpxb, one)));
  const __m128i near_corner = ccrossings_small(corner_side, ccrossings_add(rows, ccrossings_sum(mrax, one, mrxb, one)));
  const __m128i doubts =
      _mm_or_si128(_mm_cmpgt_epi16(_mm_set1_epi16(2), _mm_min_epi16(mpay, mpby)),
                   _mm_or_si128(_mm_and_si128(meets_row, near_point),
                                _mm_and_si128(_mm_or_si128(meets_row, meets_column), near_corner)));
  const uint32_t both = (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(crosses, doubts));
  return (ccrossings_found){both & 0xFF, both >> 8};
#else
  return ccrossings_find_portable(xs, ys, path);
#endif
}

#endif
