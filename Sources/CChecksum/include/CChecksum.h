// CRC-32C (Castagnoli; RFC 3720, appendix B.4) by the processor's own instruction where it has one.
#ifndef OUTAGED_CCHECKSUM_H
#define OUTAGED_CCHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/// The CRC-32C of `count` bytes; `seed` is that of the bytes before them, 0 where there are none.
uint32_t cchecksum_crc32c(uint32_t seed, const void *_Nullable bytes, size_t count);

/// A checksum of a large block at four times the speed: the CRC-32C of the CRC-32Cs of its four quarters (of equal lengths in whole words of
/// eight bytes; the rest belongs to the last), each as four bytes, little-endian.
uint32_t cchecksum_block(const void *_Nullable bytes, size_t count);

/// `cchecksum_crc32c` without the processor's instruction, for tests.
uint32_t cchecksum_crc32c_portable(uint32_t seed, const void *_Nullable bytes, size_t count);

#endif
