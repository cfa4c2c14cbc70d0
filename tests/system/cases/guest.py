# SPDX-License-Identifier: GPL-2.0-or-later
"""What thin-pair and thin-virsh share: logging in to the real guest on its serial line."""
from bed.output import Failed

BOOT_LIMIT = 900


def log_in_and_look(console, kernel, root="/dev/vda1"):
    """From firmware's first word to a root shell; the kernel that answers is the one on the disk."""
    console.expect(r"guest login: ", BOOT_LIMIT)
    console.send("root\n")
    console.expect(r"Password: ", 120)
    console.send("guest\n")
    console.expect(r"root@guest:\S* ?# ?", 180)
    console.send("echo $((6 * 7)):$(uname -r):$(cat /sys/class/dmi/id/sys_vendor):$(findmnt -no SOURCE /)\n")
    seen = console.expect(r"42:(\S+):(\S*):(/dev/\S+)\s", 120)
    if seen.group(1) != kernel:
        raise Failed(f"the guest runs kernel {seen.group(1)}, its disk holds {kernel}")
    if seen.group(3) != root:
        raise Failed(f"the guest's root is {seen.group(3)}, not its own disk")
    return seen


def disk_kernel(bed):
    with open(f"{bed.images.guest}/version", encoding="ascii") as file:
        return file.read().strip()
