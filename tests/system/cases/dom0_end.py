# SPDX-License-Identifier: GPL-2.0-or-later
"""Reboot, power-off and crash of dom0 do to the machine what they say; with `noreboot` a crash leaves it halted, to
be looked at; a date set in dom0 is the date of a PVH guest that is created afterwards."""
import re
import time

from bed.machine import Setup
from bed.output import Failed

from .pvh import config

STARTED = r"\(core\) Diptych core"
DATE = "2031-02-03 04:05:06"


def wallclock(dom0):
    """hwclock's and NTP's path in Linux: every step of the date goes to the core by XENPF_settime64."""
    dom0.run(f"date -u -s '{DATE}'")
    dom0.write("/tmp/pvh1.cfg", config("pvh1"))
    dom0.run("xl create /tmp/pvh1.cfg", within=300)
    console = dom0.dialogue("pvh1", "xl console pvh1")
    console.expect(r"pvh-guest# ", 300, nudge="\n")
    console.send("echo date-$(date -u +%Y-%m-%d-%H)-\n")
    seen = console.expect(r"date-(\d+-\d+-\d+-\d+)-", 60).group(1)
    console.close()
    dom0.run("xl destroy pvh1")
    if seen != "2031-02-03-04":
        raise Failed(f"dom0 set {DATE}, the guest reads {seen}")


def ends(dom0, command, words):
    """dom0's last command, and what the core says of it, with no panic of its own."""
    serial = dom0.machine.serial
    before = len(serial.text())
    dom0.launch(command)
    serial.wait(words, 300, dom0.machine.alive, before)
    if re.search(r"\(core\) panic:", serial.text()[before:]):
        raise Failed("the core itself panics")


def run(bed):
    # A reset machine starts again from the beginning.
    dom0 = bed.dom0(Setup(name="reset", resets=True))
    wallclock(dom0)
    starts = len(re.findall(STARTED, dom0.machine.serial.text()))
    ends(dom0, "systemctl reboot --force", r"\(core\) resetting the machine|" + STARTED)
    end = time.monotonic() + 120
    while len(re.findall(STARTED, dom0.machine.serial.text())) == starts:
        if time.monotonic() > end or not dom0.machine.alive():
            raise Failed("after dom0's reboot the machine does not start again")
        time.sleep(0.2)
    bed.stop()

    # Power-off is dom0's own write to the ACPI registers: the emulator ends.
    dom0 = bed.dom0()
    dom0.launch("systemctl poweroff --force")
    dom0.machine.wait_for_end(300)
    if re.search(r"\(core\) panic:|Kernel panic", dom0.machine.serial.text()):
        raise Failed("power-off ended in a panic")
    bed.stop()

    dom0 = bed.dom0(Setup(name="noreboot", core="noreboot"))
    ends(dom0, "echo c >/proc/sysrq-trigger", r"\(core\) dom0 has shut down: crash\n\(core\) halted")
    if not dom0.machine.alive():
        raise Failed("with noreboot a crash of dom0 has reset the machine")
    bed.stop()
