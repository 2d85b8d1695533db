#define _GNU_SOURCE
#include "CThread.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

// As in linux/sched/types.h, which not every C library's headers go together with.
struct scheduling {
  uint32_t size;
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime;
  uint64_t deadline;
  uint64_t period;
};

void cthread_name(const char *name) { pthread_setname_np(pthread_self(), name); }

// On Linux, 0 with PRIO_PROCESS is the calling thread, not the process.
int cthread_niceness(void) { return getpriority(PRIO_PROCESS, 0); }

void cthread_set_priority(int niceness, uint64_t slice_nanoseconds) {
  int nice = cthread_niceness() + niceness;
  if (nice > 19) nice = 19;
  struct scheduling wanted = {
      .size = sizeof wanted, .policy = SCHED_OTHER, .nice = nice, .runtime = slice_nanoseconds};
  if (syscall(SYS_sched_setattr, 0, &wanted, 0) != 0) setpriority(PRIO_PROCESS, 0, nice);
}

void cthread_stand_back(void) {
  struct sched_param none = {0};
  sched_setscheduler(0, SCHED_IDLE, &none);
}

int cthread_stands_back(int thread) { return sched_getscheduler(thread) == SCHED_IDLE; }

int cthread_step_forward(int thread) {
  if (!cthread_stands_back(thread)) return 0;
  // SCHED_OTHER keeps the nice value that the thread has.
  struct sched_param none = {0};
  return sched_setscheduler(thread, SCHED_OTHER, &none);
}

void cthread_confine(int thread, int processors) {
  cpu_set_t allowed, few;
  if (sched_getaffinity(getpid(), sizeof allowed, &allowed) != 0) return;
  CPU_ZERO(&few);
  for (int cpu = CPU_SETSIZE - 1; cpu >= 0 && CPU_COUNT(&few) < processors; cpu--)
    if (CPU_ISSET(cpu, &allowed)) CPU_SET(cpu, &few);
  sched_setaffinity(thread, sizeof allowed, processors > 0 ? &few : &allowed);
}

int cthread_processors(int thread) {
  cpu_set_t allowed;
  return sched_getaffinity(thread, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 0;
}

uint64_t cthread_slice(void) {
  struct scheduling found = {.size = sizeof found};
  return syscall(SYS_sched_getattr, 0, &found, sizeof found, 0) == 0 ? found.runtime : 0;
}
