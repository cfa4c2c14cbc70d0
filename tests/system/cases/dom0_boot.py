# SPDX-License-Identifier: GPL-2.0-or-later
"""An administrator installs Diptych on a Debian disk by `make install`, update-grub and grub-install, and the machine
boots from that disk through GRUB into dom0, which shows its console on the screen: on a BIOS, and with --full on UEFI."""
import os
import re
import shutil
import subprocess
import time

from bed.bare import Bare
from bed.images import image
from bed.machine import free_port
from bed.output import PATIENCE, Failed, tail
from bed.payload import make_payload

FIRMWARE = "/usr/share/OVMF/OVMF_CODE_4M.fd"
VARIABLES = "/usr/share/OVMF/OVMF_VARS_4M.fd"

# bochs: the emulated card's own driver, which would not need what the core tells of the screen.
SETTINGS = """GRUB_DEFAULT=diptych
GRUB_TIMEOUT=0
GRUB_DISTRIBUTOR=Debian
GRUB_DISABLE_LINUX_UUID=true
GRUB_CMDLINE_LINUX="net.ifnames=0 modprobe.blacklist=bochs"
GRUB_CMDLINE_DIPTYCH="console=com1,vga dom0_mem=1G,max:1G loglvl=all"
GRUB_CMDLINE_LINUX_DIPTYCH="console=tty0 console=hvc0"
"""
# As the machine's init, where an installer's rescue shell would be: {steps}, until one fails, then off.
INSTALL = """#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
say() {{ echo "install: $*"; }}
cat >/root/steps <<'STEPS'
{steps}
STEPS
if sh -ex /root/steps 2>&1; then say done; else say failed; fi
sync
mount -o remount,ro /
# In memory before the disk goes: a program that init could not load any more would end init, and the kernel would panic.
sleep 1000 &
echo o >/proc/sysrq-trigger
wait
"""
BY_MAKE = """
	# What the kernel package runs when it is installed: our hook first, then GRUB's own.
	run-parts --arg="$(uname -r)" --arg="/boot/vmlinuz-$(uname -r)" /etc/kernel/postinst.d --regex=diptych
	ls -l /boot
	grub-install --target=i386-pc /dev/vda
	modprobe vfat
	mkdir -p /boot/efi
	mount -t vfat -o iocharset=ascii /dev/vda2 /boot/efi
	grub-install --target=x86_64-efi --efi-directory=/boot/efi --removable --no-nvram
	umount /boot/efi
	update-grub
"""


def install(bed, folder, root, steps):
    """Boots the disk's Debian without Diptych, with the files of `root` over it; there, what an administrator does.
    Returns the disk."""
    base, dom0 = image("disk") + "/disk.img", bed.images.dom0
    disk, payload = f"{folder}/disk.qcow2", f"{folder}/payload.tar"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", base, disk], check=True)
    make_payload(root, payload, [("etc/default/grub", 0o644, SETTINGS), ("root/install", 0o755, INSTALL.format(steps=steps))])
    argv = ["-kernel", f"{dom0}/vmlinuz", "-initrd", f"{dom0}/initramfs",
            "-append", "root=/dev/vda3 init=/root/install console=ttyS0 quiet",
            "-drive", f"file={disk},format=qcow2,if=virtio,cache=unsafe",
            "-drive", f"file={payload},format=raw,if=virtio,snapshot=on"]
    with Bare(f"{folder}/install", argv, cpu="max") as machine:
        words = machine.wait(r"install: (done|failed)|init: (cannot|the payload could not).*", 300)
        if words.group(0) != "install: done":
            raise Failed(f"the installation failed ({machine.lines[0].path}):\n{tail(machine.lines[0].text(), 40)}")
        machine.wait_end()
    return disk


