# SPDX-License-Identifier: GPL-2.0-or-later
"""libvirt's clients on the outer machine reach dom0 by xen+ssh: virt-install imports a disk, virsh opens the guest's
console and takes a picture of its screen, and ends it; virt-install makes one of a CD, with --full on two processors, and
with --full one with UEFI; nothing of them stays."""
import os
import re
import shlex
import subprocess
import time

from bed import answering_disk
from bed.images import image
from bed.output import PATIENCE, Dialogue, Failed, tail
from bed.packages import need
from bed.screen import text_of
from bed.virsh import remote

from .left import Left
from .pair_screen import DRAWN

ALL = ["--network", "none", "--graphics", "vnc", "--osinfo", "detect=off,require=off", "--noautoconsole"]
IMPORT = ["--name", "imported", "--memory", "32", "--import", "--disk", "path=/srv/imported.img"]
DISC = ["--name", "disc", "--memory", "64", "--cdrom", "/srv/memtest.iso", "--disk", "none"]
UEFI = ["--name", "uefi", "--memory", "128", "--vcpus", "2", "--boot", "uefi", "--import", "--disk", "path=/srv/imported.img,bus=sata"]


class Outside:
    """Commands on the outer machine; what they keep for their user goes where the logs are."""

    def __init__(self, dom0):
        self.dom0, self.uri = dom0, remote(dom0)
        self.environment = dict(os.environ, HOME=dom0.folder, XDG_CACHE_HOME=dom0.folder, XDG_CONFIG_HOME=dom0.folder)

    def run(self, program, *words, within=300):
        done = subprocess.run([program, "--connect", self.uri, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=within * PATIENCE, check=False, env=self.environment)
        said = done.stdout.decode("utf-8", "replace")
        self.dom0.note(f"outside# {program} {' '.join(words)}\n{said}[{done.returncode}]\n")
        if done.returncode:
            raise Failed(f"`{program} {' '.join(words)}` on the outer machine gave status {done.returncode}\n{tail(said)}")
        return said


    def console(self, name):
        # It wants a terminal.
        words = shlex.join(["virsh", "--connect", self.uri, "console", name])
        made = Dialogue(["script", "-qefc", words, "/dev/null"], os.path.join(self.dom0.folder, f"{name}.console.log"))
        self.dom0.dialogues.append(made)
        return made

    def screen(self, name, path):
        """The lines of its text screen; none of a screen of pixels."""
        self.run("virsh", "screenshot", name, path)
        with open(path, "rb") as file:
            try:
                return text_of(file.read())
            except ValueError:
                return []


def imported(bed, outside):
    outside.run("virt-install", *IMPORT, *ALL)
    if not re.search(r"\bimported +running", outside.run("virsh", "list")):
        raise Failed("virsh does not list the guest that virt-install made")
    console = outside.console("imported")
    console.expect("READY", 300)
    answering_disk.answers(console, "xyz")
    console.close()
    lines = outside.screen("imported", os.path.join(bed.logs, "imported.ppm"))
    if not any("Booting from Hard Disk" in line for line in lines):
        raise Failed("the guest's screen does not show its firmware's words:\n" + "\n".join(lines))
    outside.run("virsh", "shutdown", "imported")
    for _ in range(60):
        if "shut off" in outside.run("virsh", "domstate", "imported"):
            break
    outside.run("virsh", "undefine", "imported")


def of_disc(bed, outside):
    """memtest86+ uses all processors that it finds, together, and says how many: where dom0 has one, that takes minutes."""
    vcpus = 2 if bed.full else 1
    outside.run("virt-install", *DISC, "--vcpus", str(vcpus), *ALL)
    end, lines = time.monotonic() + 300 * PATIENCE, []
    while not all(any(re.search(words, line) for line in lines) for words in [*DRAWN, r"SMP: +2T" if bed.full else r"SMP: +Disabled"]):
        if time.monotonic() > end:
            raise Failed(f"memtest86+ is not seen at work on {vcpus} processors:\n" + "\n".join(lines))
        time.sleep(1)
        lines = outside.screen("disc", os.path.join(bed.logs, "disc.ppm"))
    outside.run("virsh", "destroy", "disc")
    outside.run("virsh", "undefine", "disc")


def by_uefi(outside):
    """The disk is none for UEFI, which comes to its shell."""
    outside.run("virt-install", *UEFI, *ALL)
    console = outside.console("uefi")
    console.expect(r"Shell> ", 600)
    console.send("ver\r")
    console.expect(r"UEFI v2\.\d+ \(", 120)
    console.close()
    outside.run("virsh", "destroy", "uefi")
    outside.run("virsh", "undefine", "uefi", "--nvram")


def run(bed):
    need("libvirt-clients virtinst")
    dom0 = bed.dom0()
    dom0.run("mkdir -p /srv")
    answering_disk.put(dom0, "/srv/imported.img")
    with open(image("memtest") + "/memtest86+.iso", "rb") as file:
        dom0.run("cat >/srv/memtest.iso", stdin=file.read())
    outside = Outside(dom0)
    outside.run("virsh", "pool-create-as", "srv", "dir", "--target", "/srv")  # virt-install would make one that stays
    left = Left(dom0, "ports")
    imported(bed, outside)
    of_disc(bed, outside)
    if bed.full:
        by_uefi(outside)
    outside.run("virsh", "pool-destroy", "srv")
    left.nothing_by("guests that virt-install has made")
