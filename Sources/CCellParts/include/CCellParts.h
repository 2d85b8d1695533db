// For building a cell index: vertices as whole numbers, and which parts of a cell edges may touch, many at once. Swift's vectors cannot say the
// instructions that round doubles down to 32 bits, that pack those into 16 with saturation, and that gather one bit of each.
#ifndef OUTAGED_CCELLPARTS_H
#define OUTAGED_CCELLPARTS_H

#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/// The frame in which vertices become whole numbers: a number is a coordinate less the origin, times the scale, rounded down. It is not negative, and has
/// 31 bits.
typedef struct {
  double origin_x, origin_y, scale;
} ccellparts_frame;

/// The same, vertex by vertex: for processors without SSE2, and for the tests.
void ccellparts_number_portable(int32_t *_Nonnull numbers, int32_t *_Nonnull bounds, const double *_Nonnull coordinates, int64_t count, int64_t last,
                                ccellparts_frame frame);

/// Writes the column and the row of so many vertices, and the bounds of all up to the last one, which is `count - 1` or the one behind it: the least column
/// and row, and the greatest.
static inline __attribute__((always_inline)) void ccellparts_number(int32_t *_Nonnull numbers, int32_t *_Nonnull bounds,
                                                                    const double *_Nonnull coordinates, int64_t count, int64_t last,
                                                                    ccellparts_frame frame) {
#ifdef __SSE2__
  const __m128d origin = _mm_setr_pd(frame.origin_x, frame.origin_y), scale = _mm_set1_pd(frame.scale);
  __m128d least = _mm_set1_pd(0x1p31), most = _mm_setzero_pd();
  for (int64_t vertex = 0; vertex <= last; vertex++) {
    const __m128d units = _mm_mul_pd(_mm_sub_pd(_mm_loadu_pd(coordinates + 2 * vertex), origin), scale);
    least = _mm_min_pd(least, units);
    most = _mm_max_pd(most, units);
    if (vertex < count) _mm_storel_epi64((__m128i *)(numbers + 2 * vertex), _mm_cvttpd_epi32(units));
  }
  _mm_storeu_si128((__m128i *)bounds, _mm_unpacklo_epi64(_mm_cvttpd_epi32(least), _mm_cvttpd_epi32(most)));
#else
  ccellparts_number_portable(numbers, bounds, coordinates, count, last, frame);
#endif
}

/// A cell that is divided into 4 by 4 parts or 2 by 2, in units of its own: a part is `1 << part_bits` wide, 2^10 at most.
typedef struct {
  /// The cell's corner in units of the vertices, each of which is 2^-unit_shift of the cell's own.
  int32_t column, row, unit_shift, part_bits;
  /// The number of parts a side, 2 or 4.
  int32_t side;
  /// The lines that edges may meet, in units of the cell: one column, and one, two or four rows.
  int16_t meeting_column, meeting_rows[4];
  int32_t meeting_row_count;
} ccellparts_grid;

/// One bit for each edge: whether there may be a part that its box touches and its line does not, and whether it may meet the column and each of the rows.
typedef struct {
  uint64_t oblique, meeting_column, meeting_rows[4];
} ccellparts_found;

/// The same, edge by edge: for processors without SSE2, and for the tests.
ccellparts_found ccellparts_find_portable(uint64_t *_Nonnull parts, const int16_t *_Nonnull columns, const int16_t *_Nonnull rows, uint64_t edges,
                                          int32_t count, ccellparts_grid grid);

#ifdef __SSE2__
/// Eight vertices: their columns, and their rows.
typedef struct {
  __m128i columns, rows;
} ccellparts_eight;

/// Four vectors of two vertices, each a column and a row, cut to 16 bits.
static inline __attribute__((always_inline)) ccellparts_eight ccellparts_apart(const __m128i *_Nonnull two) {
  const __m128i low = _mm_packs_epi32(two[0], two[1]), high = _mm_packs_epi32(two[2], two[3]);
  return (ccellparts_eight){
      _mm_packs_epi32(_mm_srai_epi32(_mm_slli_epi32(low, 16), 16), _mm_srai_epi32(_mm_slli_epi32(high, 16), 16)),
      _mm_packs_epi32(_mm_srai_epi32(low, 16), _mm_srai_epi32(high, 16))};
}

/// One bit for each of sixteen lanes, given two halves of eight.
static inline __attribute__((always_inline)) uint16_t ccellparts_bits(__m128i low, __m128i high) {
  return (uint16_t)_mm_movemask_epi8(_mm_packs_epi16(low, high));
}

/// A number of each of sixteen edges: in one register where the processor has AVX2, otherwise in two.
typedef int16_t ccellparts_sixteen __attribute__((ext_vector_type(16)));

/// The least and the greatest numbers of sixteen edges, each from its lane to the next one.
typedef struct {
  ccellparts_sixteen least, most;
} ccellparts_spans;

