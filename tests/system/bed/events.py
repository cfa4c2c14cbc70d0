#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""events.py URI: Debian's python3-libvirt on the outer machine says on a line each what becomes of domains: NAME EVENT DETAIL."""
import sys

import libvirt

KINDS = ["VIR_DOMAIN_EVENT_" + kind for kind in ("DEFINED", "UNDEFINED", "STARTED", "SUSPENDED", "RESUMED", "STOPPED",
                                                 "SHUTDOWN", "PMSUSPENDED", "CRASHED")]


def words(event, detail):
    """As the API names them, such as STOPPED DESTROYED."""
    kind = next(name[len("VIR_DOMAIN_EVENT_"):] for name in KINDS if getattr(libvirt, name) == event)
    start = f"VIR_DOMAIN_EVENT_{kind}_"
    details = [name[len(start):] for name in dir(libvirt) if name.startswith(start) and getattr(libvirt, name) == detail]
    return f"{kind} {details[0] if details else detail}"


def main():
    libvirt.virEventRegisterDefaultImpl()
    conn = libvirt.open(sys.argv[1])
    conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                lambda _, dom, event, detail, __: print(dom.name(), words(event, detail), flush=True), None)
    conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_REBOOT,
                                lambda _, dom, __: print(dom.name(), "REBOOT", flush=True), None)
    conn.registerCloseCallback(lambda *_: print("connection closed", flush=True), None)
    print("listening", flush=True)
    while conn.isAlive():
        libvirt.virEventRunDefaultImpl()


main()
