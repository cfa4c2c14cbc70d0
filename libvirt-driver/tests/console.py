#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""console.py LINK VIRSH... DOMAIN: starts the domain, and is the guest's end of its serial line and a person at
`virsh console`, both at once.  LINK becomes the name of the guest's pty, for double.c.  Exit status 0: what either
side typed reached the other, a second console was refused, and ^] ended the first."""
import os
import pty
import select
import subprocess
import sys
import time
import tty


def wait_for(fd, text, seconds=15):
    seen, end = b"", time.monotonic() + seconds
    while text not in seen:
        if not select.select([fd], [], [], max(0, end - time.monotonic()))[0]:
            sys.exit(f"no {text!r} within {seconds} s, but {seen!r}")
        try:
            seen += os.read(fd, 4096)
        except OSError:
            sys.exit(f"it ended before {text!r}: {seen!r}")


def main():
    link, virsh, domain = sys.argv[1], sys.argv[2:-1], sys.argv[-1]
    start, command = virsh + ["start", domain], virsh + ["console", domain]
    guest, guest_end = pty.openpty()
    tty.setraw(guest_end)
    if os.path.lexists(link):
        os.unlink(link)
    os.symlink(os.ttyname(guest_end), link)
    subprocess.run(start, check=True, stdout=subprocess.DEVNULL)
    person, person_end = pty.openpty()
    process = subprocess.Popen(command, stdin=person_end, stdout=person_end, stderr=person_end, start_new_session=True)
    wait_for(person, b"Escape character")
    os.write(guest, b"guest login: ")
    wait_for(person, b"guest login: ")
    os.write(person, b"root\r")
    wait_for(guest, b"root\r")
    second = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            timeout=20, check=False)
    if second.returncode == 0:
        sys.exit("a second console was let in")
    os.write(person, b"\x1d")
    if process.wait(15) != 0:
        sys.exit("the command failed")


main()
