# SPDX-License-Identifier: GPL-2.0-or-later
"""PVH guests of several kinds, each a Debian at multi-user, by stock `xl`: Debian's cloud kernel with its root on a file (stock
`block` script, loop device) and 2 vCPUs; with --full beside it one that `pygrub` starts from a disk and one with the kernel
of backports, side by side, all on 1 and then on 2 vCPUs.  They move data at the same time, over network and disk; what
comes back must be what went."""
from bed.images import image
from bed.output import Failed

from .guest import disk_kernel, log_in_and_look
from .traffic import DOM0, bridge_up, lease
from .xl_debian import prepare_root

MIB, MIB_FULL, PART_MIB = 16, 128, 16
FILE = "/var/tmp/side.img"


class System:
    """boot: the lines of a configuration that say which kernel; version: what `uname -r` must say."""

    def __init__(self, name, boot, disk, version):
        self.name, self.boot, self.disk, self.version = name, boot, disk, version
        self.console = None

    def config(self, vcpus):
        return f"""name = "{self.name}"
type = "pvh"
{self.boot}
memory = 256
vcpus = {vcpus}
disk = [ "{self.disk},raw,xvda,w" ]
vif = [ "bridge=xenbr0" ]
"""


def give(dom0, path, to):
    with open(path, "rb") as file:
        dom0.run(f"cat >{to}", stdin=file.read(), within=300)


def kernel_outside(dom0, name, disk):
    """A guest whose kernel and initramfs lie in dom0."""
    folder = image("pvh", name)
    for part in ("vmlinuz", "initramfs"):
        give(dom0, f"{folder}/{part}", f"/var/tmp/{name}-{part}")
    with open(f"{folder}/version", encoding="ascii") as file:
        version = file.read().strip()
    return System(name, f"""kernel = "/var/tmp/{name}-vmlinuz"
ramdisk = "/var/tmp/{name}-initramfs"
root = "/dev/xvda1"
extra = "console=hvc0 quiet net.ifnames=0\"""", disk, version)


def disk_on_file(dom0):
    dom0.run(f"dd if=/dev/vdd of={FILE} bs=1M conv=sparse status=none && modprobe loop && losetup -P -f --show {FILE} >/tmp/loop", within=600)
    prepare_root(dom0, "$(cat /tmp/loop)p1")
    dom0.run("losetup -d $(cat /tmp/loop)")


def start(dom0, system, vcpus):
    dom0.write(f"/tmp/{system.name}.cfg", system.config(vcpus))
    dom0.run(f"xl create /tmp/{system.name}.cfg", within=600)
    system.console = dom0.dialogue(f"{system.name}-{vcpus}", f"xl console {system.name}")


def up(bed, system, vcpus):
    log_in_and_look(system.console, system.version, "/dev/xvda1")
    system.console.send("echo c''pus:$(nproc):$(systemctl is-system-running --wait)\n")
    said = system.console.expect(r"cpus:(\d+):(\w+)", 300)
    if said.groups() != (str(vcpus), "running"):
        raise Failed(f"{system.name}: {said.group(0)}, {vcpus} vCPUs wanted")
    bed.figure(f"xl-side: {system.name} with {vcpus} vCPUs: {system.version}, address {lease(system.console).group(1)}")


def all_type(systems, text, answer, within):
    """Typed into every console before the first answer is waited for."""
    for system in systems:
        line = text.format(port=7100 + systems.index(system))
        system.console.send(f"{line} && echo ok-$((1+1)){answer} || echo failed-$((1+1)){answer}\n")
    for system in systems:
        if system.console.expect(rf"(ok|failed)-2{answer}\s", within).group(1) != "ok":
            raise Failed(f"`{text}` failed in {system.name} (all of it: {system.console.log})")


def listening(dom0, count, end):
    """A transfer for each guest that waits for it."""
    for n in range(count):
        dom0.launch(f"socat -u {end(n)}")
    dom0.run("for i in $(seq 300); do "
             f"[ $(ss -Hltn 'sport >= :7100 and sport < :{7100 + count}' | wc -l) = {count} ] && exit; sleep 0.2; done; ss -ltn; exit 1",
             within=120)


def move(dom0, systems, mib):
    """mib each way for each guest, all at once."""
    count = len(systems)
    dom0.run(f"head -c {mib}M /dev/urandom >/tmp/out; rm -f /tmp/back*")
    listening(dom0, count, lambda n: f"FILE:/tmp/out TCP-LISTEN:{7100 + n},reuseaddr")
    all_type(systems, f"cat </dev/tcp/{DOM0}/{{port}} >/root/data", "fetched", 900)
    all_type(systems, "sync /root/data && echo 3 >/proc/sys/vm/drop_caches", "dropped", 300)
    listening(dom0, count, lambda n: f"TCP-LISTEN:{7100 + n},reuseaddr CREATE:/tmp/back{n}")
    all_type(systems, f"cat /root/data >/dev/tcp/{DOM0}/{{port}} && rm /root/data", "sent", 900)
    sums = [line.split()[0] for line in dom0.run("sync; sha256sum /tmp/out /tmp/back?", within=300).splitlines()]
    if len(sums) != count + 1 or len(set(sums)) != 1:
        raise Failed(f"{mib} MiB came back changed from one of {count}: {sums}")
    dom0.run("rm /tmp/out /tmp/back?")


def side_by_side(bed, dom0, systems, vcpus):
    for system in systems:
        start(dom0, system, vcpus)
    for system in systems:
        up(bed, system, vcpus)
    mib = MIB_FULL if bed.full else MIB
    for _ in range(mib // PART_MIB):
        move(dom0, systems, PART_MIB)
    bed.figure(f"xl-side: {mib} MiB each way in each of {len(systems)} guests at once\n" + dom0.run("xl list"))
    for system in systems:
        dom0.run(f"xl shutdown --wait {system.name}", within=300)
        dom0.run(f"while xl domid {system.name} >/dev/null 2>&1; do sleep 1; done", within=120)
        system.console.close()


def run(bed):
    dom0 = bed.dom0()
    bridge_up(dom0)
    disk_on_file(dom0)
    cloud = kernel_outside(dom0, "cloud", FILE)
    if bed.full:
        prepare_root(dom0, "/dev/vdc1")
        prepare_root(dom0, "/dev/vdd1")
        debian = System("debian", 'bootloader = "pygrub"', "/dev/vdc", disk_kernel(bed))
        systems = [cloud, debian, kernel_outside(dom0, "backports", "/dev/vdd")]
        side_by_side(bed, dom0, systems, 1)
        side_by_side(bed, dom0, systems, 2)
    else:
        side_by_side(bed, dom0, [cloud], 2)
    dom0.run(f"rm {FILE}")
