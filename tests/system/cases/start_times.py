# SPDX-License-Identifier: GPL-2.0-or-later
"""How long a pair takes to start by `virsh start` and by `dxl create`: until the verb ends, until the first word of a guest
that is one boot sector, until Debian asks for a login.  In virtual milliseconds: dom0's clock on a machine whose time is
the number of instructions executed.  virsh may add a tenth."""
import os

from bed import answering_disk
from bed.machine import Setup
from bed.output import Failed

VIRSH = "virsh -q -c xen:///system"
CONFIG = """name = "{name}"
type = "hvm"
memory = {memory}
vcpus = 1
serial = "pty"
disk = [ "{dxl}" ]
"""
XML = """<domain type='xen'><name>{name}</name><memory unit='MiB'>{memory}</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>
<devices>{virsh}<serial type='pty'/></devices></domain>
"""
SMALL = {"name": "small", "memory": 32, "dxl": "/srv/small.img,raw,vda,w",
         "virsh": "<disk type='file' device='disk'><source file='/srv/small.img'/><target dev='vda' bus='virtio'/></disk>"}
# Two copies: what a guest has written is not there for the next one.
DEBIAN = {"name": "debian", "memory": 256, "dxl": "phy:/dev/vdc,vda,w",
          "virsh": "<disk type='block' device='disk'><source dev='/dev/vdd'/><target dev='vda' bus='virtio'/></disk>"}
ROUNDS, MORE = 3, 1.10


def one_clock(_):
    return ["-icount", "shift=0"]


def start(dom0, guest, words, by):
    verb = f"dxl create /tmp/{guest['name']}.cfg" if by == "dxl" else f"{VIRSH} start {guest['name']}"
    said = dom0.run(f"python3 /tmp/start_times.py {guest['name']} '{words}' {verb}", within=1800)
    dom0.run(f"{'dxl' if by == 'dxl' else VIRSH} destroy {guest['name']}", within=300)
    return [int(word) for word in said.split()]


def compare(bed, dom0, guest, words, rounds):
    """One round more, which is not counted where there are several: the first brings files into memory."""
    dom0.write(f"/tmp/{guest['name']}.cfg", CONFIG.format(**guest))
    dom0.write(f"/tmp/{guest['name']}.xml", XML.format(**guest))
    dom0.run(f"{VIRSH} define /tmp/{guest['name']}.xml")
    times = {"dxl": [], "virsh": []}
    for _ in range(rounds):
        for by, taken in times.items():
            taken.append(start(dom0, guest, words, by))
    dom0.run(f"{VIRSH} undefine {guest['name']}")
    best = {by: min(taken[1:] or taken, key=lambda t: t[2]) for by, taken in times.items()}
    bed.figure(f"start-times: {guest['name']}, virtual ms to the verb's end, the listener, `{words}`: {times}")
    if best["virsh"][2] > best["dxl"][2] * MORE:
        raise Failed(f"until {guest['name']} says `{words}`, {best['virsh'][2]} ms by virsh, {best['dxl'][2]} ms by dxl: {times}")


def run(bed):
    dom0 = bed.dom0(Setup(name="icount", devices=one_clock))
    with open(os.path.join(os.path.dirname(__file__), "../programs/start_times.py"), encoding="utf-8") as file:
        dom0.write("/tmp/start_times.py", file.read())
    dom0.run("mkdir -p /srv")
    answering_disk.put(dom0, "/srv/small.img")
    compare(bed, dom0, SMALL, "READY", ROUNDS + 1)
    compare(bed, dom0, DEBIAN, "guest login:", 1)
