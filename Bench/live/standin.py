#!/usr/bin/env python3
"""Writes and syncs as heavily as the reports' journal does, and asks nothing of the daemon: what the machine does to lookups by itself.

standin.py SECONDS SYNCS_A_SECOND BYTES_A_SECOND FILE: appends and syncs so often, or as often as the disk lets it. Ends after SECONDS.
"""
import os, sys, time


def main():
    seconds, syncs_a_second, bytes_a_second = map(float, sys.argv[1:4])
    block = bytes(round(bytes_a_second / syncs_a_second))
    started = time.monotonic()
    with open(sys.argv[4], "wb", buffering=0) as file:
        number = 0
        while (now := time.monotonic() - started) < seconds:
            # As the journal, which begins its log anew now and then.
            if number * len(block) % (32 << 20) < len(block):
                file.seek(0)
            file.write(block)
            os.fdatasync(file.fileno())
            number += 1
            time.sleep(max(0.0, number / syncs_a_second - now))
    os.unlink(sys.argv[4])


main()
