# SPDX-License-Identifier: GPL-2.0-or-later
"""libvirt's clients on the outer machine reach dom0 by xen+ssh: virt-install imports a disk, virsh opens the guest's
console and takes a picture of its screen, and ends it; nothing of it stays."""
import os
import re
import shlex
import subprocess

from bed import answering_disk
from bed.output import PATIENCE, Dialogue, Failed, tail
from bed.packages import need
from bed.screen import text_of
from bed.virsh import remote

from .left import Left

INSTALL = ["--name", "imported", "--memory", "32", "--import", "--disk", "path=/srv/imported.img", "--network", "none",
           "--graphics", "vnc", "--osinfo", "detect=off,require=off", "--noautoconsole"]


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


def run(bed):
    need("libvirt-clients virtinst")
    dom0 = bed.dom0()
    dom0.run("mkdir -p /srv")
    answering_disk.put(dom0, "/srv/imported.img")
    outside = Outside(dom0)
    outside.run("virsh", "pool-create-as", "srv", "dir", "--target", "/srv")  # virt-install would make one that stays
    left = Left(dom0, "ports")
    outside.run("virt-install", *INSTALL)
    if not re.search(r"\bimported +running", outside.run("virsh", "list")):
        raise Failed("virsh does not list the guest that virt-install made")
    # It wants a terminal.
    words = shlex.join(["virsh", "--connect", outside.uri, "console", "imported"])
    console = Dialogue(["script", "-qefc", words, "/dev/null"], os.path.join(dom0.folder, "imported.console.log"))
    dom0.dialogues.append(console)
    console.expect("READY", 300)
    answering_disk.answers(console, "xyz")
    console.close()
    picture = os.path.join(bed.logs, "imported.ppm")
    outside.run("virsh", "screenshot", "imported", picture)
    with open(picture, "rb") as file:
        lines = text_of(file.read())
    if not any("Booting from Hard Disk" in line for line in lines):
        raise Failed("the guest's screen does not show its firmware's words:\n" + "\n".join(lines))
    outside.run("virsh", "shutdown", "imported")
    for _ in range(60):
        if "shut off" in outside.run("virsh", "domstate", "imported"):
            break
    outside.run("virsh", "undefine", "imported")
    outside.run("virsh", "pool-destroy", "srv")
    left.nothing_by("a guest that virt-install has made")
