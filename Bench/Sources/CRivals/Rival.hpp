// The one shape of a rival in C++.
#pragma once
#include <time.h>

#include "include/Rivals.h"

struct Rival {
  virtual ~Rival() = default;
  virtual RivalAnswer query(const double *xs, const double *ys, size_t from, size_t to, uint64_t *hashes) = 0;
};

Rival *makeGEOS(const RivalPolygons &polygons, double &buildSeconds);
Rival *makeS2(const RivalPolygons &polygons, double &buildSeconds);
Rival *makeBoost(const RivalPolygons &polygons, double &buildSeconds);
Rival *makeScan(const RivalPolygons &polygons, double &buildSeconds);

/// Adds up the hits of one point after the other.
struct Tally {
  RivalAnswer answer{0, 0};
  uint64_t point = 0;
  uint64_t sum = 0;

  void hit(uint32_t polygon) {
    answer.hits += 1;
    sum += rivalMix(point, polygon);
  }
  void endPoint(uint64_t *hashes) {
    if (hashes) hashes[point] = sum;
    answer.checksum += sum;
    sum = 0;
  }
};

/// The processor time of this thread: what other processes do meanwhile does not count.
inline double seconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// The wall time.
inline double wallSeconds() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}
