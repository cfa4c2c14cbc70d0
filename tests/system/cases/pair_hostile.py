# SPDX-License-Identifier: GPL-2.0-or-later
"""A fidelity domain that attacks everybody gets errors only, and ends itself alone; a real guest that attacks its devices
kills at most its own pair: the core stays up, keeps its invariant, and neither another pair nor a PVH domain notices."""
import os
import re

from bed import hostile, initramfs
from bed.machine import Setup
from bed.output import Failed

from .guest import disk_kernel, log_in_and_look
from .pvh import config
from .traffic import DOM0, bridge_up, command, lease, listen

REAL = """name = "real1"
type = "hvm"
memory = 256
vcpus = 2
serial = "pty"
disk = [ "phy:/dev/vdc,xvda,w" ]
vif = [ "bridge=xenbr0" ]
"""
# Debian's kernel and the hostile program where QEMU should be.
BAD = """name = "bad1"
type = "hvm"
memory = 64
vcpus = 1
serial = "pty"
stubdomain_kernel = "/var/lib/guests/vmlinux"
stubdomain_ramdisk = "/tmp/bad-initramfs"
stubdomain_cmdline = "console=hvc0 quiet"
stubdomain_memory = 192
"""
INIT = """#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox insmod /hostile_kernel.ko
/hostile fidelity {count} {seed}
/hostile fidelity-end
/bin/busybox sleep 1000
"""
SEED = 1
# What a guest does to itself: attack, how often for ./check and for --full, how many seconds it has for that.  Some break its
# own machine (random MSRs by a new TSC when kvmclock's register is off): then it is made again for the next one; what surely does comes last.
ATTACKS = [("instructions", 3000, 300000, 60), ("memory", 1000, 100000, 30), ("msrs", 3000, 300000, 20), ("ports", 3000, 300000, 20)]


def still_there(*consoles):
    for console in consoles:
        console.send("echo still-$((40+2))\n")
        console.expect(r"still-42", 120)


def bad_fidelity(bed, dom0, image):
    with open(image, "rb") as file:
        dom0.run("cat >/tmp/bad-initramfs", stdin=file.read())
    dom0.write("/tmp/bad1.cfg", BAD)
    before = len(dom0.machine.serial.text())
    dom0.run("dxl create /tmp/bad1.cfg", within=600)
    console = dom0.dialogue("bad1", "dxl console bad1")
    said = console.expect(r"([\s\S]*)fidelity: (\d+) wrong", 600)
    if said.group(2) != "0":
        raise Failed(f"a fidelity domain got what is not its own:\n{said.group(1)[-3000:]}")
    tried = re.search(r"(\d+) calls by a fidelity domain", said.group(1))
    if not tried or int(tried.group(1)) < 3000:
        raise Failed(f"the hostile fidelity domain tried too little:\n{said.group(1)[-2000:]}")
    bed.figure(f"pair-hostile: {tried.group(0)}")
    dom0.machine.serial.wait(r"d\d+ crashed: access to guest physical address 0x30000000", 120, dom0.machine.working, before)
    console.close()
    dom0.run("for i in $(seq 60); do xl list | grep -q '^bad1' || exit 0; sleep 1; done; dxl destroy bad1", within=300)


def start_real(bed, dom0, sight):
    dom0.run("dxl create /tmp/real1.cfg", within=600)
    console = dom0.dialogue(f"real{sight}", "dxl console real1")
    log_in_and_look(console, disk_kernel(bed))
    return console


def fetch(dom0, console):
    """The hostile program, into the guest."""
    lease(console)
    listen(dom0, 7003, "FILE:/tmp/hostile TCP-LISTEN:7003,reuseaddr")
    command(console, f"modprobe msr; cat </dev/tcp/{DOM0}/7003 >/root/hostile; chmod 755 /root/hostile", "fetched", 300)


def attack(bed, console, name, number, seconds):
    """Whether the guest lives on; whether it began is seen in any case."""
    console.send(f"echo beg''un; /root/hostile guest-{name} {number} {bed.seed or SEED}; echo att''acked\n")
    console.expect(r"begun\s", 120)
    try:
        said = console.expect(r"([\s\S]*)attacked", seconds).group(1)
        still_there(console)
    except Failed:
        # It has broken itself: its affair, as long as it alone is broken.
        bed.figure(f"pair-hostile: the guest did not survive guest-{name}")
        return False
    done = re.search(r"\d+ (ports|accesses to device memory|MSR accesses|instructions)", said)
    # QEMU's processor has faults that Linux ends a program for.
    bed.figure(f"pair-hostile: the guest survived guest-{name}: " + (done.group(0) if done else "Linux ended the program"))
    return True


def bad_guest(bed, dom0, console, pvh):
    fetch(dom0, console)
    for name, number, full, seconds in ATTACKS:
        if not console:
            console = start_real(bed, dom0, name)
            fetch(dom0, console)
        lives = attack(bed, console, name, full if bed.full else number, seconds * 10 if bed.full else seconds)
        still_there(pvh)
        if not lives:
            console.close()
            console = None
            dom0.run("dxl destroy real1", within=300)
    still_there(pvh)
    if console:
        console.close()
        dom0.run("dxl destroy real1", within=300)


def unknown_instruction(bed, dom0):
    """One that the emulator has not, at device memory: the guest crashes, its bytes are told, on_crash is honoured."""
    dom0.run("echo 'on_crash = \"preserve\"' >>/tmp/real1.cfg; : >/var/log/diptych/real1.log; dxl create /tmp/real1.cfg", within=600)
    console = dom0.dialogue("real-unknown", "dxl console real1")
    log_in_and_look(console, disk_kernel(bed))
    fetch(dom0, console)
    console.send("/root/hostile guest-unknown\n")
    dom0.run("for i in $(seq 120); do grep -q 'both panels are kept' /var/log/diptych/real1.log && exit; sleep 1; done; exit 1", within=300)
    console.close()
    said = dom0.run("cat /var/log/diptych/real1.log; dxl list real1")
    if not re.search(r"has ended: crash[\s\S]*no emulation of dd 0[\s\S]*\nreal1 .* \S*c\S* ", said):
        raise Failed(f"of an instruction that is not emulated it was said:\n{said}")
    dom0.run("dxl destroy real1", within=300)


def run(bed):
    dom0 = bed.dom0(Setup(name="smp2", cpus=2))
    bridge_up(dom0)
    program, module = hostile.build(bed.kernel_version(), os.path.join(dom0.folder, "hostile"))
    init = INIT.format(count=200000 if bed.full else 3000, seed=bed.seed or SEED)
    image = initramfs.make(os.path.join(dom0.folder, "bad"), init, [(program, "hostile"), (module, "hostile_kernel.ko")])
    with open(program, "rb") as file:
        dom0.run("cat >/tmp/hostile", stdin=file.read())
    dom0.write("/tmp/pvh1.cfg", config("pvh1"))
    dom0.run("xl create /tmp/pvh1.cfg", within=300)
    pvh = dom0.dialogue("pvh1", "xl console pvh1")
    pvh.expect(r"pvh-guest# ", 300, nudge="\n")
    dom0.write("/tmp/real1.cfg", REAL)
    real = start_real(bed, dom0, 1)
    bad_fidelity(bed, dom0, image)
    still_there(pvh, real)
    bad_guest(bed, dom0, real, pvh)
    unknown_instruction(bed, dom0)
    still_there(pvh)
    pvh.close()
    dom0.run("xl destroy pvh1", within=300)
    if dom0.domains() != ["Domain-0"]:
        raise Failed("`xl list` still shows a domain after all were destroyed")
