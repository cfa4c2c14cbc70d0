# SPDX-License-Identifier: GPL-2.0-or-later
"""A program and a kernel module in dom0 attack the core by every way that dom0 has: the core stays up, says what
happened, keeps its invariant, and another domain does not notice; what ends dom0 ends it with a reason."""
import re

from bed.devices import EVERY_DEVICE
from bed.hostile import install
from bed.output import Failed

from .pvh import config

# (attack, numbers for ./check and for --full, with the seed of its random ones, words the program must say, at least so many)
ATTACKS = [
    ("errors", "", "", r"(\d+) calls with a known answer", 400),
    ("pointers", "", "", r"(\d+) calls with \d+ bad pointers", 700),
    ("mappings", "", "", r"(\d+) mappings tried", 200),
    ("memory", "", "", r"(\d+) accesses to memory of others", 60),
    ("instructions", "", "", r"(\d+) instructions", 2000),
    ("ports", "", "", r"(\d+) port accesses", 200),
    ("msrs", "5000 {seed}", "50000 {seed}", r"(\d+) MSR accesses", 60000),
    ("interrupts", "", "", r"(\d+) interrupts that nobody ordered", 800),
    ("random", "100000 {seed}", "400000 {seed}", r"(\d+) random calls", 90000),
]
SEED = 1
# How dom0 ends itself, and what the core says of it.
ENDS = {
    "page-tables": r"d0 crashed: access to 0x30[0-9a-f]+ \(not a device, not its memory\) by the delivery of exception",
    "init": r"d0 crashed: INIT to its last running processor",
    "descriptors": r"d0 crashed: access to 0x30[0-9a-f]+ \(not a device, not its memory\) by the delivery of exception",
    "stack": r"d0 crashed: access to 0xfee[0-9a-f]+ \(the local APIC's page.*\) by the delivery of exception",
    "memory": r"d0 crashed: |dom0 has shut down: crash",  # the core or Linux is the first to find out
    "halt": r"dom0 has shut down: power-off\n\(core\) halted",
}
ENDS_OF_CHECK = ["page-tables", "init"]
# These end one processor, and dom0 with its last one.
ENDS_ONE = ["init", "halt"]


def attack(dom0, name, numbers, words, least, within):
    before = len(dom0.machine.serial.text())
    status, said = dom0.attempt(f"/tmp/hostile {name} {numbers}", within=within)
    dom0.machine.require_alive()
    if status != 0:
        raise Failed(f"hostile {name} {numbers}: status {status}\n{said[-4000:]}")
    found = re.search(words, said)
    if not found or int(found.group(1)) < least:
        raise Failed(f"hostile {name} tried too little, {least} wanted:\n{said[-2000:]}")
    core = dom0.machine.serial.text()[before:]
    if "is BROKEN" in core:
        raise Failed(f"after hostile {name} the protection layer's invariant is broken")
    return found.group(1), core


def expect_in(core, words, name):
    if not re.search(words, core):
        raise Failed(f"after hostile {name} the core has not said /{words}/:\n{core[-2000:]}")


def other_domain(dom0):
    dom0.write("/tmp/pvh1.cfg", config("pvh1"))
    dom0.run("xl create /tmp/pvh1.cfg", within=300)
    console = dom0.dialogue("pvh1", "xl console pvh1")
    console.expect(r"pvh-guest# ", 300, nudge="\n")
    return console


def answers(console, number):
    console.send(f"echo $((6 * {number}))-$(uname -s)\n")
    console.expect(f"{6 * number}-Linux", 120)


def run(bed):
    dom0 = bed.dom0(EVERY_DEVICE)
    install(dom0, bed.kernel_version())
    console = other_domain(dom0)
    for name, small, large, words, least in ATTACKS:
        numbers = (large if bed.full else small).format(seed=bed.seed or SEED)
        tried, core = attack(dom0, name, numbers, words, least, 36000 if bed.full else 600)
        bed.figure(f"dom0-hostile: {name} {numbers}: {tried}")
        if name == "memory":
            expect_in(core, r"dom0: access to 0x30[0-9a-f]+ .*refused: not a device, not its memory", name)
            expect_in(core, r"dom0: access to 0xfee00[0-9a-f]+ .*refused: the local APIC's page", name)
        if name == "ports" and "FROM-DOM0-DIRECTLY" in core:
            raise Failed("dom0 writes to the core's serial line by its ports")
        if name == "interrupts" and "vector f9" not in dom0.run("dmesg"):
            raise Failed("no interrupt of the edu device has reached dom0: nothing was tried")
        if name in ("mappings", "random", "interrupts"):
            expect_in(core, r"the protection layer's invariant holds", name)
        answers(console, len(name))
    console.close()
    dom0.run("xl destroy pvh1")
    wrong = bed.left_behind()
    if wrong:
        raise Failed(wrong)
    for how in ENDS if bed.full else ENDS_OF_CHECK:
        dom0 = bed.dom0(EVERY_DEVICE)
        if dom0.attempt("test -c /dev/hostile")[0] != 0:
            install(dom0, bed.kernel_version())
        if how in ENDS_ONE:
            # For a while after its boot Linux answers that it is busy.
            dom0.run("for cpu in /sys/devices/system/cpu/cpu[1-9]*/online; do "
                     "[ ! -e $cpu ] || until echo 0 >$cpu; do sleep 1; done; done", within=120)
        dom0.launch(f"/tmp/hostile end {how}")
        dom0.machine.serial.wait(ENDS[how], 60, dom0.machine.alive)
        if how != "halt":
            dom0.machine.wait_for_end(60)
        if re.search(r"\(core\) panic:", dom0.machine.serial.text()):
            raise Failed("the core itself panics")
        bed.stop()
