# SPDX-License-Identifier: GPL-2.0-or-later
"""Stock `xl create` boots a Debian from its own disk: stock `pygrub` finds kernel, initramfs and options there by the
disk's own grub.cfg.  It comes to multi-user with a login on its console, gets an address over dom0's bridge, and what is
moved each way over blkback and netback comes back as it went; asked by `xl shutdown` it ends by itself."""
from bed.output import Failed

from .fronts import disk_initramfs
from .guest import disk_kernel, log_in_and_look
from .traffic import bridge_up, lease, move

CONFIG = """name = "debian1"
type = "pvh"
bootloader = "pygrub"
memory = 256
vcpus = 1
disk = [ "phy:/dev/vdd,xvda,w" ]
vif = [ "bridge=xenbr0" ]
"""
ROOT = "/mnt/debian1"
OPTIONS = "root=/dev/xvda1 console=hvc0 quiet net.ifnames=0"
MIB, MIB_FULL, PART_MIB = 64, 1024, 16  # a part at a time: the disk has no room for more


def prepare_root(dom0, device):
    """The disk was made for a machine of QEMU's: its administrator gives it the drivers, console and root of a Xen guest."""
    dom0.run(f"mkdir -p {ROOT} && mount {device} {ROOT}")
    if dom0.attempt(f"grep -q xvda1 {ROOT}/boot/grub/grub.cfg")[0]:
        disk_initramfs(dom0, ROOT)
        dom0.run(f"""set -e; cd {ROOT}
sed -i 's|root=$disk console=ttyS0,115200|root=/dev/xvda1 console=hvc0|' boot/grub/grub.cfg
sed -i s/ttyS0/hvc0/g etc/systemd/system/serial-login.service
cat boot/grub/grub.cfg""")
    dom0.run(f"umount {ROOT} && blockdev --flushbufs {device}")


def multi_user(console):
    console.send("systemctl is-system-running --wait; systemctl is-active multi-user.target; cat /proc/cmdline; echo l''ooked\n")
    said = console.expect(r"([\s\S]*)looked", 300).group(1)
    if "\nactive\n" not in said or OPTIONS not in said:
        raise Failed(f"the guest is not at multi-user, or its options are not its grub.cfg's:\n{said}")


def run(bed):
    dom0 = bed.dom0()
    bridge_up(dom0)
    prepare_root(dom0, "/dev/vdd1")
    dom0.write("/tmp/debian1.cfg", CONFIG)
    dom0.run("xl create /tmp/debian1.cfg", within=600)
    console = dom0.dialogue("debian1", "xl console debian1")
    log_in_and_look(console, disk_kernel(bed), "/dev/xvda1")
    multi_user(console)
    address = lease(console).group(1)
    mib = MIB_FULL if bed.full else MIB
    for _ in range(mib // PART_MIB):
        move(dom0, console, PART_MIB)
    bed.figure(f"xl-debian: address {address}, {mib} MiB each way over network and disk\n" + dom0.run("xl list"))
    dom0.run("xl shutdown --wait debian1", within=300)
    dom0.run("while xl domid debian1 >/dev/null 2>&1; do sleep 1; done", within=120)
    console.close()
