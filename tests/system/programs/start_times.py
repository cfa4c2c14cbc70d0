#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""In dom0: start_times.py NAME WORDS COMMAND...: milliseconds from the command's beginning to its end, until the pair's
serial line is listened to, and until it has said WORDS; by dom0's clock."""
import os
import subprocess
import sys
import time


def said(*argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout.decode().strip()


def main():
    name, words, command = sys.argv[1], sys.argv[2].encode(), sys.argv[3:]
    start = time.monotonic()
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    done = time.monotonic()
    line = said("xenstore-read", f"/local/domain/{said('xl', 'domid', name + '.fd')}/console/tty")
    subprocess.run(["stty", "-F", line, "raw", "-echo"], check=True)
    heard, terminal = b"", os.open(line, os.O_RDWR | os.O_NOCTTY)
    listens = time.monotonic()
    while words not in heard:
        heard += os.read(terminal, 4096)
    print(*(round((at - start) * 1000) for at in (done, listens, time.monotonic())))


main()
