// What Swift cannot import of Linux' threads: their names, and sched_setattr(2), for which the C library has no function.
#ifndef OUTAGED_CTHREAD_H
#define OUTAGED_CTHREAD_H

#include <stdint.h>

/// Names the calling thread, for ps and debuggers; at most 15 characters.
void cthread_name(const char *_Nonnull name);

/// Adds `niceness` to the calling thread's nice value, and asks for turns on the processor as long as `slice_nanoseconds`; 0: as usual.
void cthread_set_priority(int niceness, uint64_t slice_nanoseconds);

/// The calling thread's nice value.
int cthread_niceness(void);

/// How long the calling thread's turns are, in nanoseconds; 0 where the system does not tell.
uint64_t cthread_slice(void);

#endif
