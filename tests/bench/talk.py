# SPDX-License-Identifier: GPL-2.0-or-later
"""A PVH guest that talks with dom0 through Xen's stock front and back ends: a disk in dom0's memory, and a network.  dom0
is that of xl.py, which has neither bash nor a bridge: the hotplug scripts of disk and network are a few lines of its own shell."""
import os
import shutil

from machines import HERE, pack

FRONTS = ["xen/xen-evtchn.ko", "block/xen-blkfront.ko", "net/xen-netfront.ko"]
BACKS = ["block/brd.ko", "block/xen-blkback/xen-blkback.ko", "net/xen-netback/xen-netback.ko"]
ROWS = ["event_between", "block_read", "block_write", "net_send", "net_receive"]
CONFIG = """name = "talk"
type = "pvh"
kernel = "/vmlinux"
ramdisk = "/talk-initramfs"
extra = "console=hvc0 quiet"
memory = 256
vcpus = 1
disk = [ "format=raw, vdev=xvda, access=w, target=/dev/ram0" ]
vif = [ "mac=00:16:3e:00:00:01, script=vif" ]
"""
SCRIPTS = {
    "etc/xen/scripts/block": """#!/bin/sh
[ "$1" = add ] && exec xenstore-write $XENBUS_PATH/physical-device 1:0 $XENBUS_PATH/physical-device-path /dev/ram0 \\
	$XENBUS_PATH/hotplug-status connected
""",
    "etc/xen/scripts/vif": """#!/bin/sh
[ "$1" = online ] || exit 0
busybox ip addr add 10.9.0.1/24 dev $vif
busybox ip link set $vif up
xenstore-write $XENBUS_PATH/hotplug-status connected
""",
    "bin/give": "#!/bin/sh\nexec busybox head -c 2097152 /dev/zero\n",
}


def guest_initramfs(tools, drivers, out):
    tree = tools.path("talk-tree")
    shutil.rmtree(tree, ignore_errors=True)
    for name in ("bin", "dev", "proc", "sys", "modules"):
        os.makedirs(os.path.join(tree, name))
    shutil.copy("/bin/busybox", f"{tree}/bin/busybox")
    os.symlink("busybox", f"{tree}/bin/sh")
    shutil.copy(tools.path("probe"), f"{tree}/bin/probe")
    for module in FRONTS:
        tools.take(f"{drivers}/{module}", f"{tree}/modules/{os.path.basename(module)}")
    shutil.copy(f"{HERE}/init-guest", f"{tree}/init")
    pack(tree, out)


def add_to_dom0(tools, drivers, tree):
    """What dom0 needs for it; its init loads the modules before it starts the guest."""
    guest_initramfs(tools, drivers, f"{tree}/talk-initramfs")
    for module in BACKS:
        tools.take(f"{drivers}/{module}", f"{tree}/modules/{os.path.basename(module)}")
    os.makedirs(f"{tree}/etc/xen/scripts", exist_ok=True)
    for name, text in SCRIPTS.items():
        with open(f"{tree}/{name}", "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(f"{tree}/{name}", 0o755)
    with open(f"{tree}/talk.cfg", "w", encoding="ascii") as file:
        file.write(CONFIG)
