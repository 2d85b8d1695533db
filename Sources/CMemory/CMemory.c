#define _GNU_SOURCE
#include "CMemory.h"

#include <malloc.h>
#include <sys/mman.h>

enum { LARGE_BLOCK_BYTES = 1 << 20, HEAP_STEP_BYTES = 16 << 20, LATER_HEAP_STEP_BYTES = 1 << 20 };

void cmemory_map_large_blocks(void) {
  mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES);
  mallopt(M_TOP_PAD, HEAP_STEP_BYTES);
}

void cmemory_give_back(void) {
  // What a thread's heap keeps free at its end is a step long, and malloc_trim leaves it there.
  mallopt(M_TOP_PAD, LATER_HEAP_STEP_BYTES);
  malloc_trim(0);
}

int cmemory_replace(void *by, size_t byte_count, void *replaced) {
  return mremap(by, byte_count, byte_count, MREMAP_MAYMOVE | MREMAP_FIXED, replaced) == MAP_FAILED ? -1 : 0;
}
