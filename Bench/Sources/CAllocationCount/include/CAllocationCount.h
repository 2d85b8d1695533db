// Counts what event loops allocate: this executable's malloc takes the place of the C library's for every library in the process.
#ifndef CALLOCATIONCOUNT_H
#define CALLOCATIONCOUNT_H

#include <stdint.h>

/// Blocks that were allocated so far by threads whose names begin with "loop-".
uint64_t callocationcount_by_loops(void);

#endif