class Booted:
    """A machine that boots from the installed disk."""

    def __init__(self, bed, folder, disk, uefi, memory_mib=2048):
        os.makedirs(folder)
        self.bed, self.uefi, self.port = bed, uefi, free_port()
        argv = ["-drive", f"file={disk},format=qcow2,if=virtio,snapshot=on",
                "-netdev", f"user,id=net0,restrict=on,hostfwd=tcp:127.0.0.1:{self.port}-:22",
                "-device", "virtio-net-pci,netdev=net0,romfile="]
        if uefi:
            shutil.copy(VARIABLES, f"{folder}/variables.fd")
            argv += ["-drive", f"if=pflash,format=raw,readonly=on,file={FIRMWARE}",
                     "-drive", f"if=pflash,format=raw,file={folder}/variables.fd"]
        self.machine = Bare(folder, argv, memory_mib=memory_mib, cpus=bed.cpus)

    def ssh(self, command):
        argv = ["ssh", "-F", "/dev/null", "-i", f"{self.bed.images.dom0}/id", "-p", str(self.port), "-o", "BatchMode=yes",
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
                "-o", "ConnectTimeout=120", "root@127.0.0.1", command]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=300 * PATIENCE, check=False)
        if done.returncode != 0:
            raise Failed(f"`{command}` in dom0: {done.stderr.decode()}\n{tail(self.machine.lines[0].text())}")
        return done.stdout.decode()

    def check(self):
        machine = self.machine
        start = time.monotonic()
        machine.wait(r"dom0-ready|\(core\) (panic|cannot start).*\n|Kernel panic.*\n", 600)
        if "dom0-ready" not in machine.lines[0].text():
            raise Failed(f"dom0 does not come up:\n{tail(machine.lines[0].text())}")
        took = time.monotonic() - start
        for command, words in (("cat /proc/xen/capabilities", "control_d"), ("xl list", "Domain-0"),
                               ("findmnt -no SOURCE /", "/dev/vda3"), ("cat /proc/cmdline", "root=/dev/vda3"),
                               ("xl info xen_commandline", "dom0_mem=1G,max:1G"),
                               ("xl dmesg", "the protection layer's invariant holds"),
                               ("xl dmesg", "multiboot2")):
            said = self.ssh(command)
            if words not in said:
                raise Failed(f"`{command}` in dom0 does not say {words}:\n{said}")
        self.screen()
        return took

    def screen(self):
        """dom0's kernel writes on the screen that the core has told it of: words on a BIOS, pixels on UEFI."""
        said = self.ssh("dmesg")
        self.ssh("echo '<1>diptych on the screen' >/dev/kmsg")
        if not self.uefi:
            shown = self.machine.screen(scrolled=True)
            if "diptych on the screen" not in shown or not re.search(r"Console: colour VGA\+ 80x25", said):
                raise Failed(f"dom0's text screen shows:\n{shown[:4000]}")
            return
        if not re.search(r"efifb: mode is|fb0: EFI VGA frame buffer|simple-framebuffer", said):
            raise Failed("dom0's kernel found no framebuffer:\n" + "\n".join(l for l in said.splitlines() if "fb" in l))
        width, height, lit, colours = self.machine.picture()
        if width < 640 or height < 480 or lit < 1000 or colours < 2:
            raise Failed(f"dom0's framebuffer is empty: {width} by {height}, {lit} pixels lit, {colours} colours")


def run(bed):
    folder = os.path.join(bed.logs, "dom0-boot")
    os.makedirs(folder)
    disk = install(bed, folder, bed.root, BY_MAKE)
    for name, uefi in (("bios", False), ("uefi", True)):
        if uefi and not bed.full:
            continue
        booted = Booted(bed, f"{folder}/{name}", disk, uefi)
        with booted.machine:
            took = booted.check()
        bed.figure(f"dom0-boot: from GRUB on {name} to ssh: {took:.0f} s")
    # The same disk in a machine that is too small: GRUB loads the core, and the core says what is wrong.
    small = Booted(bed, f"{folder}/small", disk, False, memory_mib=512)
    with small.machine as machine:
        machine.wait(r"cannot start: too little memory: there is no free RAM at 768 MiB.*Halted", 120)
        machine.wait_halted()
