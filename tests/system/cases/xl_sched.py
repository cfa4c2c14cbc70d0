# SPDX-License-Identifier: GPL-2.0-or-later
"""What stock `xl` sets of scheduling has effect: pins, weights and caps, seen by the CPU time that `xl` itself tells of
two guests that never rest.  Times are compared with each other only, by the core's own clock."""
from bed.machine import Setup
from bed.output import Failed

from .dom0_smp import vcpu
from .pvh import config

NAMES = ["sched1", "sched2"]
LEAST = 8.0  # seconds of both together: tenths are what xl shows


def times(dom0):
    said = {line.split()[0]: line.split() for line in dom0.run("xl list").splitlines()}
    return [float(said[name][5]) for name in NAMES]


def passed(dom0):
    """CPU time of each while both together had LEAST."""
    before = after = times(dom0)
    for _ in range(100):
        dom0.run("sleep 2")
        after = times(dom0)
        if sum(after) - sum(before) >= LEAST:
            return [b - a for a, b in zip(before, after)]
    raise Failed(f"two busy guests had {before}, and after 200 s {after} seconds of CPU time")


def expect_ratio(dom0, least, most, why):
    first, second = passed(dom0)
    if not least <= first / max(second, 0.1) <= most:
        raise Failed(f"{why}: CPU times {first:.1f} and {second:.1f} s, of which the first was to be {least} to {most} times "
                     "the second")
    return f"{why}: {first:.1f} s to {second:.1f} s"


def pinned(dom0, *cpus):
    for name, cpu in zip(NAMES, cpus):
        dom0.run(f"xl vcpu-pin {name} 0 {cpu}")
    dom0.run("sleep 1")
    for name, cpu in zip(NAMES, cpus):
        listed = vcpu(dom0, 0, name)
        if listed[3] != str(cpu) or listed[6] != str(cpu):
            raise Failed(f"{name} was pinned to CPU {cpu}; `xl vcpu-list` says {listed}")


def run(bed):
    cpus = bed.cpus if bed.cpus > 1 else 2
    dom0 = bed.dom0(Setup(name=f"smp{cpus}", cpus=cpus))
    for name in NAMES:
        dom0.write(f"/tmp/{name}.cfg", config(name))
        dom0.run(f"xl create /tmp/{name}.cfg", within=300)
        console = dom0.dialogue(name, f"xl console {name}")
        console.expect(r"pvh-guest# ", 300, nudge="\n")
        console.send("while :; do :; done & echo $((6 * 7))-busy\n")
        console.expect(r"42-busy", 120)
        console.close()
    pinned(dom0, 1, 0)
    pinned(dom0, 1, 1)
    found = [expect_ratio(dom0, 0.6, 1.7, "both with weight 256 on CPU 1")]
    dom0.run("xl sched-credit -d sched1 -w 1024")
    found.append(expect_ratio(dom0, 2.4, 6.7, "weights 1024 and 256 on CPU 1"))
    dom0.run("xl sched-credit -d sched1 -w 256 -c 20")
    found.append(expect_ratio(dom0, 0.12, 0.5, "the first with a cap of 20 % on CPU 1"))
    dom0.run("xl sched-credit -d sched1 -c 0")
    bed.figure("xl-sched: " + "; ".join(found))
    for name in NAMES:
        dom0.run(f"xl destroy {name}")
