# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests with a PVH guest by stock `xl` share: its configuration."""

CONFIG = """name = "{name}"
type = "pvh"
kernel = "/var/lib/guests/vmlinux"
ramdisk = "/var/lib/guests/pvh-initramfs"
extra = "console=hvc0 quiet"
memory = 256
"""


def config(name, vcpus=1, most=None):
    """The text of a file for `xl create`; most: as many vCPUs it may be given later."""
    return CONFIG.format(name=name) + f"vcpus = {vcpus}\n" + (f"maxvcpus = {most}\n" if most else "")
