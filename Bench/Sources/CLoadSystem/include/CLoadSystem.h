// What the load generator needs of Linux that Swift cannot import.
#ifndef OUTAGED_CLOADSYSTEM_H
#define OUTAGED_CLOADSYSTEM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/types.h>

/// Waits for at most `nanoseconds` (negative: for ever), which epoll_wait can only do in milliseconds.
int cload_wait(int epoll, struct epoll_event *_Nonnull events, int count, int64_t nanoseconds);

/// The process that listens at the other end of a Unix socket; -1 and errno where that is not known.
pid_t cload_peer(int socket);

/// Has the calling thread's waits end on time instead of up to 50 microseconds late.
void cload_no_timer_slack(void);

/// Where `wanted` first occurs in `text`; NULL if it does not.
const void *_Nullable cload_find(const void *_Nonnull text, size_t textCount, const void *_Nonnull wanted,
                                 size_t wantedCount);

#endif
