# SPDX-License-Identifier: GPL-2.0-or-later
"""Five pairs by libvirt at once: started together they all come up, each answers on its own serial line, one that goes takes
no other with it; destroyed together, nothing of them stays."""
from bed import answering_disk
from bed.machine import Setup
from bed.output import Failed
from bed.virsh import batch

from .left import Left
from .start_times import one_clock
from .virsh_cycles import VIRSH, XML

NAMES = [f"five{number}" for number in range(5)]
UUID = "4dea22b3-1d52-d8f3-2516-782e98ab3f1{}"


def together(dom0, verb, names):
    dom0.run("pids=; for n in " + " ".join(names) + f"; do {VIRSH} {verb} $n & pids=\"$pids $!\"; done; "
             "failed=0; for p in $pids; do wait $p || failed=1; done; exit $failed", within=600)


def running(dom0):
    return sorted(dom0.run(f"{VIRSH} list --name").split())


def run(bed):
    # libxl gives a disk's script ten seconds, of which a busy host leaves too little: a clock that goes by instructions.
    dom0 = bed.dom0(Setup(name="icount", devices=one_clock))
    dom0.run("mkdir -p /srv")
    for number, name in enumerate(NAMES):
        answering_disk.put(dom0, f"/srv/{name}.img")
        dom0.write(f"/tmp/{name}.xml", XML.format(name=name, uuid=UUID.format(number)))
    # What the first guest makes for all.
    batch(dom0, [(verb, None) for verb in ("define /tmp/five0.xml", "start five0", "destroy five0", "undefine five0")])
    left = Left(dom0, "ports")
    batch(dom0, [(f"define /tmp/{name}.xml", "defined") for name in NAMES])
    together(dom0, "start", NAMES)
    consoles = [dom0.dialogue(name, f"dxl console {name}") for name in NAMES]
    for console in consoles:
        console.expect("READY", 300)
    for number, console in enumerate(consoles):
        answering_disk.answers(console, "abc"[number % 3] * 5)
    if running(dom0) != NAMES:
        raise Failed(f"virsh lists {running(dom0)}")
    batch(dom0, [(f"destroy {NAMES[2]}", "destroyed")])
    for console in consoles[:2] + consoles[3:]:
        answering_disk.answers(console, "xyz")
    for console in consoles:
        console.close()
    together(dom0, "destroy", NAMES[:2] + NAMES[3:])
    batch(dom0, [(f"undefine {name}", "undefined") for name in NAMES])
    left.nothing_by("five pairs at once")
