// CRC-32C: the instruction's latency is three cycles and it can be begun every cycle, so that four blocks at once keep it busy.
#include "CChecksum.h"

#include <string.h>

// Eight tables for eight bytes at a time (Kounavis and Berry, "A Systematic Approach to Building High Performance Software-based CRC Generators", 2005).
static uint32_t tables[8][256];

__attribute__((constructor)) static void make_tables(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
    tables[0][i] = crc;
  }
  for (uint32_t i = 0; i < 256; i++)
    for (int k = 1; k < 8; k++) tables[k][i] = tables[k - 1][i] >> 8 ^ tables[0][tables[k - 1][i] & 255];
}

uint32_t cchecksum_crc32c_portable(uint32_t seed, const void *bytes, size_t count) {
  const uint8_t *next = bytes;
  uint32_t crc = ~seed;
  for (; count >= 8; count -= 8, next += 8) {
    uint32_t low, high;
    memcpy(&low, next, 4);
    memcpy(&high, next + 4, 4);
    low ^= crc;
    crc = tables[7][low & 255] ^ tables[6][low >> 8 & 255] ^ tables[5][low >> 16 & 255] ^ tables[4][low >> 24] ^
          tables[3][high & 255] ^ tables[2][high >> 8 & 255] ^ tables[1][high >> 16 & 255] ^ tables[0][high >> 24];
  }
  for (; count > 0; count--) crc = crc >> 8 ^ tables[0][(crc ^ *next++) & 255];
  return ~crc;
}

#if defined(__x86_64__)
#include <nmmintrin.h>
#define HAS_INSTRUCTION __builtin_cpu_supports("sse4.2")
#define WITH_INSTRUCTION __attribute__((target("sse4.2")))
#define STEP8(crc, word) ((uint32_t)_mm_crc32_u64((crc), (word)))
#define STEP1(crc, byte) _mm_crc32_u8((crc), (byte))
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#define HAS_INSTRUCTION 1
#define WITH_INSTRUCTION
#define STEP8(crc, word) __crc32cd((crc), (word))
#define STEP1(crc, byte) __crc32cb((crc), (byte))
#endif

#ifdef HAS_INSTRUCTION
WITH_INSTRUCTION static inline uint64_t word_at(const uint8_t *bytes) {
  uint64_t word;
  memcpy(&word, bytes, 8);
  return word;
}

WITH_INSTRUCTION static uint32_t by_instruction(uint32_t seed, const uint8_t *next, size_t count) {
  uint32_t crc = ~seed;
  for (; count >= 8; count -= 8, next += 8) crc = STEP8(crc, word_at(next));
  for (; count > 0; count--) crc = STEP1(crc, *next++);
  return ~crc;
}

WITH_INSTRUCTION static void quarters_by_instruction(const uint8_t *bytes, size_t quarter, uint32_t crcs[4]) {
  uint32_t a = ~0u, b = ~0u, c = ~0u, d = ~0u;
  for (size_t i = 0; i < quarter; i += 8) {
    a = STEP8(a, word_at(bytes + i));
    b = STEP8(b, word_at(bytes + quarter + i));
    c = STEP8(c, word_at(bytes + 2 * quarter + i));
    d = STEP8(d, word_at(bytes + 3 * quarter + i));
  }
  crcs[0] = ~a;
  crcs[1] = ~b;
  crcs[2] = ~c;
  crcs[3] = ~d;
}
#endif

uint32_t cchecksum_crc32c(uint32_t seed, const void *bytes, size_t count) {
#ifdef HAS_INSTRUCTION
  if (HAS_INSTRUCTION) return by_instruction(seed, bytes, count);
#endif
  return cchecksum_crc32c_portable(seed, bytes, count);
}

uint32_t cchecksum_block(const void *bytes, size_t count) {
  const uint8_t *start = bytes;
  size_t quarter = count / 32 * 8;
  uint32_t crcs[4];
#ifdef HAS_INSTRUCTION
  if (HAS_INSTRUCTION) {
    quarters_by_instruction(start, quarter, crcs);
  } else
#endif
  {
    for (int i = 0; i < 4; i++) crcs[i] = cchecksum_crc32c_portable(0, start + i * quarter, quarter);
  }
  crcs[3] = cchecksum_crc32c(crcs[3], start + 4 * quarter, count - 4 * quarter);
  uint8_t text[16];
  for (int i = 0; i < 16; i++) text[i] = (uint8_t)(crcs[i / 4] >> (i % 4 * 8));
  return cchecksum_crc32c(0, text, sizeof text);
}
