# SPDX-License-Identifier: GPL-2.0-or-later
"""virt-manager on the outer machine, by mouse: it connects to dom0, starts a guest, shows its screen, shuts it down; its
wizard makes another that runs; its pictures are kept."""
import os

from bed import answering_disk
from bed.desktop import Desktop
from bed.output import Failed
from bed.packages import need
from bed.screen import read_ppm, text_of
from bed.virsh import NC, batch, programs, remote

from .left import Left

XML = """<domain type='xen'><name>desk</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>
<devices><disk type='file' device='disk'><source file='/srv/desk.img'/><target dev='vda' bus='virtio'/></disk>
<graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1'/>
<serial type='pty'/></devices></domain>
"""


MANAGER = "Virtual Machine Manager"
# One that needs no DHCP server in dom0.
NETWORK = "<network><name>default</name><forward mode='bridge'/><bridge name='xenbr0'/></network>"


def state(desktop, name, word, within=300):
    """The list says so; its cells hold name and state, on two lines."""
    return desktop.find("table cell", lambda text: text.split("\n") == [name, word], MANAGER, within)


def firmware_speaks(picture):
    try:
        return any("Booting from Hard Disk" in line for line in text_of(picture))
    except ValueError:  # no text screen yet
        return False


def shows_screen(dom0, desktop, name):
    """The guest's own picture is in its window, by pixels."""
    for _ in range(60):
        # None yet while its fidelity domain starts; a dark one would be found anywhere.
        dom0.run(f"until dxl screenshot {name} /tmp/{name}.ppm 2>/dev/null; do sleep 1; done", within=300)
        picture = dom0.fetch(f"/tmp/{name}.ppm")
        if firmware_speaks(picture) and desktop.shows(name, read_ppm(picture)):
            return
    raise Failed(f"the window does not show {name}'s screen; see {desktop.folder}/{name}.png")


def closed(desktop, window):
    desktop.click("menu", "File", window)
    desktop.click("menu item", "Close", window)


def started_and_ended(dom0, desktop):
    state(desktop, "desk", "Shutoff")
    desktop.click("table cell", "desk\n", MANAGER)
    desktop.click("push button", "Run", MANAGER)
    state(desktop, "desk", "Running")
    desktop.click("table cell", "desk\n", MANAGER, times=2)
    shows_screen(dom0, desktop, "desk")
    desktop.click("push button", "Shut Down", "desk on")
    state(desktop, "desk", "Shutoff")
    closed(desktop, "desk on")


def by_wizard(dom0, desktop):
    wizard = "New VM"
    desktop.click("push button", "New", MANAGER)
    desktop.click("radio button", "Import existing", wizard)
    desktop.click("push button", "Forward", wizard)
    desktop.click("text", "import-entry", wizard)
    desktop.write("/srv/wizard.img")
    desktop.click("text", "oslist-entry", wizard)
    desktop.write("generic")
    desktop.click("table cell", "Generic or unknown OS")
    desktop.click("push button", "Forward", wizard)
    desktop.find("label", "Memory:", wizard)
    desktop.click("spin button", lambda name: not name, wizard, right=20)  # to the right of that it has buttons
    desktop.hand("key", "ctrl+a")
    desktop.write("64\t")
    desktop.click("push button", "Forward", wizard)
    desktop.find("label", "64 MiB", wizard)
    desktop.click("text", "", wizard)
    desktop.hand("key", "ctrl+a")
    desktop.write("wizard")
    desktop.picture("wizard-last-page")
    desktop.click("push button", "Finish", wizard)
    state(desktop, "wizard", "Running")
    desktop.find("frame", "wizard on")
    shows_screen(dom0, desktop, "wizard")
    closed(desktop, "wizard on")


def run(bed):
    need("virt-manager")
    dom0 = bed.dom0()
    dom0.run("mkdir -p /srv")
    for name in ("desk", "wizard"):
        answering_disk.put(dom0, f"/srv/{name}.img")
    dom0.write("/tmp/desk.xml", XML)
    dom0.write("/tmp/network.xml", NETWORK)
    dom0.write("/usr/local/bin/nc", NC)
    dom0.run("chmod 755 /usr/local/bin/nc")
    batch(dom0, [("!ip link show xenbr0 >/dev/null 2>&1 || { ip link add xenbr0 type bridge && ip link set xenbr0 up; }", None),
                 ("!virsh -q net-undefine default", None), ("net-define /tmp/network.xml", "defined"),
                 ("net-start default", "started"), ("define /tmp/desk.xml", "defined"),
                 # virt-manager makes one where there is none, and it stays.
                 ("pool-create-as srv dir --target /srv", "created")])
    left = Left(dom0, "ports")
    desktop = Desktop(os.path.join(bed.logs, "desktop"), programs(dom0))
    try:
        desktop.start("virt-manager", "--connect", remote(dom0), "--no-fork", "--debug")
        started_and_ended(dom0, desktop)
        by_wizard(dom0, desktop)
    finally:
        desktop.stop()
    batch(dom0, [("destroy wizard", "destroyed"), ("undefine wizard", "undefined")])
    left.nothing_by("virt-manager")
    batch(dom0, [("undefine desk", "undefined"), ("pool-destroy srv", "destroyed"), ("net-destroy default", "destroyed"),
                 ("net-undefine default", "undefined"), ("list --all --name", r"\A\s*\Z")])
