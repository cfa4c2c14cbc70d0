# SPDX-License-Identifier: GPL-2.0-or-later
"""More systems than Debian's own disk: GRUB's shell on the serial line, iPXE from a CD-ROM, which gets an address by DHCP and
comes to its shell (read from its screen), the same from the ROMs of both network cards, which boot what a server in dom0 names,
UEFI from the network, Debian's installer, from its netboot package, to its first question."""
import os
import time

from bed import grub_disk
from bed.images import image
from bed.machine import Setup
from bed.output import Failed
from bed.screen import wait_for

from .traffic import DOM0, bridge_up, listen

DISK = """name = "{name}"
type = "hvm"
memory = {memory}
vcpus = 1
serial = "pty"
disk = [ "phy:/dev/{disk},xvda,w" ]
"""
IPXE = """name = "ipxe1"
type = "hvm"
memory = 64
vcpus = 1
boot = "d"
vga = "stdvga"
vnc = 1
disk = [ "/tmp/ipxe.iso,raw,hdc,r,cdrom" ]
vif = [ "bridge=xenbr0,model=e1000" ]
"""
# What iPXE says once it has an address; there is nothing to boot from then.
LEASED = r"net0: 10\.9\.0\.\d+/255\.255\.255\.0"
# Booted from the network: what it is given shows a line of its own.
NETWORK = """name = "net1"
type = "hvm"
memory = {memory}
vcpus = 1
bios = "{bios}"
boot = "n"
serial = "pty"
vga = "stdvga"
vnc = 1
vif = [ "bridge=xenbr0,model={model}" ]
"""
SCRIPT = r"#!ipxe\nset given by the server\necho Booted: ${given}, ${net0/ip}\nsleep 600\n"
SERVED = f"boot_file http://{DOM0}:8000/start.ipxe\n"
SHELL = """serial --unit=0 --speed=115200
terminal_input serial
terminal_output serial
normal
"""
INSTALLER = """linux (hd0,msdos1)/linux console=ttyS0 vga=normal
initrd (hd0,msdos1)/initrd.gz
boot
"""


def grub_shell(dom0, disk):
    dom0.write("/tmp/grub1.cfg", DISK.format(name="grub1", memory=64, disk=disk))
    dom0.run("dxl create /tmp/grub1.cfg", within=600)
    console = dom0.dialogue("grub1", "dxl console grub1")
    console.expect(r"grub> ", 300, nudge="\r")
    console.send("expr=$grub_platform; echo platform-$expr\r")
    console.expect(r"platform-pc", 120)
    console.close()
    dom0.run("dxl destroy grub1", within=300)


def ipxe(bed, dom0):
    with open(image("ipxe") + "/ipxe.iso", "rb") as file:
        dom0.run("cat >/tmp/ipxe.iso", stdin=file.read())
    dom0.write("/tmp/ipxe1.cfg", IPXE)
    dom0.run("dxl create /tmp/ipxe1.cfg", within=600)
    wait_for(dom0, "ipxe1", [LEASED], os.path.join(bed.logs, "ipxe.ppm"))
    dom0.run("dxl destroy ipxe1; rm /tmp/ipxe.iso /tmp/screen.ppm", within=300)


def network(bed, dom0):
    """The DHCP server names a script; the ROM fetches it by HTTP and runs it."""
    dom0.run(f"kill $(cat /tmp/udhcpd.pid); printf '{SERVED}' >>/tmp/udhcpd.conf && /tmp/busybox udhcpd /tmp/udhcpd.conf && "
             f"printf '{SCRIPT}' >/tmp/script && {{ printf 'HTTP/1.0 200 OK\\r\\nContent-Length: %s\\r\\n\\r\\n' $(stat -c %s /tmp/script); "
             "cat /tmp/script; } >/tmp/answer")
    listen(dom0, 8000, "TCP-LISTEN:8000,reuseaddr,fork SYSTEM:'cat /tmp/answer'", how="")
    for model in ("virtio", "e1000"):
        dom0.write("/tmp/net1.cfg", NETWORK.format(bios="seabios", memory=64, model=model))
        dom0.run("dxl create /tmp/net1.cfg", within=600)
        wait_for(dom0, "net1", [r"Booted: by the server, 10\.9\.0\.\d+"], os.path.join(bed.logs, f"network-{model}.ppm"))
        dom0.run("dxl destroy net1", within=300)
    dom0.write("/tmp/net1.cfg", NETWORK.format(bios="ovmf", memory=256, model="virtio"))
    dom0.run("dxl create /tmp/net1.cfg", within=600)
    console = dom0.dialogue("net1", "dxl console net1")
    console.expect(r"PXE over IPv4", 600)
    console.expect(r"Station IP address is 10\.9\.0\.\d+", 300)
    console.close()
    dom0.run("dxl destroy net1", within=300)


def installer(bed, dom0, disk):
    dom0.write("/tmp/installer1.cfg", DISK.format(name="installer1", memory=1024, disk=disk))
    start = time.monotonic()
    dom0.run("dxl create /tmp/installer1.cfg", within=600)
    console = dom0.dialogue("installer1", "dxl console installer1")
    console.expect(r"Select a language", 1200)
    bed.figure(f"pair-systems: seconds until Debian's installer asks: {time.monotonic() - start:.0f}")
    console.close()
    dom0.run("dxl destroy installer1", within=300)


def run(bed):
    media = image("installer")
    disks = [grub_disk.make(os.path.join(bed.logs, "grub-shell.disk"), SHELL, {}, 32,
                            ["serial", "terminal", "normal", "echo", "test"]),
             grub_disk.make(os.path.join(bed.logs, "installer.disk"), INSTALLER,
                            {name: f"{media}/{name}" for name in ("linux", "initrd.gz")}, 96, ["linux"])]

    def devices(_):
        argv = []
        for number, disk in enumerate(disks):
            argv += ["-drive", f"file={disk},format=raw,if=none,id=system{number},snapshot=on",
                     "-device", f"virtio-blk-pci,drive=system{number}"]
        return argv
    dom0 = bed.dom0(Setup(name="systems", devices=devices))
    bridge_up(dom0)
    grub_shell(dom0, "vde")
    ipxe(bed, dom0)
    network(bed, dom0)
    installer(bed, dom0, "vdf")
    if dom0.domains() != ["Domain-0"]:
        raise Failed("`xl list` still shows a panel after destroy")
