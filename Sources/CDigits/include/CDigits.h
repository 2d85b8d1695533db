// The decimal digits at the end of a text, sixteen bytes at once, which Swift's vectors cannot say: they have no multiplication that adds neighbours.
#ifndef OUTAGED_CDIGITS_H
#define OUTAGED_CDIGITS_H

#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/// How many decimal digits a text ends with, 13 at most, and the number that they write.
typedef struct {
  uint64_t number;
  int32_t count;
} cdigits_ending;

/// Digits that are read; more in front of them count as text.
static const int cdigits_most = 13;

/// The same, byte by byte: for processors without SSE2, and for the tests.
cdigits_ending cdigits_ending_portable(const uint8_t *_Nonnull text, intptr_t byte_count);

/// Of a text of eight bytes or more.
static inline cdigits_ending cdigits_find_ending(const uint8_t *_Nonnull text, intptr_t byte_count) {
#ifdef __SSE2__
  __m128i bytes;
  if (byte_count >= 16) {
    bytes = _mm_loadu_si128((const __m128i *)(text + byte_count - 16));
  } else {
    uint64_t first, last;
    memcpy(&first, text, 8);
    memcpy(&last, text + byte_count - 8, 8);
    // Zeros stand for the bytes that are missing, and end the digits. In two shifts, as one by 64 bits is undefined.
    bytes = _mm_set_epi64x((int64_t)last, (int64_t)(first << 8 << 8 * (15 - byte_count)));
  }
  __m128i values = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
  const uint32_t digits = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(values, _mm_set1_epi8(9)), values));
  // The last byte's bit comes highest; the bit behind the last that counts ends them.
  const int count = __builtin_clz(~digits << 16 | 1u << (31 - cdigits_most));
  // The last `count` of sixteen bytes.
  static const uint64_t masks[4] = {0, 0, UINT64_MAX, UINT64_MAX};
  values = _mm_and_si128(values, _mm_loadu_si128((const __m128i *)((const uint8_t *)masks + count)));
  // Pairs, then fours, then eights are joined.
  const __m128i pairs = _mm_add_epi16(_mm_mullo_epi16(_mm_and_si128(values, _mm_set1_epi16(0xFF)), _mm_set1_epi16(10)),
                                      _mm_srli_epi16(values, 8));
  const __m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(1 << 16 | 100));
  const __m128i eights = _mm_madd_epi16(_mm_packs_epi32(fours, fours), _mm_set1_epi32(1 << 16 | 10000));
  const uint64_t halves = (uint64_t)_mm_cvtsi128_si64(eights);
  return (cdigits_ending){(halves & UINT32_MAX) * 100000000 + (halves >> 32), count};
#else
  return cdigits_ending_portable(text, byte_count);
#endif
}

#endif
