// What the reactor needs of Linux that Swift cannot import: the packed epoll_event, the macros of control messages, and system calls as such.
#ifndef OUTAGED_CEPOLL_H
#define OUTAGED_CEPOLL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static const uint32_t cepoll_in = EPOLLIN;
static const uint32_t cepoll_out = EPOLLOUT;
static const uint32_t cepoll_err = EPOLLERR;
static const uint32_t cepoll_hup = EPOLLHUP;
static const uint32_t cepoll_rdhup = EPOLLRDHUP;
static const uint32_t cepoll_edge = EPOLLET;

/// A new epoll instance; -1 and errno where there is none.
static inline int cepoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

/// A new event counter that never blocks; -1 and errno where there is none.
int cepoll_event_counter(void);

static inline int cepoll_add(int epoll, int descriptor, uint32_t events, uint64_t token) {
  struct epoll_event event = {.events = events, .data = {.u64 = token}};
  return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

static inline int cepoll_modify(int epoll, int descriptor, uint32_t events, uint64_t token) {
  struct epoll_event event = {.events = events, .data = {.u64 = token}};
  return epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event);
}

static inline int cepoll_remove(int epoll, int descriptor) {
  return epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, NULL);
}

/// Memory for `count` events, to be freed with free().
struct epoll_event *_Nonnull cepoll_events(int count);

static inline uint64_t cepoll_token(const struct epoll_event *_Nonnull events, int index) {
  return events[index].data.u64;
}

static inline uint32_t cepoll_flags(const struct epoll_event *_Nonnull events, int index) {
  return events[index].events;
}

// The C library's own functions are points at which a thread may be cancelled (pthreads(7)), which costs a process of several threads two atomic operations
// a call. Nobody cancels an event loop.

/// epoll_wait(2).
static inline int cepoll_wait(int epoll, struct epoll_event *_Nonnull events, int count, int timeout_milliseconds) {
  return (int)syscall(SYS_epoll_pwait, epoll, events, count, timeout_milliseconds, NULL, (size_t)0);
}

/// recv(2) without flags.
static inline ssize_t cepoll_receive(int socket, void *_Nullable bytes, size_t count) {
  return syscall(SYS_recvfrom, socket, bytes, count, 0, NULL, NULL);
}

/// send(2) that raises no signal.
static inline ssize_t cepoll_send(int socket, const void *_Nullable bytes, size_t count) {
  return syscall(SYS_sendto, socket, bytes, count, MSG_NOSIGNAL, NULL, 0);
}

/// Accepts a connection that does not block and is closed on exec; -1 and errno where there is none.
int cepoll_accept(int listener);

/// Sends `count` (1 to 16) open descriptors with one byte of data over a Unix socket; 0, or -1 and errno.
int cepoll_send_descriptors(int socket, char byte, const int *_Nonnull descriptors, size_t count);

/// Receives one byte and the descriptors that came with it, closed on exec: 1, 0 at the end of the stream, or -1 and errno. `count` says how
/// many there may be (1 to 16), and then how many there were.
ssize_t cepoll_receive_descriptors(int socket, char *_Nonnull byte, int *_Nonnull descriptors, size_t *_Nonnull count);

#endif
