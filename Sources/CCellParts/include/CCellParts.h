// For building a cell index, eight edges at once: which parts of a cell they may touch, and their vertices in 16 bits. Swift's vectors cannot say the
// instructions that pack numbers of 32 bits into 16 with saturation, and that gather one bit of each.
#ifndef OUTAGED_CCELLPARTS_H
#define OUTAGED_CCELLPARTS_H

#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

/// One byte for each part, row by row, four a row, that says which of eight edges may touch it; rows 0 and 1, and rows 2 and 3. And one bit for each
/// edge: whether there may be a part that its box touches and its line does not, and whether it may meet one of the lines.
typedef struct {
  uint64_t lower, upper;
  uint32_t oblique, meeting;
} ccellparts_found;

/// The same, edge by edge: for processors without SSE2, and for the tests.
ccellparts_found ccellparts_find_portable(const int32_t *_Nonnull columns, const int32_t *_Nonnull rows,
                                          ccellparts_grid grid);

#ifdef __SSE2__
/// Numbers of a cell's own units, those far outside of it cut to 16 bits.
static inline __attribute__((always_inline)) __m128i ccellparts_units(const int32_t *_Nonnull numbers, __m128i corner, __m128i shift) {
  const __m128i low = _mm_loadu_si128((const __m128i *)numbers), high = _mm_loadu_si128((const __m128i *)(numbers + 4));
  return _mm_packs_epi32(_mm_sra_epi32(_mm_sub_epi32(low, corner), shift), _mm_sra_epi32(_mm_sub_epi32(high, corner), shift));
}

/// Whether the edges from a to b may touch a line, which lies a little above its number.
static inline __attribute__((always_inline)) __m128i ccellparts_meets(__m128i least, __m128i most, int16_t line) {
  return _mm_and_si128(_mm_cmpgt_epi16(_mm_set1_epi16((int16_t)(line + 3)), least),
                       _mm_cmpgt_epi16(most, _mm_set1_epi16((int16_t)(line - 3))));
}

/// Which edges go beyond the cell's left or right border, and in the next byte, its lower or upper one.
static inline __attribute__((always_inline)) uint32_t ccellparts_outside(__m128i least_x, __m128i most_x, __m128i least_y, __m128i most_y, int16_t end) {
  const __m128i zero = _mm_setzero_si128(), ends = _mm_set1_epi16(end);
  return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(_mm_or_si128(_mm_cmpgt_epi16(zero, least_x), _mm_cmpgt_epi16(most_x, ends)),
                                                     _mm_or_si128(_mm_cmpgt_epi16(zero, least_y), _mm_cmpgt_epi16(most_y, ends))));
}

/// One byte for each column of parts, or row: which edges, given their least and greatest numbers, may touch it. A part's borders belong to it.
static inline __attribute__((always_inline)) uint32_t ccellparts_touched(__m128i least, __m128i most, int32_t part_bits, int32_t side) {
  const int16_t one = (int16_t)(1 << part_bits);
  // The first line between parts: left of it, or on it, and right of it, or on it.
  const __m128i below1 = _mm_cmpgt_epi16(_mm_set1_epi16((int16_t)(one + 1)), least), from1 = _mm_cmpgt_epi16(most, _mm_set1_epi16((int16_t)(one - 1)));
  if (side == 2) return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(below1, from1));
  const __m128i below2 = _mm_cmpgt_epi16(_mm_set1_epi16((int16_t)(2 * one + 1)), least),
                from2 = _mm_cmpgt_epi16(most, _mm_set1_epi16((int16_t)(2 * one - 1))),
                below3 = _mm_cmpgt_epi16(_mm_set1_epi16((int16_t)(3 * one + 1)), least),
                from3 = _mm_cmpgt_epi16(most, _mm_set1_epi16((int16_t)(3 * one - 1)));
  return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(below1, _mm_and_si128(from1, below2))) |
         (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(_mm_and_si128(from2, below3), from3)) << 16;
}
#endif

