# SPDX-License-Identifier: GPL-2.0-or-later
"""Gives a guest the front ends of disk and network, which Debian builds as modules and which no initramfs of the test
bed holds: as its administrator would, from its own kernel's package, in dom0."""
from .traffic import busybox

INITRAMFS = "/tmp/fronts-initramfs"
# $1: folder of the kernel's modules.  Newer kernels' are compressed.
GIVE = """
give() {
	mkdir -p modules && for name in block/xen-blkfront net/xen-netfront; do
		if [ -e $1/kernel/drivers/$name.ko.xz ]; then xz -dc $1/kernel/drivers/$name.ko.xz >modules/${name#*/}.ko
		else cp $1/kernel/drivers/$name.ko modules/; fi || return
	done
}
"""


def pvh_initramfs(dom0):
    """Path of the PVH guest's initramfs with both in /modules; its kernel is dom0's own."""
    busybox(dom0)
    dom0.run(f"""set -e{GIVE}
rm -rf /tmp/fronts && mkdir /tmp/fronts && cd /tmp/fronts && give /lib/modules/$(uname -r)
find . | /tmp/busybox cpio -o -H newc 2>/dev/null | cat /var/lib/guests/pvh-initramfs - >{INITRAMFS}""")
    return INITRAMFS


def disk_initramfs(dom0, root):
    """The initramfs of the real guest's disk, mounted at `root`, loads the disk's front end; the network's is loaded
    by systemd."""
    busybox(dom0)
    dom0.run(f"""set -e{GIVE}
rm -rf /tmp/fronts && mkdir /tmp/fronts && cd /tmp/fronts
/tmp/busybox cpio -i -d <{root}/boot/initramfs 2>/dev/null
give {root}/lib/modules/*
rm modules/xen-netfront.ko && echo xen-blkfront.ko >>modules/order
find . | /tmp/busybox cpio -o -H newc 2>/dev/null >{root}/boot/initramfs
echo xen-netfront >{root}/etc/modules-load.d/xen.conf
cd / && rm -rf /tmp/fronts""")
