# SPDX-License-Identifier: GPL-2.0-or-later
"""AVX, on a machine that has it: dom0, a PVH guest, a real guest and its fidelity domain see it and keep their registers, each
its own, while they take turns on one processor; the real guest moves YMM registers to and from device memory, which is
emulated; images of its registers that cannot be loaded do no harm to its fidelity domain.  By QEMU 10 only: 7.2 does not intercept XSETBV."""
import gzip
import os
import re
import shutil
import subprocess

from bed import grub_disk, initramfs
from bed.machine import Setup
from bed.output import Failed

SOURCE = os.path.join(os.path.dirname(__file__), "../programs/ymm.c")
REAL = """name = "avx1"
type = "hvm"
memory = 128
vcpus = 1
serial = "pty"
vga = "none"
disk = [ "/tmp/avx.img,raw,xvda,w" ]
stubdomain_ramdisk = "/tmp/avx-fidelity"
stubdomain_memory = 96
"""
PVH = """name = "avx2"
type = "pvh"
kernel = "/var/lib/guests/vmlinux"
ramdisk = "/tmp/avx-initramfs"
extra = "console=hvc0 quiet"
memory = 128
vcpus = 1
"""
GRUB = "set timeout=0\nlinux /vmlinuz console=ttyS0 quiet\ninitrd /initramfs\nboot\n"
INIT = """#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox --install -s /bin
export PATH=/bin PS1='avx# '
exec setsid cttyhack sh
"""
SECONDS = 30
# Of each: what two processes looked at, and how often another one ran meanwhile.
ROUNDS, GAPS = 20, 20
SEEN = "xsave=1,osxsave=1,avx=1,avx2=1,xcr0=7,components=7,bytes=832,most=832,avx-at=576+256,xsaves=0"


def fidelity_with(bed, program, folder):
    """The fidelity domain's own image, and the program beside its init."""
    ours, tree, path = f"{bed.root}/usr/lib/x86_64-linux-gnu/diptych/fidelity/initramfs", os.path.join(folder, "over"), os.path.join(folder, "fidelity")
    os.makedirs(tree)
    with gzip.open(ours) as packed:
        subprocess.run(["cpio", "--quiet", "-i", "-D", tree, "init", "./init"], input=packed.read(), check=True)
    os.rename(f"{tree}/init", f"{tree}/init.real")
    shutil.copy(program, f"{tree}/init")
    initramfs.archive(tree, f"{path}.over")
    with open(path, "wb") as file:
        for part in (ours, f"{path}.over"):
            with open(part, "rb") as source:
                shutil.copyfileobj(source, file)
            file.write(bytes(-file.tell() % 4))
    return path


def put(dom0, source, path):
    with open(source, "rb") as file:
        dom0.run(f"cat >{path}", stdin=file.read(), within=300)


def kept(who, match):
    rounds, gaps, wrong = (int(text) for text in match.groups())
    if wrong:
        raise Failed(f"{who}: {wrong} registers had changed in {rounds} rounds")
    if rounds < ROUNDS or gaps < GAPS:
        raise Failed(f"{who}: too little was tried: {rounds} rounds, interrupted {gaps} times")
    return f"{who} {rounds} rounds, interrupted {gaps} times"


def seen(who, said):
    found = re.search(r"ymm-cpuid:(\S+)", said)
    if not found or found.group(1) != SEEN:
        raise Failed(f"{who} sees {found.group(1) if found else said}\n    instead of {SEEN}")


def call(console, digit):
    """How often the guest's registers changed meanwhile."""
    console.send(f"ymm call {digit}\n")
    return int(console.expect(r"ymm-called:(\d+)\s", 120).group(1))


def all_at_once(bed, dom0, real, pvh):
    """Each keeps its registers while all the others keep theirs."""
    if call(real, 1):
        raise Failed("the real guest's registers change, though nobody else uses AVX")
    for name, console in (("real", real), ("pvh", pvh)):
        console.send(f"ymm keep {SECONDS} {name}\n")
    said = dom0.run(f"/tmp/ymm keep {SECONDS} dom0", within=600)
    pattern = r"ymm-kept:{}:(\d+):(\d+):(\d+)\s"
    results = [kept("dom0", re.search(pattern.format("dom0"), said))]
    results.append(kept("PVH guest", pvh.expect(pattern.format("pvh"), 600)))
    results.append(kept("real guest", real.expect(pattern.format("real"), 600)))
    real.send("ymm call 2\n")
    results.append(kept("fidelity domain", real.expect(pattern.format("fidelity"), 120)))
    for line in results:
        bed.figure(f"pair-avx: {line}")