/// Which parts of a cell the eight edges between nine vertices may touch, if they touch the cell at all: all that their boxes touch. What is found to meet
/// nothing certainly does not; numbers of vertices are rounded down.
static inline __attribute__((always_inline)) ccellparts_found ccellparts_find(const int32_t *_Nonnull columns, const int32_t *_Nonnull rows,
                                                                              ccellparts_grid grid) {
#ifdef __SSE2__
  const __m128i shift = _mm_cvtsi32_si128(grid.unit_shift);
  const __m128i column = _mm_set1_epi32(grid.column), row = _mm_set1_epi32(grid.row);
  const __m128i ax = ccellparts_units(columns, column, shift), bx = ccellparts_units(columns + 1, column, shift);
  const __m128i ay = ccellparts_units(rows, row, shift), by = ccellparts_units(rows + 1, row, shift);
  const __m128i least_x = _mm_min_epi16(ax, bx), most_x = _mm_max_epi16(ax, bx);
  const __m128i least_y = _mm_min_epi16(ay, by), most_y = _mm_max_epi16(ay, by);
  const uint32_t in_columns = ccellparts_touched(least_x, most_x, grid.part_bits, grid.side);
  const uint32_t in_rows = ccellparts_touched(least_y, most_y, grid.part_bits, grid.side);
  __m128i meets = ccellparts_meets(least_x, most_x, grid.meeting_column);
  for (int32_t line = 0; line < grid.meeting_row_count; line++)
    meets = _mm_or_si128(meets, ccellparts_meets(least_y, most_y, grid.meeting_rows[line]));
  ccellparts_found found;
  const uint64_t all = in_columns | (uint64_t)in_columns << 32;
  const uint64_t bytes = 0x01010101;
  found.lower = all & ((in_rows & 0xFF) * bytes | (uint64_t)((in_rows >> 8 & 0xFF) * bytes) << 32);
  found.upper = all & ((in_rows >> 16 & 0xFF) * bytes | (uint64_t)((in_rows >> 24) * bytes) << 32);
  // An edge of several columns is in two neighbours.
  uint32_t x = in_columns & in_columns >> 8, y = in_rows & in_rows >> 8;
  x |= x >> 8 | x >> 16;
  y |= y >> 8 | y >> 16;
  const uint32_t outside = ccellparts_outside(least_x, most_x, least_y, most_y, (int16_t)(grid.side << grid.part_bits));
  found.oblique = ((x & (y | outside >> 8)) | (y & outside)) & 0xFF;
  found.meeting = (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(meets, meets)) & 0xFF;
  return found;
#else
  return ccellparts_find_portable(columns, rows, grid);
#endif
}

/// How one axis of vertices becomes a compact leaf's: shifted right, less a number. What is within two units of another number leaves its side in doubt.
typedef struct {
  int32_t shift, first;
  int16_t far_from;
} ccellparts_axis;

/// The same, number by number: for processors without SSE2, and for the tests.
int ccellparts_write_portable(void *_Nonnull to, const int32_t *_Nonnull from, int32_t count, ccellparts_axis axis);

/// Writes one axis of so many vertices of a compact leaf, and up to seven numbers more behind it.
///
/// - Returns: 0 if 15 bits, less their greatest number, cannot say one of them, or one is in doubt.
static inline __attribute__((always_inline)) int ccellparts_write(void *_Nonnull to, const int32_t *_Nonnull from, int32_t count,
                                                                  ccellparts_axis axis) {
#ifdef __SSE2__
  static const int16_t lanes[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  const __m128i shift = _mm_cvtsi32_si128(axis.shift), first = _mm_set1_epi32(axis.first);
  const __m128i far_from = _mm_set1_epi16(axis.far_from), two = _mm_set1_epi16(2), zero = _mm_setzero_si128(), top = _mm_set1_epi16(0x7FFF);
  __m128i faults = zero;
  int32_t done = 0;
  do {
    const __m128i low = _mm_loadu_si128((const __m128i *)(from + done)), high = _mm_loadu_si128((const __m128i *)(from + done + 4));
    // What is too great becomes the greatest number.
    const __m128i units = _mm_packs_epi32(_mm_sub_epi32(_mm_sra_epi32(low, shift), first), _mm_sub_epi32(_mm_sra_epi32(high, shift), first));
    _mm_storeu_si128((__m128i *)((char *)to + 2 * done), units);
    const __m128i away = _mm_sub_epi16(units, far_from);
    const __m128i fault = _mm_or_si128(_mm_or_si128(_mm_cmpgt_epi16(zero, units), _mm_cmpeq_epi16(units, top)),
                                       _mm_cmpgt_epi16(two, _mm_max_epi16(away, _mm_sub_epi16(zero, away))));
    const int32_t left = count - done < 8 ? count - done : 8;
    faults = _mm_or_si128(faults, _mm_and_si128(fault, _mm_loadu_si128((const __m128i *)(lanes + 8 - left))));
    done += 8;
  } while (done < count);
  return _mm_movemask_epi8(faults) == 0;
#else
  return ccellparts_write_portable(to, from, count, axis);
#endif
}

/// The same, edge by edge: for processors without SSE2, and for the tests.
uint32_t ccellparts_across_portable(const void *_Nonnull numbers, int32_t count, int16_t line);

/// One bit for each of up to 31 edges between so many vertices, given one axis of them: whether its ends lie on different sides of a line. Up to eight
/// numbers more are read.
static inline __attribute__((always_inline)) uint32_t ccellparts_across(const void *_Nonnull numbers, int32_t count, int16_t line) {
#ifdef __SSE2__
  const __m128i lines = _mm_set1_epi16(line);
  uint32_t right = 0;
  for (int32_t done = 0; done < count; done += 8) {
    const __m128i sides = _mm_cmpgt_epi16(_mm_loadu_si128((const __m128i *)((const char *)numbers + 2 * done)), lines);
    right |= ((uint32_t)_mm_movemask_epi8(_mm_packs_epi16(sides, sides)) & 0xFF) << done;
  }
  return right ^ right >> 1;
#else
  return ccellparts_across_portable(numbers, count, line);
#endif
}

#endif
