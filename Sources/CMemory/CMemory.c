#include "CMemory.h"

#include <malloc.h>

enum { LARGE_BLOCK_BYTES = 1 << 20, HEAP_STEP_BYTES = 16 << 20 };

void cmemory_map_large_blocks(void) {
  mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES);
  mallopt(M_TOP_PAD, HEAP_STEP_BYTES);
}

void cmemory_give_back(void) { malloc_trim(0); }
