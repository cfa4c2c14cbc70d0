#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The story of ./demo: what an administrator does with stock virsh, and what happens at each step."""
import argparse
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import zlib

from bed.dom0 import Dom0
from bed.images import image
from bed.machine import Images
from bed.output import PATIENCE, Failed, readable
from bed.payload import make_payload
from bed.screen import read_ppm, text_of
from bed.virsh import NC, programs
from cases.guest import log_in_and_look
from cases.thin_virsh import VIRSH

START = time.monotonic()
XML = """<domain type='xen'>
  <name>virt1</name>
  <memory unit='MiB'>256</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64'>hvm</type><boot dev='hd'/></os>
  <devices>
    <disk type='block' device='disk'><source dev='/dev/vdd'/><target dev='vda' bus='virtio'/></disk>
    <serial type='pty'/>
    <graphics type='vnc' port='5901' listen='127.0.0.1'/>
  </devices>
</domain>
"""
# This small Debian has no systemd-logind, which would do the same: who reads the button's event switches off.
BUTTON = ("modprobe -a button evdev; for e in /dev/input/event*; do (head -c 24 $e >/dev/null && systemctl poweroff 2>/dev/null) & done; "
          "echo rea''dy\n")
OWN = """<domain type='xen'>
  <name>own</name>
  <memory unit='MiB'>{memory}</memory>
  <vcpu>1</vcpu>
  <os{firmware}><type arch='x86_64'>hvm</type><boot dev='hd'/></os>
  <devices>
    <disk type='block' device='disk'><source dev='/dev/vdd'/><target dev='{target}' bus='{bus}'/></disk>
    <serial type='pty'/>
    <input type='tablet' bus='usb'/>
    <graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1'/>
  </devices>
</domain>
"""
# A guest that has a screen and a serial line and changes neither for so long has come to rest.
AT_REST = 60


def tell(text, about=""):
    """about: how long it takes on two cores."""
    print(f"\n[{time.monotonic() - START:4.0f} s] {text}" + (f" (About {about}.)" if about else ""), flush=True)


def shown(dom0, command, within=120):
    print(f"  dom0# {command}", flush=True)
    said = dom0.run(command, within=within)
    for line in readable(said).rstrip().splitlines():
        print("    " + line, flush=True)
    return said


def core_said(dom0):
    """The core's own lines on the serial line, and no more of them than a reader wants."""
    lines = [line for line in dom0.machine.serial.text().splitlines() if line.startswith("(core) ")]
    for line in lines[:20]:
        print("    " + line, flush=True)


def booted(dom0):
    tell("The machine starts: QEMU's emulation of an AMD CPU with SVM; the core, then Debian as dom0.", "30 s")
    dom0.boot()
    core_said(dom0)
    shown(dom0, "uname -a; systemctl is-system-running --wait || true; xl list", within=300)


def console_tail(console, lines):
    with open(console.log, encoding="utf-8", errors="replace") as file:
        for line in readable(file.read()).rstrip().splitlines()[-lines:]:
            print("    " + line, flush=True)


def story(dom0, images):
    tell("Stock virsh defines a guest: one CPU, 256 MiB, a disk with GRUB and an unmodified Debian.", "5 s")
    dom0.write("/root/virt1.xml", XML)
    shown(dom0, f"{VIRSH} define /root/virt1.xml", within=300)

    tell("It starts: the toolstack makes the real guest and its fidelity domain, a small Linux with QEMU, and binds them.", "10 s")
    shown(dom0, f"{VIRSH} start virt1", within=600)
    shown(dom0, f"{VIRSH} list; dxl list; xl list")

    tell("Firmware, boot loader, kernel and login appear on the guest's serial line.", "40 s")
    console = dom0.dialogue("virt1", f"{VIRSH} console virt1")
    with open(f"{images.guest}/version", encoding="ascii") as file:
        log_in_and_look(console, file.read().strip())
    console_tail(console, 12)

    tell("virsh presses the guest's power button; the guest switches itself off, and both panels go.", "10 s")
    console.send(BUTTON)
    console.expect(r"ready\s", 120)
    shown(dom0, f"{VIRSH} shutdown virt1")
    console.expect(r"Power down", 300)
    print("    ... and on the guest's serial line:", flush=True)
    console_tail(console, 3)
    console.close()
    dom0.run(f"until {VIRSH} domstate virt1 | grep -q 'shut off'; do sleep 0.5; done", within=300)
    shown(dom0, f"{VIRSH} list --all; xl list")
    if dom0.domains() != ["Domain-0"]:
        raise Failed("a panel is still there")
    return "virt1"


def png(picture):
    """A PPM picture in the format that every viewer knows."""
    width, height, pixels = read_ppm(picture)
    rows = b"".join(b"\0" + pixels[3 * width * y:3 * width * (y + 1)] for y in range(height))

    def chunk(kind, data):
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def screen(dom0, name):
    """The guest's screen now, or None while its fidelity domain starts."""
    if dom0.attempt(f"{VIRSH} screenshot {name} --file /tmp/screen.ppm")[0]:
        return None
    return dom0.fetch("/tmp/screen.ppm")


