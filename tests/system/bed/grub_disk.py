# SPDX-License-Identifier: GPL-2.0-or-later
"""A disk that GRUB on a BIOS starts from: GRUB before the first partition, files in FAT there."""
import struct
import subprocess

GRUB = "/usr/lib/grub/i386-pc"
MODULES = ["biosdisk", "part_msdos", "fat"]
SECTOR, FIRST = 512, 2048


def run(*argv):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {done.stdout.decode('utf-8', 'replace')[-2000:]}")


def make(path, commands, files, mib, modules):
    """commands: what GRUB does first; files: name on the disk to path."""
    with open(f"{path}.commands", "w", encoding="ascii") as file:
        file.write(commands)
    run("grub-mkimage", "-O", "i386-pc", "-p", "(hd0,msdos1)/", "-c", f"{path}.commands", "-o", f"{path}.core", *MODULES, *modules)
    with open(f"{GRUB}/boot.img", "rb") as file:
        boot = bytearray(file.read())
    sectors = (mib << 20) // SECTOR - FIRST
    # The whole table: GRUB has code for floppies there.
    boot[446:510] = struct.pack("<B3xB3xII48x", 0x80, 0x0e, FIRST, sectors)
    boot[510:512] = b"\x55\xaa"
    with open(f"{path}.core", "rb") as file:
        boot += file.read()
    if len(boot) > FIRST * SECTOR:
        raise RuntimeError("GRUB does not fit before the first partition")
    with open(path, "wb") as file:
        file.write(boot)
        file.truncate(mib << 20)
    at = f"{path}@@{FIRST * SECTOR}"
    run("mformat", "-i", at, "-T", str(sectors), "-h", "64", "-s", "32", "::")
    for name, source in files.items():
        run("mcopy", "-i", at, source, f"::{name}")
    return path
