# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel of Debian's backports is dom0 too, and has no more to complain of than on stock Xen.  It gets as many vCPUs as
the command line says, of a machine that has more."""
import os

from bed.images import image
from bed.machine import Setup
from bed.output import Failed

from . import kernel_messages

SUITE = "bookworm-backports"


def run(bed):
    folder = image("kernel", SUITE)
    dom0 = bed.dom0(Setup(name="kernel", dom0=folder, cpus=2, core="dom0_max_vcpus=1"))
    with open(os.path.join(folder, "version"), encoding="ascii") as file:
        expected = file.read().strip()
    vcpus = dom0.run("nproc; xl vcpu-list Domain-0 | tail -n +2 | wc -l; xl info | awk '$1 == \"nr_cpus\" {print $3}'").split()
    if vcpus != ["1", "1", "2"]:
        raise Failed(f"dom0_max_vcpus=1 on 2 CPUs: dom0 sees, has, and of CPUs there are {vcpus}")
    kernel = dom0.run("uname -r").strip()
    if kernel != expected:
        raise Failed(f"dom0 runs kernel {kernel}, not {expected} of {SUITE}")
    state = dom0.attempt("systemctl is-system-running --wait", within=300)[1].strip()
    if state != "running":
        raise Failed(f"systemd says {state}:\n" + dom0.run("systemctl --failed --no-legend --plain"))
    if dom0.domains() != ["Domain-0"]:
        raise Failed("`xl list` shows more than Domain-0")
    kernel_messages.check(dom0)
