# SPDX-License-Identifier: GPL-2.0-or-later
"""The bed that system tests lie on: one emulated machine with a core and a Debian dom0.

output.py   what a process or a log file says: waiting for a pattern, never for a time
images.py   disk images and kernels, from the cache
machine.py  QEMU with the core, dom0 and its disks
payload.py  what `make install` gave, as the tar that dom0 unpacks when it boots
dom0.py     commands in dom0 over ssh, its domains, its consoles
"""
