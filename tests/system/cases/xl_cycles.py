# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests come and go, and what makes or ends them is killed in the middle: nothing of them stays.  No frame, port,
grant, slot, nested table or domain is lost, and the protection layer's invariant holds."""
import re
import time

from bed.output import Failed

from .pvh import config

CYCLES, CYCLES_FULL = 15, 300
# Where the builder is killed: tenths of a second after its start, counted up from cycle to cycle.
KILL_STEP, KILL_STEPS = 3, 12


def counts(dom0):
    """What is left in the core: it must be the same after each cycle."""
    free = re.search(r"free_memory +: (\d+)", dom0.run("xl info")).group(1)
    said = dom0.ask_core("i", r"\(core\) the protection layer's invariant .*").splitlines()[0]
    if " holds" not in said:
        raise Failed(f"the core says: {said}")
    dom0.run("xl dmesg -c >/dev/null")
    dom0.ask_core("q", r"\(core\) d0v0: .*")
    domains = re.findall(r"\(core\) (d\d+): .*(pages \d+)", dom0.run("xl dmesg -c"))
    dom0.ask_core("e", r"\(core\) d0 port \d+.*")
    ports = len(re.findall(r"\(core\) d\d+ port \d+: ", dom0.run("xl dmesg -c")))
    return {"free": free, "domains": domains, "ports": ports}


def settled(dom0, wanted):
    """The counts once backends and kernels have let go, which they do in their own time."""
    for _ in range(20):
        now = counts(dom0)
        if now == wanted:
            break
        time.sleep(1)
    return now


def clear(dom0):
    """What an administrator does after a kill; a killed builder's domain has a number and perhaps no name."""
    dom0.run("for i in $(xl list | awk 'NR > 1 && $2 > 0 {print $2}'); do xl destroy $i >/dev/null 2>&1; done; "
             "for n in $(seq 100); do [ $(xl list | wc -l) = 2 ] && exit 0; sleep 0.2; done; xl list; exit 1", within=120)


def killed_builder(dom0, name, number):
    tenths = 1 + number * KILL_STEP % (KILL_STEP * KILL_STEPS)
    dom0.attempt(f"timeout -s KILL {tenths / 10} xl create -q /tmp/{name}.cfg")


def killed_while_running(dom0, name, number):
    dom0.run(f"xl create -q /tmp/{name}.cfg", within=300)
    # The process that waits for the guest's end is killed: the guest goes on, and is destroyed by another.
    dom0.run(f"kill -KILL $(pgrep -f '[x]l create -q /tmp/{name}.cfg')")


def killed_destroyer(dom0, name, number):
    dom0.run(f"xl create -q /tmp/{name}.cfg", within=300)
    dom0.attempt(f"timeout -s KILL 0.{1 + number % 9} xl destroy {name}")


def killed_console(dom0, name, number):
    dom0.run(f"xl create -q /tmp/{name}.cfg", within=300)
    dom0.attempt(f"timeout -s KILL 2 xl console {name}")


WAYS = [killed_builder, killed_while_running, killed_builder, killed_destroyer, killed_builder, killed_console]


def run(bed):
    dom0 = bed.dom0()
    dom0.write("/tmp/cycle.cfg", config("cycle"))
    # The first guest leaves dom0's drivers loaded, with the ports that they keep.
    dom0.run("xl create -q /tmp/cycle.cfg && xl destroy cycle", within=300)
    before = settled(dom0, counts(dom0))
    for number in range(CYCLES_FULL if bed.full else CYCLES):
        way = WAYS[number % len(WAYS)]
        way(dom0, "cycle", number)
        clear(dom0)
        after = settled(dom0, before)
        if after != before:
            raise Failed(f"after cycle {number + 1}, {way.__name__}: {after}, before: {before}")
    bed.figure(f"xl-cycles: {CYCLES_FULL if bed.full else CYCLES} cycles, nothing lost: {before}")
