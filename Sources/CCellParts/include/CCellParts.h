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
ccellparts_found ccellparts_find_portable(const int32_t *_Nonnull vertices, ccellparts_grid grid);

#ifdef __SSE2__
/// Eight vertices: their columns, and their rows.
typedef struct {
  __m128i columns, rows;
} ccellparts_eight;

/// Two vectors of four vertices, each a column and a row.
static inline __attribute__((always_inline)) ccellparts_eight ccellparts_apart(__m128i low, __m128i high) {
  return (ccellparts_eight){
      _mm_packs_epi32(_mm_srai_epi32(_mm_slli_epi32(low, 16), 16), _mm_srai_epi32(_mm_slli_epi32(high, 16), 16)),
      _mm_packs_epi32(_mm_srai_epi32(low, 16), _mm_srai_epi32(high, 16))};
}

/// Two vertices in a cell's own units.
static inline __attribute__((always_inline)) __m128i ccellparts_units(__m128i vertices, __m128i corner, __m128i shift) {
  return _mm_sra_epi32(_mm_sub_epi32(vertices, corner), shift);
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

/// Which parts of a cell the eight edges between nine vertices, each a column and a row, may touch, if they touch the cell at all: all that their boxes
/// touch. What is found to meet nothing certainly does not; numbers of vertices are rounded down.
static inline __attribute__((always_inline)) ccellparts_found ccellparts_find(const int32_t *_Nonnull vertices, ccellparts_grid grid) {
#ifdef __SSE2__
  const __m128i shift = _mm_cvtsi32_si128(grid.unit_shift);
  const __m128i corner = _mm_setr_epi32(grid.column, grid.row, grid.column, grid.row);
  const __m128i *from = (const __m128i *)vertices;
  const __m128i first = ccellparts_units(_mm_loadu_si128(from), corner, shift), second = ccellparts_units(_mm_loadu_si128(from + 1), corner, shift),
                third = ccellparts_units(_mm_loadu_si128(from + 2), corner, shift), fourth = ccellparts_units(_mm_loadu_si128(from + 3), corner, shift);
  // What is far outside of the cell is cut to 16 bits.
  const ccellparts_eight a = ccellparts_apart(_mm_packs_epi32(first, second), _mm_packs_epi32(third, fourth));
  const __m128i last = ccellparts_units(_mm_loadl_epi64(from + 4), corner, shift), ninth = _mm_packs_epi32(last, last);
  const __m128i ax = a.columns, bx = _mm_insert_epi16(_mm_srli_si128(ax, 2), _mm_extract_epi16(ninth, 0), 7);
  const __m128i ay = a.rows, by = _mm_insert_epi16(_mm_srli_si128(ay, 2), _mm_extract_epi16(ninth, 1), 7);
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
  return ccellparts_find_portable(vertices, grid);
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
  static const int32_t lanes[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  const __m128i shift = _mm_cvtsi32_si128(leaf.shift), first = _mm_setr_epi32(leaf.first_column, leaf.first_row, leaf.first_column, leaf.first_row);
  // No row is near to what stands for them.
  const __m128i far_from = _mm_set1_epi32((int32_t)((uint16_t)leaf.far_from | 0xFFF80000u));
  const __m128i two = _mm_set1_epi16(2), zero = _mm_setzero_si128(), top = _mm_set1_epi16(0x7FFF);
  __m128i faults = zero;
  int32_t done = 0;
  do {
    __m128i four[2];
    for (int half = 0; half < 2; half++) {
      const __m128i *at = (const __m128i *)(from + 2 * done) + 2 * half;
      // What is too great becomes the greatest number.
      const __m128i units = _mm_packs_epi32(_mm_sub_epi32(_mm_sra_epi32(_mm_loadu_si128(at), shift), first),
                                            _mm_sub_epi32(_mm_sra_epi32(_mm_loadu_si128(at + 1), shift), first));
      const __m128i away = _mm_subs_epi16(units, far_from);
      const __m128i fault = _mm_or_si128(_mm_or_si128(_mm_cmpgt_epi16(zero, units), _mm_cmpeq_epi16(units, top)),
                                         _mm_cmpgt_epi16(two, _mm_max_epi16(away, _mm_subs_epi16(zero, away))));
      const int32_t left = count - done - 4 * half, lanes_left = left < 0 ? 0 : left < 4 ? left : 4;
      faults = _mm_or_si128(faults, _mm_and_si128(fault, _mm_loadu_si128((const __m128i *)(lanes + 8 - lanes_left))));
      four[half] = units;
    }
    const ccellparts_eight eight = ccellparts_apart(four[0], four[1]);
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
