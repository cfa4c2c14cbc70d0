# SPDX-License-Identifier: GPL-2.0-or-later
"""Five Debians, each a pair with a disk and a network card of its own, side by side for four minutes, with --full for an
hour: each computes all the while, one after the other moves data each way over its card and its disk; at the end no sum has
changed, no kernel has complained, each clock has gone with dom0's, and nothing stays."""
import re
import time

from bed.machine import Setup
from bed.output import Failed

from .guest import disk_kernel, log_in_and_look
from .left import Left
from .traffic import bridge_up, command, lease, move

DISKS = ["vdc", "vdd", "vde", "vdf", "vdg"]  # the last three are this machine's own
NAMES = [f"hour{number}" for number in range(len(DISKS))]
CONFIG = """name = "{name}"
type = "hvm"
memory = 256
vcpus = 1
serial = "pty"
vga = "none"
disk = [ "phy:/dev/{disk},xvda,w" ]
vif = [ "bridge=xenbr0" ]
"""
MINUTES, MINUTES_FULL = 4, 60
MIB, MIB_FULL = 16, 64
# Counts its rounds; a sum that differs from the first ends it.
WORK = ("{ (first=; n=0; while :; do sum=$(cat /usr/bin/[a-c]* | sha256sum); : ${first:=$sum}; "
        "[ \"$sum\" = \"$first\" ] || { echo changed >/tmp/bad; exit; }; n=$((n+1)); echo $n >/tmp/rounds; sleep 2; done) & }")
COMPLAINTS = r"BUG|WARNING|Oops|soft lockup|rcu.*stall|I/O error|hung task|blocked for more|Clocksource.*unstable|NETDEV WATCHDOG"


def more_disks(machine):
    arguments = []
    for number in range(len(DISKS) - 2):
        arguments += ["-drive", f"file={machine.images.disk.replace(',', ',,')},format={machine.images.disk_format},if=none,"
                      f"id=more{number},snapshot=on", "-device", f"virtio-blk-pci,drive=more{number}"]
    return arguments


def number_from(console, text):
    console.send(f"echo num''ber:$({text}):\n")
    return int(console.expect(r"number:(\d+):", 120).group(1))


def clock_beside_dom0(dom0, console):
    """Seconds that the guest's clock is ahead, within the time that asking takes."""
    before = int(dom0.run("date +%s"))
    guest = number_from(console, "date +%s")
    return guest - before, int(dom0.run("date +%s")) - before


def start(bed, dom0, name):
    dom0.run(f"dxl create /tmp/{name}.cfg", within=600)
    console = dom0.dialogue(name, f"dxl console {name}")
    log_in_and_look(console, disk_kernel(bed))
    lease(console)
    return console


def run(bed):
    minutes, mib = (MINUTES_FULL, MIB_FULL) if bed.full else (MINUTES, MIB)
    dom0 = bed.dom0(Setup(name="hour", devices=more_disks, memory=8192))
    bridge_up(dom0)
    left = Left(dom0, "ports", "xenstore")
    for name, disk in zip(NAMES, DISKS):
        dom0.write(f"/tmp/{name}.cfg", CONFIG.format(name=name, disk=disk))
    consoles = [start(bed, dom0, name) for name in NAMES]
    for console in consoles:
        command(console, WORK, "works", 60)
    clocks = [clock_beside_dom0(dom0, console) for console in consoles]
    began, moves, rounds = time.monotonic(), 0, [0] * len(NAMES)
    while time.monotonic() - began < minutes * 60 or moves < len(NAMES):
        which = moves % len(NAMES)
        move(dom0, consoles[which], mib)
        now = number_from(consoles[which], "cat /tmp/rounds")
        if now <= rounds[which]:
            raise Failed(f"{NAMES[which]} has come to a stand after {now} rounds")
        rounds[which], moves = now, moves + 1
    lasted = time.monotonic() - began
    for name, console, (ahead, asked) in zip(NAMES, consoles, clocks):
        command(console, "test ! -e /tmp/bad", "same", 60)
        console.send(f"dmesg | grep -E '{COMPLAINTS}'; echo com''plaints\n")
        said = console.expect(r"([\s\S]*)\ncomplaints", 120).group(1)
        if re.search(rf"(?m)^\[ *\d+\.\d+\].*({COMPLAINTS})", said):
            raise Failed(f"{name}'s kernel complains: {said}")
        later, taken = clock_beside_dom0(dom0, console)
        if abs(later - ahead) > 2 + asked + taken:
            raise Failed(f"{name}'s clock was {ahead} s ahead of dom0's, {lasted:.0f} s later {later} s")
    bed.figure(f"pairs-hour: five pairs for {lasted / 60:.0f} minutes: {moves} times {mib} MiB each way, rounds of work {rounds}")
    for name, console in zip(NAMES, consoles):
        console.send("poweroff\n")
        console.close()
    dom0.run("for i in $(seq 240); do [ $(xl list | wc -l) = 2 ] && exit; sleep 1; done; xl list; exit 1", within=300)
    left.nothing_by("an hour of five pairs")
