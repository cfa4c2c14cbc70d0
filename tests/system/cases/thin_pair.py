# SPDX-License-Identifier: GPL-2.0-or-later
"""`dxl create` boots an unmodified Debian from its disk, through firmware and boot loader, to a login on its serial
line; `dxl destroy` takes both panels away."""
import time

from bed.output import Failed

from .guest import disk_kernel, log_in_and_look

CONFIG = """name = "pair1"
type = "hvm"
memory = 256
vcpus = 1
serial = "pty"
disk = [ "phy:/dev/vdc,xvda,w" ]
"""
PANELS = ["pair1", "pair1.fd"]


def run(bed):
    dom0 = bed.dom0()
    dom0.write("/tmp/pair1.cfg", CONFIG)
    start = time.monotonic()
    dom0.run("dxl create /tmp/pair1.cfg", within=600)
    console = dom0.dialogue("pair1", "dxl console pair1")
    there = sorted(set(dom0.domains()) & set(PANELS))
    if there != PANELS:
        raise Failed(f"of the two panels `xl list` shows {there}")
    if "pair1" not in dom0.run("dxl list"):
        raise Failed("`dxl list` does not show the guest")
    log_in_and_look(console, disk_kernel(bed))
    console.close()
    bed.figure("thin-pair: seconds from `dxl create` to the guest's answer: "
               f"{time.monotonic() - start:.0f}\n" + dom0.run("xl list"))
    if not bed.stock_xen:
        dom0.ask_core("q", r"\(core\) d0v0: .*")
        bed.figure(dom0.ask_core("x", r"\(core\) "))
    dom0.run("dxl destroy pair1", within=300)
    if dom0.domains() != ["Domain-0"]:
        raise Failed("`xl list` still shows a panel after destroy")
