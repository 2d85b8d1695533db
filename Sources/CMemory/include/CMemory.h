// How the C library keeps the memory that a refresh leaves behind, and how pages are put in place of others: mallopt(3), malloc_trim(3) and mremap(2), which Swift
// cannot import.
#ifndef OUTAGED_CMEMORY_H
#define OUTAGED_CMEMORY_H

#include <stddef.h>

/// Has large blocks mapped for themselves, so that they go back to the system when they are freed. By default the C library maps fewer and
/// fewer of them, and a Territory's arrays leave holes in its heap. The heaps of threads grow by many pages at once, and not by a system
/// call for each few.
void cmemory_map_large_blocks(void);

/// Gives free pages back to the system, and has heaps keep fewer of them from then on. Takes a few milliseconds.
void cmemory_give_back(void);

/// Puts the pages behind some memory in place of those behind some other, which whoever reads it does not notice if both hold the same; nothing is at the
/// first address any more then. 0, or -1 and errno: then nothing may be at the second one.
int cmemory_replace(void *_Nonnull by, size_t byte_count, void *_Nonnull replaced);

#endif
