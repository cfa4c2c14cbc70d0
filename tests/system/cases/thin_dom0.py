# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian with systemd boots from its disk as dom0; an administrator logs in over ssh and finds Xen's tools at work."""
from bed.output import Failed

from . import kernel_messages

ON_STOCK_XEN = True


def run(bed):
    dom0 = bed.dom0()
    if not bed.stock_xen:
        dom0.machine.serial.wait(r"invariant holds", 1)
    kernel = dom0.run("uname -r").strip()
    with open(f"{bed.images.dom0}/version", encoding="ascii") as file:
        expected = file.read().strip()
    if kernel != expected:
        raise Failed(f"dom0 runs kernel {kernel}, its disk holds {expected}")
    state = dom0.attempt("systemctl is-system-running --wait", within=300)[1].strip()
    if not bed.stock_xen:
        kernel_messages.check(dom0)
    if state != "running":
        raise Failed(f"systemd says {state}:\n" + dom0.run("systemctl --failed --no-legend --plain"))
    root = dom0.run("findmnt -no SOURCE /").strip()
    if root != "/dev/vda":
        raise Failed(f"the root file system is {root}, not the disk")
    if "control_d" not in dom0.run("cat /proc/xen/capabilities"):
        raise Failed("the kernel does not see itself as dom0")
    if dom0.domains() != ["Domain-0"]:
        raise Failed("`xl list` shows more than Domain-0")
    version = dom0.run("xl info xen_version").strip()
    if not version.startswith("4.17"):
        raise Failed(f"xl reports Xen ABI {version}")
