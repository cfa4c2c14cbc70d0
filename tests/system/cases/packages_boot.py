# SPDX-License-Identifier: GPL-2.0-or-later
"""An administrator installs Diptych's packages on a Debian that boots by GRUB, beside Debian's own Xen: their scripts alone
bring it into GRUB's menu; the disk boots into dom0, where a pair runs; purged there, GRUB has Debian and Xen as before."""
import os
import shutil
import subprocess

from bed import answering_disk
from bed.images import image
from bed.output import Failed
from bed.packages import TOP

from .dom0_boot import Booted, install

STEPS = """
	export DEBIAN_FRONTEND=noninteractive
	grub-install --target=i386-pc /dev/vda
	dpkg -i /var/debs/xen/*.deb
	update-grub
	grep -q xen-4.17 /boot/grub/grub.cfg
	if grep diptych /boot/grub/grub.cfg; then exit 1; fi
	cp /boot/grub/grub.cfg /root/before.cfg
	dpkg -i /var/debs/diptych/*.deb
	grep -q 'multiboot2.*/boot/diptych-core' /boot/grub/grub.cfg
	grep -q xen-4.17 /boot/grub/grub.cfg
"""
PAIR = """name = "one"
type = "hvm"
memory = 32
vcpus = 1
serial = "pty"
disk = [ "/root/one.img,raw,vda,w" ]
"""


def packages(folder):
    """Ours, of this tree, and Debian's, in a tree for the disk."""
    there, log = f"{folder}/root/var/debs", f"{folder}/packages.log"
    shutil.copytree(image("xen-packages"), f"{there}/xen")
    with open(log, "wb") as file:
        done = subprocess.run([f"{TOP}/build-aux/packages.sh", f"{there}/diptych"], stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                              env={**os.environ, "DEB_BUILD_OPTIONS": "nocheck"}, check=False)
    if done.returncode:
        raise Failed(f"the packages are not built: {log}")
    return f"{folder}/root"


def pair(booted):
    """By the packages' own tools, to its guest's word on the serial line."""
    sector = answering_disk.SECTOR.hex()
    booted.ssh(f"printf \"$(echo {sector} | sed 's/../\\\\x&/g')\" >/root/one.img; truncate -s 1M /root/one.img\n"
               f"cat >/root/one.cfg <<'END'\n{PAIR}END\nsystemctl start xen.service; dxl create /root/one.cfg")
    # The line is the shell's terminal then: it would go with the guest.
    booted.ssh("exec 3<>$(xenstore-read /local/domain/$(xl domid one.fd)/console/tty); stty raw -echo <&3; "
               "timeout --foreground 300 grep -m 1 READY <&3 || "
               "{ xl list; tail -n 20 /var/log/diptych/*; xl dmesg | tail -n 20; exit 1; } >&2")
    booted.ssh("dxl destroy one")


def run(bed):
    folder = os.path.join(bed.logs, "packages-boot")
    os.makedirs(folder)
    disk = install(bed, folder, packages(folder), STEPS)
    booted = Booted(bed, f"{folder}/bios", disk, False)
    with booted.machine:
        booted.check()
        pair(booted)
        booted.ssh("dpkg -P $(dpkg-query -W -f '${Package}\\n' '*diptych*')")
        booted.ssh("diff /root/before.cfg /boot/grub/grub.cfg >&2")
