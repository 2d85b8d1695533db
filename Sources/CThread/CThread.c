#define _GNU_SOURCE
#include "CThread.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
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

// One that is ignored by default, should it come to a thread that has no handler for it.
#define REST_SIGNAL SIGURG
// Linux looks at such timers with each tick only.
#define REST_INTERVAL_NANOSECONDS 1000000

static _Thread_local struct {
  int percent;
  timer_t timer;
  // The thread's processor time that is accounted for.
  int64_t spent;
} resting;

// When the processor time that all have spent so far is made up for.
static _Atomic int64_t even_at;

static int64_t nanoseconds(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

// Calls only what is safe in a signal's handler (signal-safety(7)).
static void rest(int signal) {
  (void)signal;
  if (resting.percent == 0 || !cthread_stands_back(0)) return;
  int kept = errno;
  int64_t spent = nanoseconds(CLOCK_THREAD_CPUTIME_ID), recent = spent - resting.spent;
  resting.spent = spent;
  int64_t start = nanoseconds(CLOCK_MONOTONIC) - recent, before = atomic_load(&even_at), end;
  do {
    end = (before > start ? before : start) + recent * 100 / resting.percent;
  } while (!atomic_compare_exchange_weak(&even_at, &before, end));
  struct timespec until = {.tv_sec = end / 1000000000, .tv_nsec = end % 1000000000};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
  errno = kept;
}

int cthread_rest(int percent) {
  if (resting.percent != 0) timer_delete(resting.timer);
  resting.percent = 0;
  if (percent == 0) return 0;
  struct sigaction action = {.sa_handler = rest, .sa_flags = SA_RESTART};
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = REST_SIGNAL};
  event._sigev_un._tid = gettid();
  struct itimerspec often = {.it_interval.tv_nsec = REST_INTERVAL_NANOSECONDS, .it_value.tv_nsec = REST_INTERVAL_NANOSECONDS};
  sigset_t ours;
  sigemptyset(&ours);
  sigaddset(&ours, REST_SIGNAL);
  if (sigaction(REST_SIGNAL, &action, NULL) != 0) return -1;
  // Threads of Dispatch, and what they start, have most signals blocked.
  pthread_sigmask(SIG_UNBLOCK, &ours, NULL);
  if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &resting.timer) != 0) return -1;
  resting.spent = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
  resting.percent = percent;
  return timer_settime(resting.timer, 0, &often, NULL);
}

int cthread_rest_percent(void) { return resting.percent; }

uint64_t cthread_slice(void) {
  struct scheduling found = {.size = sizeof found};
  return syscall(SYS_sched_getattr, 0, &found, sizeof found, 0) == 0 ? found.runtime : 0;
}
