#define _GNU_SOURCE
#include "CLoadSystem.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

int cload_wait(int epoll, struct epoll_event *events, int count, int64_t nanoseconds) {
  if (nanoseconds < 0) return epoll_pwait2(epoll, events, count, NULL, NULL);
  struct timespec timeout = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
  return epoll_pwait2(epoll, events, count, &timeout, NULL);
}

pid_t cload_peer(int socket) {
  struct ucred credentials;
  socklen_t length = sizeof credentials;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return -1;
  return credentials.pid;
}

void cload_no_timer_slack(void) { prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); }

const void *cload_find(const void *text, size_t textCount, const void *wanted, size_t wantedCount) {
  return memmem(text, textCount, wanted, wantedCount);
}