static inline __attribute__((always_inline)) ccellparts_spans ccellparts_span(const int16_t *_Nonnull numbers) {
  ccellparts_sixteen a, b;
  memcpy(&a, numbers, sizeof a);
  memcpy(&b, numbers + 1, sizeof b);
  return (ccellparts_spans){__builtin_elementwise_min(a, b), __builtin_elementwise_max(a, b)};
}

/// One bit for each of sixteen lanes.
static inline __attribute__((always_inline)) uint16_t ccellparts_bits_of(ccellparts_sixteen lanes) {
  __m128i halves[2];
  memcpy(halves, &lanes, sizeof halves);
  return ccellparts_bits(halves[0], halves[1]);
}

/// Which edges have a number below a line.
static inline __attribute__((always_inline)) ccellparts_sixteen ccellparts_below(ccellparts_spans spans, int32_t line) {
  return spans.least < (ccellparts_sixteen)(int16_t)line;
}

/// Which edges have a number above a line.
static inline __attribute__((always_inline)) ccellparts_sixteen ccellparts_above(ccellparts_spans spans, int32_t line) {
  return spans.most > (ccellparts_sixteen)(int16_t)line;
}

/// Which of sixteen edges may touch a line, which lies a little above its number.
static inline __attribute__((always_inline)) uint16_t ccellparts_meets(ccellparts_spans spans, int16_t line) {
  return ccellparts_bits_of(ccellparts_below(spans, line + 3) & ccellparts_above(spans, line - 3));
}

/// Which of sixteen edges may touch each column of parts, or row, and, behind the four of them, which go beyond the cell. A part's borders belong to it.
static inline __attribute__((always_inline)) void ccellparts_touched(uint16_t (*_Nonnull bits)[4], int step, ccellparts_spans spans, int32_t part_bits,
                                                                     int32_t side) {
  const int32_t part = 1 << part_bits;
  bits[0][step] = ccellparts_bits_of(ccellparts_below(spans, part + 1));
  if (side == 2) {
    bits[1][step] = ccellparts_bits_of(ccellparts_above(spans, part - 1));
  } else {
    bits[1][step] = ccellparts_bits_of(ccellparts_above(spans, part - 1) & ccellparts_below(spans, 2 * part + 1));
    bits[2][step] = ccellparts_bits_of(ccellparts_above(spans, 2 * part - 1) & ccellparts_below(spans, 3 * part + 1));
    bits[3][step] = ccellparts_bits_of(ccellparts_above(spans, 3 * part - 1));
  }
  bits[4][step] = ccellparts_bits_of(ccellparts_below(spans, 0) | ccellparts_above(spans, side << part_bits));
}
#endif

/// Which of up to 64 edges, each from its lane to the next one, may touch each part of a cell, if they touch the cell at all: all that their boxes touch,
/// 16 words for the parts. What is found to meet nothing certainly does not; numbers of vertices are rounded down. Up to 16 lanes more are read.
static inline __attribute__((always_inline)) ccellparts_found ccellparts_find(uint64_t *_Nonnull parts, const int16_t *_Nonnull columns,
                                                                              const int16_t *_Nonnull rows, uint64_t edges, int32_t count,
                                                                              ccellparts_grid grid) {
#ifdef __SSE2__
  uint16_t x_bits[5][4] = {{0}}, y_bits[5][4] = {{0}}, meeting_bits[5][4] = {{0}};
  for (int32_t step = 0; 16 * step < count; step++) {
    const ccellparts_spans x = ccellparts_span(columns + 16 * step), y = ccellparts_span(rows + 16 * step);
    ccellparts_touched(x_bits, step, x, grid.part_bits, grid.side);
    ccellparts_touched(y_bits, step, y, grid.part_bits, grid.side);
    meeting_bits[0][step] = ccellparts_meets(x, grid.meeting_column);
    for (int32_t line = 0; line < grid.meeting_row_count; line++) meeting_bits[line + 1][step] = ccellparts_meets(y, grid.meeting_rows[line]);
  }
  uint64_t x[5], y[5], meeting[5];
  memcpy(x, x_bits, sizeof x);
  memcpy(y, y_bits, sizeof y);
  memcpy(meeting, meeting_bits, sizeof meeting);
  for (int row = 0; row < 4; row++)
    for (int column = 0; column < 4; column++) parts[4 * row + column] = x[column] & y[row] & edges;
  // An edge of several columns is in two neighbours.
  const uint64_t columns_of_edge = (x[0] & x[1]) | (x[1] & x[2]) | (x[2] & x[3]), rows_of_edge = (y[0] & y[1]) | (y[1] & y[2]) | (y[2] & y[3]);
  return (ccellparts_found){((columns_of_edge & (rows_of_edge | y[4])) | (rows_of_edge & x[4])) & edges,
                            meeting[0] & edges,
                            {meeting[1] & edges, meeting[2] & edges, meeting[3] & edges, meeting[4] & edges}};
#else
  return ccellparts_find_portable(parts, columns, rows, edges, count, grid);
#endif
}

/// The same, vertex by vertex: for processors without SSE2, and for the tests.
void ccellparts_write_units_portable(int16_t *_Nonnull columns, int16_t *_Nonnull rows, const int32_t *_Nonnull from, ccellparts_grid grid);

