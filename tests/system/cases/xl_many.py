# SPDX-License-Identifier: GPL-2.0-or-later
"""Many small PVH guests at once, by stock `xl`: each comes up, answers on its console what only it can say, and does so
again when all run; when they are gone, so is all that they held.  4 in ./check, with --full 60 on a machine of 12 GiB."""
import re

from bed.machine import Setup
from bed.output import Failed

from .pvh import config
from .xl_cycles import counts, settled

COUNT, COUNT_FULL, MIB_FULL = 4, 60, 12288
MEMORY = 128  # MiB of each


def answers(dom0, number, sight):
    """The guest's own count of what it was asked, and its time that goes on."""
    console = dom0.dialogue(f"many{number}-{sight}", f"xl console many{number}")
    console.expect(r"pvh-guest# ", 300, nudge="\n")
    if sight == 1:
        console.send(f"mine={number * 31 + 7}\n")
    console.send("echo w''ho:$mine:$(cut -d. -f1 /proc/uptime)\n")
    said = console.expect(r"who:(\d*):(\d+)\s", 300)
    if said.group(1) != str(number * 31 + 7):
        raise Failed(f"guest {number} says {said.group(0)}")
    console.close()
    return int(said.group(2))


def run(bed):
    count = COUNT_FULL if bed.full else COUNT
    dom0 = bed.dom0(Setup(name="many", memory=MIB_FULL)) if bed.full else bed.dom0()
    text = re.sub(r"memory = \d+", f"memory = {MEMORY}", config("first"))
    dom0.write("/tmp/first.cfg", text)
    dom0.run("xl create -q /tmp/first.cfg && xl destroy first", within=300)
    before = settled(dom0, counts(dom0))
    uptimes = {}
    for number in range(count):
        dom0.write(f"/tmp/many{number}.cfg", text.replace('"first"', f'"many{number}"'))
        dom0.run(f"xl create -q /tmp/many{number}.cfg", within=300)
    for number in range(count):
        uptimes[number] = answers(dom0, number, 1)
    listed = dom0.run("xl list")
    if len(re.findall(r"(?m)^many\d+ +\d+ +128 +1 +[-r][-b]---- +[\d.]+$", listed)) != count:
        raise Failed(f"{count} guests should run:\n{listed}")
    for number in range(count):
        if answers(dom0, number, 2) < uptimes[number]:
            raise Failed(f"guest {number}'s time goes back")
    bed.figure(f"xl-many: {count} guests of {MEMORY} MiB at once\n" + dom0.run("xl info | grep memory"))
    dom0.run(f"for i in $(seq 0 {count - 1}); do xl destroy many$i || exit 1; done", within=900)
    after = settled(dom0, before)
    if after != before:
        raise Failed(f"after {count} guests: {after}, before: {before}")
