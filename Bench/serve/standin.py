#!/usr/bin/env python3
"""Work as heavy as a refresh that has nothing to do with the daemon: what the machine does to the tail by itself.

standin.py SECONDS EVERY CPU_SECONDS MEGABYTES FILE: once every EVERY seconds two threads at niceness 5 hash until CPU_SECONDS are spent, while
a third writes and syncs MEGABYTES. Ends after SECONDS.
"""
import hashlib, os, sys, threading, time

BLOCK = bytes(1 << 20)


def hash_for(seconds):
    """Of this thread's processor time; hashlib lets other threads run meanwhile."""
    started = time.thread_time()
    while time.thread_time() - started < seconds:
        hashlib.sha256(BLOCK)


def write(path, megabytes):
    with open(path, "wb") as file:
        for _ in range(round(megabytes)):
            file.write(BLOCK)
        file.flush()
        os.fdatasync(file.fileno())


def main():
    seconds, every, cpu_seconds, megabytes = map(float, sys.argv[1:5])
    os.nice(5)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        started = time.monotonic()
        threads = [threading.Thread(target=hash_for, args=(cpu_seconds / 2,)) for _ in range(2)]
        threads.append(threading.Thread(target=write, args=(sys.argv[5], megabytes)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        time.sleep(max(0.0, min(started + every, end) - time.monotonic()))
    os.unlink(sys.argv[5])


main()
