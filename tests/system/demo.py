#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The story of ./demo: what an administrator does with stock virsh, and what happens at each step."""
import argparse
import os
import shutil
import signal
import sys
import time

from bed.dom0 import Dom0
from bed.images import image
from bed.machine import Images
from bed.output import Failed, readable
from bed.payload import make_payload
from cases.guest import log_in_and_look
from cases.thin_virsh import VIRSH, XML

START = time.monotonic()


def tell(text):
    print(f"\n[{time.monotonic() - START:4.0f} s] {text}", flush=True)


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


def story(dom0, images, batch):
    tell("The machine starts: QEMU's emulation of an AMD CPU with SVM; the core, then Debian as dom0.")
    dom0.boot()
    core_said(dom0)
    shown(dom0, "uname -a; systemctl is-system-running --wait || true; xl list", within=300)

    tell("Stock virsh defines a guest: one CPU, 256 MiB, a disk with GRUB and an unmodified Debian.")
    dom0.write("/root/virt1.xml", XML)
    shown(dom0, f"{VIRSH} define /root/virt1.xml", within=300)

    tell("It starts: the toolstack makes the real guest and its fidelity domain, a small Linux with QEMU, and binds them.")
    shown(dom0, f"{VIRSH} start virt1", within=600)
    shown(dom0, "xl list")

    tell("Firmware, boot loader, kernel and login appear on the guest's serial line.")
    console = dom0.dialogue("virt1", f"{VIRSH} console virt1")
    with open(f"{images.guest}/version", encoding="ascii") as file:
        log_in_and_look(console, file.read().strip())
    with open(console.log, encoding="utf-8", errors="replace") as file:
        for line in readable(file.read()).splitlines()[-12:]:
            print("    " + line, flush=True)
    console.close()

    if not batch:
        tell("The machine stays up. To look around:")
        print(f"  {dom0.leave()}\n"
              f"    {VIRSH} list    {VIRSH} console virt1  (root, password guest; leave with ^])\n"
              "    xl list    dxl list\n"
              f"  The core's and dom0's console: {dom0.machine.serial.path}", flush=True)
        return

    tell("It is destroyed: both panels go.")
    shown(dom0, f"{VIRSH} destroy virt1", within=300)
    shown(dom0, f"{VIRSH} undefine virt1")
    shown(dom0, "xl list")
    if dom0.domains() != ["Domain-0"]:
        raise Failed("a panel is still there")
    tell("Every step worked.")


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("--build", required=True)
    parse.add_argument("--root", required=True)
    parse.add_argument("--batch", action="store_true")
    args = parse.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("error: ended by a signal"))

    folder = os.path.join(args.build, "demo")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    payload = os.path.join(folder, "payload.tar")
    make_payload(args.root, payload)
    images = Images(image("dom0"), image("guest"), os.path.join(args.root, "boot/diptych-core"))
    dom0 = Dom0(images, folder, payload)
    stays = False
    try:
        story(dom0, images, args.batch)
        stays = not args.batch
        return 0
    except Failed as why:
        print(f"\nThe demo failed: {why}\nlogs: {folder}", file=sys.stderr)
        return 1
    finally:
        if not stays:
            dom0.stop()


if __name__ == "__main__":
    sys.exit(main())
