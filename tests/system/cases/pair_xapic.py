# SPDX-License-Identifier: GPL-2.0-or-later
"""A Linux that uses its local APIC by memory, as all 32-bit ones and those with `nox2apic` do: timers, the serial line's
interrupt and sleep go on, though such a guest is offered the interrupts' paravirtual end, too.  It is booted from qcow2 on IDE."""
import os
import subprocess

from bed import grub_disk, initramfs
from bed.output import Failed

CONFIG = """name = "xapic1"
type = "hvm"
memory = 128
vcpus = 1
serial = "pty"
vga = "none"
disk = [ "/tmp/xapic.img,qcow2,hda,w" ]
"""
GRUB = "set timeout=0\nlinux /vmlinuz console=ttyS0 quiet nox2apic\ninitrd /initramfs\nboot\n"
INIT = """#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox --install -s /bin
export PATH=/bin PS1='xapic# '
exec setsid cttyhack sh
"""
SLEEPS = 50


def disk(bed, folder):
    raw = grub_disk.make(os.path.join(folder, "disk"), GRUB,
                         {"vmlinuz": f"{bed.images.dom0}/vmlinuz", "initramfs": initramfs.make(folder, INIT)}, 32, ["linux"])
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", raw, f"{raw}.qcow2"], check=True)
    return f"{raw}.qcow2"


def asked(console, text, pattern, within):
    console.send(f"{text}\n")
    return console.expect(pattern, within)


def run(bed):
    dom0 = bed.dom0()
    with open(disk(bed, os.path.join(bed.logs, "xapic")), "rb") as file:
        dom0.run("cat >/tmp/xapic.img", stdin=file.read())
    dom0.write("/tmp/xapic1.cfg", CONFIG)
    dom0.run("dxl create /tmp/xapic1.cfg", within=600)
    console = dom0.dialogue("xapic1", "dxl console xapic1")
    console.expect(r"xapic# ", 600)
    # Linux takes the flag away where it leaves x2APIC alone.
    flags = asked(console, "echo apic:$(grep -cw apic /proc/cpuinfo):$(grep -cw x2apic /proc/cpuinfo)", r"apic:(\d+):(\d+)\s", 120)
    if flags.groups() != ("1", "0"):
        raise Failed(f"the guest does not use its APIC by memory: {flags.group(0)}")
    before, after = (int(asked(console, text, r"loc:(\d+)\s", 120).group(1)) for text in (
        "echo loc:$(awk '/^ *LOC:/ {print $2}' /proc/interrupts)",
        f"for i in $(seq {SLEEPS}); do usleep 20000; done; echo loc:$(awk '/^ *LOC:/ {{print $2}}' /proc/interrupts)"))
    if after < before + SLEEPS:
        raise Failed(f"{SLEEPS} sleeps took {after - before} interrupts of the timer")
    console.close()
    bed.figure(f"pair-xapic: {after - before} timer interrupts in {SLEEPS} sleeps")
    dom0.run("dxl destroy xapic1; rm /tmp/xapic.img", within=300)
