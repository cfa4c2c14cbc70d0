# SPDX-License-Identifier: GPL-2.0-or-later
"""Systems that are not Linux: memtest86+ from a CD-ROM draws its screen, which `dxl screenshot` takes and which is read
here and kept; a PC with UEFI and nothing to boot comes to the UEFI shell, which answers on the serial line."""
import os

from bed.images import image
from bed.output import Failed
from bed.screen import wait_for

MEMTEST = """name = "memtest1"
type = "hvm"
memory = 64
vcpus = 1
boot = "d"
vga = "stdvga"
vnc = 1
disk = [ "/tmp/memtest.iso,raw,hdc,r,cdrom" ]
"""
SHELL = """name = "shell1"
type = "hvm"
bios = "ovmf"
memory = 128
vcpus = 1
serial = "pty"
"""
# What memtest86+ 6.10 always draws, and what shows that it is at work.
DRAWN = [r"Memtest86\+ v6\.10", r"Memory *: +63MB", r"Test #\d", r"Pattern: 0x[0-9a-f]{16}", r"Status: Testing"]


def memtest(bed, dom0):
    with open(image("memtest") + "/memtest86+.iso", "rb") as file:
        dom0.run("cat >/tmp/memtest.iso", stdin=file.read())
    dom0.write("/tmp/memtest1.cfg", MEMTEST)
    dom0.run("dxl create /tmp/memtest1.cfg", within=600)
    lines = wait_for(dom0, "memtest1", DRAWN, os.path.join(bed.logs, "memtest86+.ppm"))
    bed.figure("pair-screen: " + "\n".join(lines[:9]))
    dom0.run("dxl destroy memtest1", within=300)


def shell(dom0):
    dom0.write("/tmp/shell1.cfg", SHELL)
    dom0.run("dxl create /tmp/shell1.cfg", within=600)
    console = dom0.dialogue("shell1", "dxl console shell1")
    console.expect(r"Shell> ", 600)
    console.send("ver\r")
    console.expect(r"UEFI v2\.\d+ \(", 120)
    console.close()
    dom0.run("dxl destroy shell1", within=300)


def run(bed):
    dom0 = bed.dom0()
    memtest(bed, dom0)
    shell(dom0)
    dom0.run("rm /tmp/memtest.iso /tmp/screen.ppm")
    if dom0.domains() != ["Domain-0"]:
        raise Failed("`xl list` still shows a panel after destroy")
