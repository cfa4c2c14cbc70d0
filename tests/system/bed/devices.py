# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine with a device of every kind whose interrupts a core has to get right, and one that misbehaves on demand.

sda    on the chipset's AHCI: MSI, or INTx (a level) when MSI is switched off for it
vde    virtio-blk: MSI-X, in WITH_SCRATCH_DISK only; it and sda begin with the same PATTERN_MIB of random bytes
eth1   e1000: INTx only in this emulator
ttyS1  16550, COM2; its far end is a socket in the machine's folder
edu    QEMU's teaching device: raises whatever MSI it is programmed with
"""
import hashlib
import os
import random

from .machine import Setup

DISK_MIB = 4096
PATTERN_MIB = 64


def pattern():
    """The same in every run."""
    return random.Random(1).randbytes(PATTERN_MIB << 20)


def pattern_sum():
    return hashlib.sha256(pattern()).hexdigest()


def serial_socket(machine):
    return os.path.join(machine.folder, "com2.socket")


def every_device(machine):
    disk = os.path.join(machine.folder, "pattern.img")
    with open(disk, "wb") as file:
        file.write(pattern())
        file.truncate(DISK_MIB << 20)
    return ["-drive", f"file={disk},format=raw,if=none,id=sata,snapshot=on", "-device", "ide-hd,drive=sata,bus=ide.0",
            "-netdev", f"user,id=net1,restrict=on,net=10.0.3.0/24,hostfwd=tcp:127.0.0.1:{machine.port(5002)}-10.0.3.15:5002",
            "-device", "e1000,netdev=net1,romfile=",
            "-serial", f"unix:{serial_socket(machine)},server=on,wait=off",
            "-device", "edu,addr=1c.0,dma_mask=0xffffffff"]


def and_scratch_disk(machine):
    return [*every_device(machine), "-drive",
            f"file={machine.folder}/pattern.img,format=raw,if=none,id=scratch,snapshot=on",
            "-device", "virtio-blk-pci,drive=scratch"]


EVERY_DEVICE = Setup(name="devices", devices=every_device)
WITH_SCRATCH_DISK = Setup(name="io", devices=and_scratch_disk)
