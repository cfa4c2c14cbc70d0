# SPDX-License-Identifier: GPL-2.0-or-later
"""`dxl create` boots an unmodified Debian from its disk, through firmware and boot loader, to a login on its serial
line; it gets an address by DHCP, moves 64 MiB each way over card and disk, has random numbers, and switches itself off."""
import time

from bed.output import Failed

from .guest import disk_kernel, log_in_and_look
from .traffic import bridge_up, command, lease, move

CONFIG = """name = "pair1"
type = "hvm"
memory = 256
vcpus = 1
serial = "pty"
disk = [ "phy:/dev/vdc,xvda,w" ]
vif = [ "bridge=xenbr0" ]
"""
PANELS = ["pair1", "pair1.fd"]
MIB, MIB_FULL = 64, 1024


def run(bed):
    dom0 = bed.dom0()
    bridge_up(dom0)
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
    bed.figure("thin-pair: seconds from `dxl create` to the guest's answer: "
               f"{time.monotonic() - start:.0f}\n" + dom0.run("xl list"))
    if not bed.stock_xen:
        dom0.ask_core("q", r"\(core\) d0v0: .*")
        bed.figure(dom0.ask_core("x", r"\(core\) "))
    command(console, "modprobe virtio_rng && grep -q virtio_rng /sys/class/misc/hw_random/rng_available && "
            "head -c 64 /dev/hwrng | wc -c | grep -qx 64", "random", 120)
    lease(console)
    move(dom0, console, MIB_FULL if bed.full else MIB)
    console.send("systemctl poweroff\n")
    dom0.run("for i in $(seq 300); do xl list | grep -q '^pair1' || exit 0; sleep 1; done; exit 1", within=400)
    console.close()
    if dom0.domains() != ["Domain-0"]:
        raise Failed("`xl list` still shows a panel after the guest has switched itself off")