def watch(dom0, console):
    """Tells what appears on the serial line, until a login is asked for or nothing changes any more."""
    picture, since, told = None, time.monotonic(), 0
    while time.monotonic() - since < AT_REST * PATIENCE:
        before = len(console.unread)
        end = time.monotonic() + 10
        while console.read(0.5) and time.monotonic() < end:
            pass
        lines = readable(console.unread).splitlines()
        for line in lines[told:-1]:
            print("    " + line, flush=True)
        told = max(told, len(lines) - 1)
        if lines and lines[-1].rstrip().endswith("login:"):
            print("    " + lines[-1], flush=True)
            return screen(dom0, "own")
        now = screen(dom0, "own")
        if len(console.unread) != before or now != picture:
            picture, since = now, time.monotonic()
    return picture


def story_of_own(dom0, args):
    tell("Stock virsh defines a guest with your disk (a snapshot of it: what the guest writes is forgotten).")
    targets = {"virtio": "vda", "ide": "hda", "sata": "sda"}
    dom0.write("/root/own.xml", OWN.format(memory=args.memory, bus=args.bus, target=targets[args.bus],
                                           firmware=" firmware='efi'" if args.uefi else ""))
    shown(dom0, f"{VIRSH} define /root/own.xml", within=300)
    tell("It starts.", "10 s")
    shown(dom0, f"{VIRSH} start own", within=600)
    shown(dom0, "xl list")
    tell("What it says on its serial line, until it asks for a login or comes to rest (most systems say nothing there unless told to):")
    console = dom0.dialogue("own", f"{VIRSH} console own")
    picture = watch(dom0, console)
    console.close()
    if picture:
        path = os.path.join(dom0.folder, "screen.png")
        with open(path, "wb") as file:
            file.write(png(picture))
        tell(f"Its screen: {path}")
        try:
            print("\n".join("    " + line for line in text_of(picture) if line), flush=True)
        except ValueError as why:
            print(f"    ({why})", flush=True)
    if "running" not in shown(dom0, f"{VIRSH} domstate own"):
        raise Failed("the guest does not run any more")
    return "own"


def leave(dom0, name):
    """How to go on, from here and from inside."""
    machine = dom0.machine
    dom0.write("/usr/local/bin/nc", NC)
    dom0.run("chmod 755 /usr/local/bin/nc")
    uri = f"xen+ssh://root@127.0.0.1:{machine.ssh_port}/system"
    path = f"PATH={shlex.quote(programs(dom0))}:$PATH"
    vnc = shown(dom0, f"{VIRSH} domdisplay {name}").strip().rpartition(":")[2]
    port = 5900 + int(vnc) if vnc.isdigit() and int(vnc) < 100 else int(vnc)
    tell("The machine stays up. To look around:")
    password = "  (root, password guest; leave with ^])" if name == "virt1" else "  (leave with ^])"
    inside = dom0.leave()
    print(f"  from here, with libvirt-clients or virt-manager installed:\n"
          f"    {path} virsh -c {uri} list\n"
          f"    {path} virt-manager -c {uri} --show-domain-console {name}\n"
          f"  its screen by VNC, while this runs, at 127.0.0.1:{port}:\n"
          f"    {inside.partition('   #')[0]} -N -L {port}:127.0.0.1:{port}\n"
          f"  inside:\n    {inside}\n"
          f"    {VIRSH} list    {VIRSH} console {name}{password}\n"
          "    xl list    dxl list\n"
          f"  The core's and dom0's console: {machine.serial.path}", flush=True)


def taken_down(dom0, name):
    if "running" in dom0.run(f"{VIRSH} domstate {name}"):
        tell("It is destroyed: both panels go.", "5 s")
        shown(dom0, f"{VIRSH} destroy {name}", within=300)
    shown(dom0, f"{VIRSH} undefine {name}")
    shown(dom0, "xl list")
    if dom0.domains() != ["Domain-0"]:
        raise Failed("a panel is still there")
    tell("Every step worked.")


def format_of(disk):
    """raw or qcow2, as qemu-img sees it."""
    try:
        said = subprocess.run(["qemu-img", "info", "-U", "--output=json", disk], stdout=subprocess.PIPE, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        sys.exit(f"error: {disk} cannot be used as a disk")
    return json.loads(said)["format"]


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("--build", required=True)
    parse.add_argument("--root", required=True)
    parse.add_argument("--batch", action="store_true", help="take all down again")
    parse.add_argument("--own", metavar="DISK", help="boot this image, raw or of any format that QEMU knows")
    parse.add_argument("--memory", type=int, default=512, help="MiB, with --own")
    parse.add_argument("--bus", choices=["virtio", "ide", "sata"], default="virtio", help="of the disk, with --own")
    parse.add_argument("--uefi", action="store_true", help="firmware, with --own")
    args = parse.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("error: ended by a signal"))

    folder = os.path.join(args.build, "demo")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    payload = os.path.join(folder, "payload.tar")
    make_payload(args.root, payload)
    images = Images(image("dom0"), image("guest"), os.path.join(args.root, "boot/diptych-core"))
    if args.own:
        images.disk, images.disk_format = os.path.abspath(args.own), format_of(args.own)
    dom0 = Dom0(images, folder, payload)
    stays = False
    try:
        booted(dom0)
        name = story_of_own(dom0, args) if args.own else story(dom0, images)
        if args.batch:
            taken_down(dom0, name)
        else:
            if not args.own:
                tell("It starts again, for you.", "10 s")
                shown(dom0, f"{VIRSH} start {name}", within=600)
            leave(dom0, name)
            stays = True
        return 0
    except Failed as why:
        print(f"\nThe demo failed: {why}\nlogs: {folder}", file=sys.stderr)
        return 1
    finally:
        if not stays:
            dom0.stop()


if __name__ == "__main__":
    sys.exit(main())
