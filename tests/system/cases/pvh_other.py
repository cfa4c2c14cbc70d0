# SPDX-License-Identifier: GPL-2.0-or-later
"""A 64-bit PVH system that is not Linux, by stock `xl`: QEMU's own test system, which Debian ships as source.  It enters by
Xen's PVH entry, sets up long mode by itself, tries every size and offset of access to its memory, says so on port 0xe9,
which is the hypervisor's log when that is asked for, and ends by a halt without interrupts, which is a PVH guest's power-off."""
import re

from bed.images import image
from bed.machine import Setup
from bed.output import Failed

CONFIG = """name = "other"
type = "pvh"
kernel = "/tmp/other"
memory = 64
vcpus = 1
"""


def run(bed):
    dom0 = bed.dom0(Setup(name="other", core="guest_loglvl=all"))
    with open(image("bare") + "/memory", "rb") as file:
        dom0.run("cat >/tmp/other", stdin=file.read())
    dom0.write("/tmp/other.cfg", CONFIG)
    before = len(dom0.machine.serial.text())
    dom0.run("xl create -q /tmp/other.cfg", within=300)
    dom0.machine.serial.wait(r"d\d+: Test complete: (PASSED|FAILED)", 120, dom0.machine.working, before)
    said = [line for line in re.findall(r"\((?:core|XEN)\) (d\d+.*)", dom0.machine.serial.text()[before:]) if line]
    if not any("PASSED" in line for line in said):
        raise Failed("it says:\n" + "\n".join(said[-20:]))
    # It has powered itself off: xl, which waits for that, has destroyed it.
    dom0.run("for n in $(seq 60); do xl domid other >/dev/null 2>&1 || exit 0; sleep 1; done; xl list; exit 1", within=120)
    # More than xl reads at once: all of it comes, though xl clears what it has read.
    dmesg = dom0.run("xl dmesg -c")
    if said[-1] not in dmesg or len(dmesg) < 16384:
        raise Failed(f"`xl dmesg -c` shows {len(dmesg)} bytes, not its last line {said[-1]!r}")
    bed.figure("pvh-other: " + said[-1])
