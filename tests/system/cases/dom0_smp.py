# SPDX-License-Identifier: GPL-2.0-or-later
"""dom0 on several processors: each works, takes interrupts, goes and comes back; the scheduler's pins hold."""
import re

from bed.output import Failed

CPUS = 2


def counts(dom0, name):
    """One number for each processor, from /proc/interrupts."""
    for line in dom0.run("cat /proc/interrupts").splitlines():
        if line.split()[0] == name:
            return [int(word) for word in line.split()[1:] if word.isdigit()]
    raise Failed(f"/proc/interrupts has no line {name}")


def each_works(dom0, cpus):
    for cpu in range(cpus):
        said = dom0.run(f"taskset -c {cpu} sh -c 'cut -d\" \" -f39 /proc/self/stat'").strip()
        if said != str(cpu):
            raise Failed(f"what was bound to CPU {cpu} ran on CPU {said}")


def off_and_on(dom0, cpus):
    for cpu in range(1, cpus):
        dom0.run(f"echo 0 >/sys/devices/system/cpu/cpu{cpu}/online", within=300)
        if dom0.run("nproc").strip() != str(cpus - 1):
            raise Failed(f"CPU {cpu} was taken away, and nproc still counts it")
        dom0.run(f"echo 1 >/sys/devices/system/cpu/cpu{cpu}/online", within=300)
    if dom0.run("nproc").strip() != str(cpus):
        raise Failed("not all CPUs came back")
    each_works(dom0, cpus)


def nmis(dom0, cpus):
    """A backtrace of all CPUs is asked for by NMI."""
    before = counts(dom0, "NMI:")
    dom0.run("echo l >/proc/sysrq-trigger", within=300)
    after = counts(dom0, "NMI:")
    if sum(after) < sum(before) + cpus - 1:
        raise Failed(f"NMIs did not arrive: {before} before, {after} after")


def pins(dom0, cpus):
    for cpu in range(cpus):
        dom0.run(f"xl vcpu-pin Domain-0 0 {cpu}")
        dom0.run("true")
        line = [l for l in dom0.run("xl vcpu-list Domain-0").splitlines() if re.match(r"Domain-0\s+0\s+0\s", l)]
        if not line or line[0].split()[3] != str(cpu):
            raise Failed(f"vCPU 0 was pinned to CPU {cpu}; `xl vcpu-list` says {line}")
    dom0.run("xl vcpu-pin Domain-0 0 all")


def run(bed):
    dom0 = bed.dom0()
    cpus = bed.cpus
    said = dom0.run("nproc").strip()
    if said != str(cpus):
        raise Failed(f"the machine has {cpus} CPUs, dom0 {said}")
    each_works(dom0, cpus)
    pins(dom0, cpus)
    if cpus > 1:
        nmis(dom0, cpus)
        off_and_on(dom0, cpus)
    bed.figure(f"dom0-smp on {cpus} CPUs:\n" + dom0.run("xl vcpu-list; grep -E 'CPU0|RES|CAL|NMI' /proc/interrupts"))
