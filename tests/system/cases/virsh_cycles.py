# SPDX-License-Identifier: GPL-2.0-or-later
"""Pairs by libvirt come and go, as often as one likes: a listener on the outer machine, in Python, hears of each step,
and nothing of them stays.  libvirtd killed in the middle of define, start and destroy: the guest beside them goes on, what
virsh then says is so, and what was begun can be ended or begun again."""
import os
import time

from bed import answering_disk
from bed.batch import batch as lines
from bed.output import Dialogue, Failed
from bed.packages import need
from bed.virsh import batch, remote

from .left import Left

XML = """<domain type='xen'><name>{name}</name><uuid>{uuid}</uuid><memory unit='MiB'>32</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>
<devices><disk type='file' device='disk'><source file='/srv/{name}.img'/><target dev='vda' bus='virtio'/></disk>
<serial type='pty'/></devices></domain>
"""
UUID = {"stays": "4dea22b3-1d52-d8f3-2516-782e98ab3f01", "goes": "4dea22b3-1d52-d8f3-2516-782e98ab3f02"}
VIRSH = "virsh -q -c xen:///system"
CYCLES, CYCLES_FULL = 5, 100
# Where in a verb's time the daemon is killed.
MOMENTS, MOMENTS_FULL = (0.3, 0.7), [number / 20 for number in range(1, 21)]
EVENTS = ["DEFINED ADDED", "STARTED BOOTED", "STOPPED DESTROYED", "UNDEFINED REMOVED"]


class Stays:
    """A guest that is there all the while."""

    def __init__(self, dom0):
        self.dom0 = dom0
        batch(dom0, [("define /tmp/stays.xml", "defined"), ("start stays", "started")])
        self.domid = dom0.run(f"{VIRSH} domid stays").strip()
        self.console = dom0.dialogue("stays", "dxl console stays")
        self.console.expect("READY", 300)

    def goes_on(self):
        answering_disk.answers(self.console, "abc")
        batch(self.dom0, [("domid stays", f"^{self.domid}$"), ("domstate stays", "^running$")])

    def end(self):
        self.console.close()
        batch(self.dom0, [("destroy stays", "destroyed"), ("undefine stays", "undefined"), ("list --all --name", r"\A\s*\Z")])


def cycles(bed, dom0, count):
    """Heard of in their order, each once."""
    events = Dialogue([os.path.join(os.path.dirname(__file__), "..", "bed", "events.py"), remote(dom0)],
                      os.path.join(dom0.folder, "events.log"))
    dom0.dialogues.append(events)
    events.expect("listening", 120)
    verbs = [("define /tmp/goes.xml", "defined"), ("start goes", "started"), ("domstate goes", "^running$"),
             ("destroy goes", "destroyed"), ("undefine goes", "undefined")]
    for _ in range(count):
        batch(dom0, verbs)
    for number in range(count):
        for event in EVENTS:
            heard = events.expect(r"(\S.*)\n", 60).group(1)
            if heard != f"goes {event}":
                raise Failed(f"in cycle {number + 1} not \"goes {event}\" was heard of, but \"{heard}\"")
    events.close()


def state(dom0):
    """As virsh says, once the daemon answers again; "" when it is not defined."""
    return dom0.run(f"for i in $(seq 60); do {VIRSH} uri >/dev/null 2>&1 && break; sleep 1; done; "
                    f"{VIRSH} list --all | awk '$2 == \"goes\" {{ print $3 $4 }}'", within=300).strip()


def panels(dom0):
    return sorted(name for name in dom0.domains() if name.startswith("goes"))


def took(dom0, verb):
    """Milliseconds."""
    return int(dom0.run(f"s=$(date +%s%N); {VIRSH} {verb} >/dev/null && e=$(date +%s%N) && echo $(((e - s) / 1000000))",
                        within=300))


def killed(dom0, verb, after):
    """The daemon, in the middle of it; systemd starts it again."""
    dom0.run(f"systemctl reset-failed libvirtd; {VIRSH} uri >/dev/null; pid=$(systemctl show -P MainPID libvirtd); "
             f"{VIRSH} {verb} >/dev/null 2>&1 & sleep {after:.2f}; kill -KILL $pid; wait; "
             "for i in $(seq 60); do test -e /run/diptych/building || break; sleep 1; done", within=300)


def right(dom0, what):
    """What virsh says is what there is; returns it."""
    for _ in range(30):
        says, there = state(dom0), panels(dom0)
        if there == (["goes", "goes.fd"] if says == "running" else []):
            return says
        time.sleep(1)
    raise Failed(f"{what}: virsh says \"{says}\" of it, and there are {there}")


def kills(dom0, stays, left, moments):
    seen = []
    times = {verb: took(dom0, verb) for verb in ("define /tmp/goes.xml", "start goes", "destroy goes", "undefine goes")}
    for verb in ("define /tmp/goes.xml", "start goes", "destroy goes"):
        word = verb.split()[0]
        for moment in moments:
            if word != "define":
                dom0.run(f"{VIRSH} define /tmp/goes.xml")
            if word == "destroy":
                dom0.run(f"{VIRSH} start goes", within=300)
            after = times[verb] * moment / 1000
            killed(dom0, verb, after)
            what = f"libvirtd killed {after:.2f} s after the beginning of {word}"
            says = right(dom0, what)
            seen.append(f"{word} {moment}: {says or 'not there'}")
            stays.goes_on()
            # And on from there, whatever it is.
            if says == "running":
                # The monitor may be about to go on with an end that was cut short.
                dom0.run(f"{VIRSH} destroy goes || {VIRSH} domstate goes | grep 'shut off'", within=300)
            if says:
                dom0.run(f"{VIRSH} undefine goes")
            left.nothing_by(what)
    return f"{times} ms; killed at parts of these, then: " + ", ".join(seen)


def run(bed):
    need("python3-libvirt")
    dom0 = bed.dom0()
    dom0.run("mkdir -p /srv")
    for name, uuid in UUID.items():
        answering_disk.put(dom0, f"/srv/{name}.img")
        dom0.write(f"/tmp/{name}.xml", XML.format(name=name, uuid=uuid))
    lines(dom0, [(f"{VIRSH} {verb}", None) for verb in ("define /tmp/goes.xml", "start goes", "destroy goes", "undefine goes")])
    empty = Left(dom0, "ports")
    stays = Stays(dom0)
    left = Left(dom0)
    cycles(bed, dom0, CYCLES_FULL if bed.full else CYCLES)
    left.nothing_by("all these cycles")
    bed.figure("virsh-cycles: " + kills(dom0, stays, left, MOMENTS_FULL if bed.full else MOMENTS))
    stays.end()
    empty.nothing_by("a guest beside cycles and kills")
