// What Swift cannot import of Linux' threads: their names, and sched_setattr(2), for which the C library has no function.
#ifndef OUTAGED_CTHREAD_H
#define OUTAGED_CTHREAD_H

#include <stdint.h>

/// Names the calling thread, for ps and debuggers; at most 15 characters.
void cthread_name(const char *_Nonnull name);

/// Adds `niceness` to the calling thread's nice value, and asks for turns on the processor as long as `slice_nanoseconds`; 0: as usual.
void cthread_set_priority(int niceness, uint64_t slice_nanoseconds);

/// Has the calling thread run only where no other wants the processor (SCHED_IDLE, sched(7)); its nice value stays.
void cthread_stand_back(void);

/// Has a thread that stands back take its share again, as its nice value says; any other one stays as it is. 0: the calling thread.
/// Returns 0, or -1 with errno: EPERM where the system lets nobody back whom it has not been told to (RLIMIT_NICE, getrlimit(2)).
int cthread_step_forward(int thread);

/// Whether a thread stands back. 0: the calling thread.
int cthread_stands_back(int thread);

/// Keeps a thread to the last few of the processors that the process's first thread may use; 0 processors: to all of these. 0: the calling thread.
void cthread_confine(int thread, int processors);

/// How many processors a thread may use. 0: the calling thread.
int cthread_processors(int thread);

/// Has the calling thread rest after every few milliseconds of processor time, while it stands back: all threads that do so use at most `percent` hundredths
/// of one processor's time together. 0 ends it, and has to, before the thread itself ends. A signal interrupts the thread for it, which is SIGURG.
/// Returns 0, or -1 with errno where the system has no timer to give.
int cthread_rest(int percent);

/// What the calling thread was told by `cthread_rest` last.
int cthread_rest_percent(void);

/// The calling thread's nice value.
int cthread_niceness(void);

/// How long the calling thread's turns are, in nanoseconds; 0 where the system does not tell.
uint64_t cthread_slice(void);

#endif
