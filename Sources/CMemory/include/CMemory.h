// How the C library keeps the memory that a refresh leaves behind: mallopt(3) and malloc_trim(3), which Swift cannot import.
#ifndef OUTAGED_CMEMORY_H
#define OUTAGED_CMEMORY_H

/// Has large blocks mapped for themselves, so that they go back to the system when they are freed. By default the C library maps fewer and
/// fewer of them, and a Territory's arrays leave holes in its heap. The heaps of threads grow by many pages at once, and not by a system
/// call for each few.
void cmemory_map_large_blocks(void);

/// Gives free pages back to the system, and has heaps keep fewer of them from then on. Takes a few milliseconds.
void cmemory_give_back(void);

#endif
