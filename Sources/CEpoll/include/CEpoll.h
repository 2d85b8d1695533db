// What the reactor needs of Linux that Swift cannot import: packed structs and macros of epoll and control messages.
#ifndef OUTAGED_CEPOLL_H
#define OUTAGED_CEPOLL_H

#define _GNU_SOURCE
#include <stdint.h>
#include <sys/epoll.h>

#endif