/// Writes sixteen vertices, each a column and a row, in a cell's own units. What is far outside of the cell is cut to 16 bits.
static inline __attribute__((always_inline)) void ccellparts_write_units(int16_t *_Nonnull columns, int16_t *_Nonnull rows, const int32_t *_Nonnull from,
                                                                  ccellparts_grid grid) {
#ifdef __SSE2__
  const __m128i shift = _mm_cvtsi32_si128(grid.unit_shift);
  const __m128i corner = _mm_setr_epi32(grid.column, grid.row, grid.column, grid.row);
  for (int done = 0; done < 16; done += 8) {
    const __m128i *at = (const __m128i *)(from + 2 * done);
    __m128i two[4];
    for (int index = 0; index < 4; index++) two[index] = _mm_sra_epi32(_mm_sub_epi32(_mm_loadu_si128(at + index), corner), shift);
    const ccellparts_eight eight = ccellparts_apart(two);
    _mm_storeu_si128((__m128i *)(columns + done), eight.columns);
    _mm_storeu_si128((__m128i *)(rows + done), eight.rows);
  }
#else
  ccellparts_write_units_portable(columns, rows, from, grid);
#endif
}

/// How vertices become a compact leaf's: shifted right, less a number. What is within two units of another column leaves its side in doubt.
typedef struct {
  int32_t shift, first_column, first_row;
  int16_t far_from;
} ccellparts_leaf;

/// The same, vertex by vertex: for processors without SSE2, and for the tests.
int ccellparts_write_portable(void *_Nonnull columns, void *_Nonnull rows, const int32_t *_Nonnull from, int32_t count, ccellparts_leaf leaf);

/// Writes the columns and the rows of so many vertices of a compact leaf, and up to seven numbers more behind each.
///
/// - Returns: 0 if 15 bits, less their greatest number, cannot say one of them, or a column is in doubt.
static inline __attribute__((always_inline)) int ccellparts_write(void *_Nonnull columns, void *_Nonnull rows, const int32_t *_Nonnull from,
                                                                  int32_t count, ccellparts_leaf leaf) {
#ifdef __SSE2__
  static const int16_t lanes[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  const __m128i shift = _mm_cvtsi32_si128(leaf.shift), first = _mm_setr_epi32(leaf.first_column, leaf.first_row, leaf.first_column, leaf.first_row);
  const __m128i far_from = _mm_set1_epi16(leaf.far_from), two_units = _mm_set1_epi16(2), zero = _mm_setzero_si128(), top = _mm_set1_epi16(0x7FFF);
  __m128i faults = zero;
  int32_t done = 0;
  do {
    const __m128i *at = (const __m128i *)(from + 2 * done);
    __m128i two[4];
    // What is too great becomes the greatest number.
    for (int index = 0; index < 4; index++) two[index] = _mm_sub_epi32(_mm_sra_epi32(_mm_loadu_si128(at + index), shift), first);
    const ccellparts_eight eight = ccellparts_apart(two);
    const __m128i away = _mm_subs_epi16(eight.columns, far_from);
    const __m128i fault = _mm_or_si128(
        _mm_or_si128(_mm_cmpgt_epi16(zero, _mm_min_epi16(eight.columns, eight.rows)), _mm_cmpeq_epi16(_mm_max_epi16(eight.columns, eight.rows), top)),
        _mm_cmpgt_epi16(two_units, _mm_max_epi16(away, _mm_subs_epi16(zero, away))));
    const int32_t left = count - done;
    faults = _mm_or_si128(faults, _mm_and_si128(fault, _mm_loadu_si128((const __m128i *)(lanes + 8 - (left < 8 ? left : 8)))));
    _mm_storeu_si128((__m128i *)((char *)columns + 2 * done), eight.columns);
    _mm_storeu_si128((__m128i *)((char *)rows + 2 * done), eight.rows);
    done += 8;
  } while (done < count);
  return _mm_movemask_epi8(faults) == 0;
#else
  return ccellparts_write_portable(columns, rows, from, count, leaf);
#endif
}

/// The same, edge by edge: for processors without SSE2, and for the tests.
uint32_t ccellparts_across_portable(const void *_Nonnull numbers, int16_t line);

/// One bit for each of 31 edges between 32 vertices, given one axis of them: whether its ends lie on different sides of a line.
static inline __attribute__((always_inline)) uint32_t ccellparts_across(const void *_Nonnull numbers, int16_t line) {
#ifdef __SSE2__
  const __m128i lines = _mm_set1_epi16(line);
  const __m128i *at = (const __m128i *)numbers;
  __m128i right[4];
  for (int index = 0; index < 4; index++) right[index] = _mm_cmpgt_epi16(_mm_loadu_si128(at + index), lines);
  const uint32_t sides = ccellparts_bits(right[0], right[1]) | (uint32_t)ccellparts_bits(right[2], right[3]) << 16;
  return (sides ^ sides >> 1) & 0x7FFFFFFF;
#else
  return ccellparts_across_portable(numbers, line);
#endif
}

#endif
