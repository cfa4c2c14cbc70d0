# SPDX-License-Identifier: GPL-2.0-or-later
"""A plain PVH guest whose kernel attacks: each call that names a domain, on each domain, then random calls, privileged
instructions, MSRs and ports.  Everything is refused; dom0 and a neighbour that uses its disk do not notice, have the
domains, ports and bytes that they had, and the core keeps its invariant.  What it does not survive ends it alone."""
import os
import re

from bed import hostile
from bed.output import Failed

from .fronts import pvh_initramfs
from .pvh import config
from .traffic import busybox

IMAGE = "/tmp/hostile-initramfs"
# attack, number for ./check and for --full, what it must say and at least how often.
ATTACKS = [
    ("neighbours", "", "", r"(\d+) calls by domain \d+", 30000),
    ("instructions", "", "", r"(\d+) instructions", 2000),
    ("random", "40000 {seed}", "1000000 {seed}", r"(\d+) random calls", 30000),
    ("msrs", "2000 {seed}", "200000 {seed}", r"(\d+) MSR accesses", 50000),
    ("ports", "", "", r"(\d+) port accesses", 200),
]


def start(dom0, name, ramdisk, more=""):
    dom0.write(f"/tmp/{name}.cfg", config(name).replace("/var/lib/guests/pvh-initramfs", ramdisk) + more)
    dom0.run(f"xl create -q /tmp/{name}.cfg", within=300)
    console = dom0.dialogue(name, f"xl console {name}")
    console.expect(r"pvh-guest# ", 300, nudge="\n")
    return console


def give(dom0, path, name):
    with open(path, "rb") as file:
        dom0.run(f"cat >/tmp/attack/{name} && chmod 755 /tmp/attack/{name}", stdin=file.read())


def typed(console, command, answer, within=120):
    """The echo of what is typed is not the answer."""
    console.send(f"echo a$((40 + 2)):$({command})\n")
    return console.expect("a42:" + answer, within).group(0)


class World:
    """What the attack must leave as it is."""

    def __init__(self, dom0, near):
        self.dom0, self.near = dom0, near
        self.number = dom0.run("xl domid near").strip()
        typed(near, "insmod /modules/xen-blkfront.ko && head -c 1000000 /dev/urandom >/kept && echo kept", r"kept\s", 300)
        self.before = self.now()

    def now(self):
        # What is read from the disk is new each time: the page cache is dropped first.
        seen = typed(self.near, "echo 3 >/proc/sys/vm/drop_caches; head -c 4000000 /dev/xvda | cat - /kept | sha256sum; nproc; "
                     "grep MemTotal /proc/meminfo", r"[0-9a-f]{64}[^\n]*kB")
        said = self.dom0.ask_core("i", r"\(core\) the protection layer's invariant .*").splitlines()[0]
        if " holds" not in said:
            raise Failed(f"the core says: {said}")
        self.dom0.run("xl dmesg -c >/dev/null")
        self.dom0.ask_core("e", r"\(core\) d0 port \d+.*")
        ports = re.findall(rf"\(core\) (d(?:0|{self.number}) port \d+: \S+)", self.dom0.run("xl dmesg -c"))
        listed = [line.split()[:4] for line in self.dom0.run("xl list").splitlines()]
        return {"neighbour": seen, "ports": sorted(ports), "domains": listed}

    def must_be_as_before(self, why):
        now = self.now()
        wrong = {name: (value, now[name]) for name, value in self.before.items() if now[name] != value}
        if wrong:
            raise Failed(f"{why}: {wrong}")


def attack(bed, dom0, bad, name, numbers, words, least):
    bad.send(f"/hostile pvh-{name} {numbers}; echo att''acked\n")
    said = bad.expect(rf"([\s\S]*){name}: (\d+) wrong[\s\S]*attacked", 36000 if bed.full else 900)
    if said.group(2) != "0":
        raise Failed(f"hostile pvh-{name} {numbers}:\n{said.group(1)[-3000:]}")
    tried = re.search(words, said.group(1))
    if not tried or int(tried.group(1)) < least:
        raise Failed(f"hostile pvh-{name} tried too little, {least} wanted:\n{said.group(1)[-2000:]}")
    bed.figure(f"pvh-hostile: {name} {numbers}: {tried.group(0)}")


def run(bed):
    dom0 = bed.dom0()
    busybox(dom0)
    program, module = hostile.build(bed.kernel_version(), os.path.join(dom0.folder, "hostile"))
    dom0.run("rm -rf /tmp/attack && mkdir /tmp/attack")
    give(dom0, program, "hostile")
    give(dom0, module, "hostile_kernel.ko")
    dom0.run("cd /tmp/attack && find . | /tmp/busybox cpio -o -H newc 2>/dev/null | cat /var/lib/guests/pvh-initramfs - "
             f">{IMAGE}")
    near = start(dom0, "near", pvh_initramfs(dom0), 'disk = [ "phy:/dev/vdc,xvda,r" ]\n')
    bad = start(dom0, "bad", IMAGE)
    typed(bad, "insmod /hostile_kernel.ko && echo loaded", r"loaded\s")
    world = World(dom0, near)
    before = len(dom0.machine.serial.text())
    for name, small, large, words, least in ATTACKS:
        attack(bed, dom0, bad, name, (large if bed.full else small).format(seed=bed.seed or 1), words, least)
        world.must_be_as_before(f"after hostile pvh-{name}")
    if "NOT-TO-BE-SEEN" in dom0.machine.serial.text()[before:]:
        raise Failed("a guest writes to the core's console")
    # It reads what is not in its map: that is its end.
    bad.send("/hostile pvh-end\n")
    dom0.machine.serial.wait(r"d\d+ crashed: access to guest physical address 0x30000000", 120, dom0.machine.working, before)
    dom0.run("for i in $(seq 60); do xl list | grep -q '^bad' || exit 0; sleep 1; done; exit 1", within=300)
    bad.close()
    world.before["domains"] = [line for line in world.before["domains"] if line[0] != "bad"]
    del world.before["ports"]  # dom0 has closed those that led to it
    world.must_be_as_before("after the attacker's end")
    near.close()
    dom0.run("xl destroy near")
