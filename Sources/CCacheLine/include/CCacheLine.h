// What a look-up needs of the processor and Swift cannot say: to compare the slots of a cache line at once, and to fetch a line ahead of its use.
#ifndef OUTAGED_CCACHELINE_H
#define OUTAGED_CCACHELINE_H

#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/// Slots of 32 bits in a line of 64 bytes.
static const int ccacheline_slots = 16;

/// Compares 16 slots: bit `i` of the result is set where `(line[i] & mask) == tag`. Aligned to 64 bytes, a line is one access; it need not be.
static inline uint32_t ccacheline_find(const uint32_t *_Nonnull line, uint32_t mask, uint32_t tag) {
#ifdef __SSE2__
  const __m128i masks = _mm_set1_epi32((int)mask);
  const __m128i tags = _mm_set1_epi32((int)tag);
  const __m128i *slots = (const __m128i *)line;
  const __m128i a = _mm_cmpeq_epi32(_mm_and_si128(_mm_loadu_si128(slots), masks), tags);
  const __m128i b = _mm_cmpeq_epi32(_mm_and_si128(_mm_loadu_si128(slots + 1), masks), tags);
  const __m128i c = _mm_cmpeq_epi32(_mm_and_si128(_mm_loadu_si128(slots + 2), masks), tags);
  const __m128i d = _mm_cmpeq_epi32(_mm_and_si128(_mm_loadu_si128(slots + 3), masks), tags);
  return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(_mm_packs_epi32(a, b), _mm_packs_epi32(c, d)));
#else
  uint32_t found = 0;
  for (int i = 0; i < 16; i++) found |= (uint32_t)((line[i] & mask) == tag) << i;
  return found;
#endif
}

/// The same, one slot after another, for the tests.
uint32_t ccacheline_find_portable(const uint32_t *_Nonnull line, uint32_t mask, uint32_t tag);

/// Begins to fetch the line that holds `address`; any address will do, and nothing else happens.
static inline void ccacheline_prefetch(const void *_Nullable address) { __builtin_prefetch(address, 0, 3); }

#endif