def spoiled(bed, dom0):
    """The page of a vCPU's registers is written by user space: what the processor refuses to load costs the guest its registers
    only.  That it was refused is seen by the guest's registers, that the fidelity kernel lives on by all that comes after."""
    dom0.write("/tmp/avx1.cfg", REAL + 'stubdomain_cmdline = "console=null quiet oops=panic spoil"\n')
    dom0.run("dxl create /tmp/avx1.cfg", within=600)
    console = dom0.dialogue("avx1-spoiled", "dxl console avx1")
    console.expect(r"avx# ", 600)
    wrong = call(console, 1)
    console.send("ymm call 2\n")
    written = int(console.expect(r"ymm-spoiled:(\d+)\s", 120).group(1))
    if written < 30 or not wrong:
        raise Failed(f"{written} bad images were written, the guest's registers had changed {wrong} times by that")
    console.send("echo still-$((40+2))\n")
    console.expect(r"still-42", 120)
    console.close()
    bed.figure(f"pair-avx: {written} bad images of its registers: the guest's registers went wrong {wrong} times, nothing else")
    dom0.run("dxl destroy avx1", within=300)


def run(bed):
    folder = os.path.join(bed.logs, "avx")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    program = os.path.join(folder, "ymm")
    subprocess.run(["gcc", "-std=gnu11", "-O2", "-static", "-Wall", "-Wextra", "-o", program, SOURCE], check=True)
    ramdisk = initramfs.make(os.path.join(folder, "guest"), INIT, [(program, "bin/ymm")])
    disk = grub_disk.make(os.path.join(folder, "disk"), GRUB, {"vmlinuz": f"{bed.images.dom0}/vmlinuz", "initramfs": ramdisk}, 32, ["linux"])
    dom0 = bed.dom0(Setup(name="avx", cpus=1, avx=True))
    for source, path in ((program, "/tmp/ymm"), (ramdisk, "/tmp/avx-initramfs"), (disk, "/tmp/avx.img"),
                         (fidelity_with(bed, program, folder), "/tmp/avx-fidelity")):
        put(dom0, source, path)
    dom0.run("chmod +x /tmp/ymm; grep -qw avx2 /proc/cpuinfo")
    seen("dom0", dom0.run("/tmp/ymm cpuid"))
    dom0.write("/tmp/avx1.cfg", REAL)
    dom0.write("/tmp/avx2.cfg", PVH)
    dom0.run("xl create /tmp/avx2.cfg", within=300)
    pvh = dom0.dialogue("avx2", "xl console avx2")
    pvh.expect(r"avx# ", 300, nudge="\n")
    dom0.run("dxl create /tmp/avx1.cfg", within=600)
    real = dom0.dialogue("avx1", "dxl console avx1")
    real.expect(r"avx# ", 600)
    for who, console in (("the PVH guest", pvh), ("the real guest", real)):
        console.send("grep -cw avx2 /proc/cpuinfo; ymm cpuid\n")
        seen(who, console.expect(r"\s1\s+ymm-cpuid:\S+\s", 120).group(0))
    # Its disk.
    real.send("ymm device $(dirname $(grep -lx 0x010000 /sys/bus/pci/devices/*/class))/resource1\n")
    moves, wrong = real.expect(r"ymm-device:(\d+):(\d+)\s", 120).groups()
    if int(wrong) or int(moves) < 20:
        raise Failed(f"of {moves} moves to and from device memory {wrong} went wrong")
    bed.figure(f"pair-avx: {moves} moves to and from device memory")
    all_at_once(bed, dom0, real, pvh)
    real.close()
    pvh.close()
    dom0.run("dxl destroy avx1; xl destroy avx2", within=300)
    spoiled(bed, dom0)
    dom0.run("rm /tmp/avx*")
