# SPDX-License-Identifier: GPL-2.0-or-later
"""Root in dom0 neither reads nor changes a domain that runs: each way says "not permitted" and the domain goes on.
With seal=no on the core's command line the ways that only look are open, and `xl dump-core` writes what the domain
has in memory."""
import errno
import os
import re

from bed.machine import Setup
from bed.output import Failed

from .pvh import config

PROGRAM = os.path.join(os.path.dirname(os.path.dirname(__file__)), "programs", "reach.py")
OPEN = Setup(name="unsealed", core="seal=no")
# What stock tools say; all of them end with a status, but for `xl trigger` and xenctx, whose status is 0 on Xen too.
TOOLS = [
    ("xl dump-core sealed /tmp/core", r"Operation not permitted|Failed to dump core", True),
    ("xl save sealed /tmp/saved", r"Operation not permitted|[Ff]ail", True),
    ("xl trigger sealed nmi", r"Operation not permitted", False),
    ("/usr/lib/xen-4.17/bin/xenctx -a $(xl domid sealed)", r"xc_vcpu_getcontext: Operation not permitted", False),
    ("/usr/lib/xen-4.17/bin/xen-hvmctx $(xl domid sealed)", r"not permitted|[Ff]ail|[Ee]rror", True),
]
LOOKS = ["get-registers", "get-hvm-context", "get-parameter", "last-page", "populate", "read-page", "write-page", "grant-table"]
CHANGES = ["set-hvm-context", "set-parameter", "more-vcpus", "partner"]
NOT_THERE = {"nmi": "ENOSYS", "debugger": "ENOSYS", "dirty-tracking": errno.errorcode[errno.EOPNOTSUPP]}  # which has two names
MARK = "in-memory-of-the-guest-"


def start(dom0, name):
    dom0.write(f"/tmp/{name}.cfg", config(name))
    dom0.run(f"xl create -q /tmp/{name}.cfg", within=300)
    console = dom0.dialogue(name, f"xl console {name}")
    console.expect(r"pvh-guest# ", 300, nudge="\n")
    return console


def answers(console):
    console.send("echo $((6 * 7))-$(uname -s)\n")
    console.expect(r"42-Linux", 120)


def reach(dom0, name):
    """{attempt: its result}"""
    with open(PROGRAM, "rb") as file:
        dom0.run("cat >/tmp/reach.py", stdin=file.read())
    said = dom0.run(f"python3 /tmp/reach.py $(xl domid {name})")
    return dict(line.split() for line in said.splitlines())


def must_be(found, wanted):
    if found != wanted:
        wrong = {name: (found.get(name), wanted.get(name)) for name in {*found, *wanted} if found.get(name) != wanted.get(name)}
        raise Failed(f"attempts by dom0 on a domain that runs (what happened, what should have): {wrong}")


def sealed(dom0):
    console = start(dom0, "sealed")
    must_be(reach(dom0, "sealed"), {name: "EPERM" for name in [*LOOKS, *CHANGES, *NOT_THERE]})
    for command, words, fails in TOOLS:
        status, said = dom0.attempt(command, within=120)
        if not re.search(words, said) or (fails and status == 0):
            raise Failed(f"`{command}` on a sealed domain gave status {status} and was to say /{words}/:\n{said}")
        # It may have been paused for the attempt.
        dom0.attempt("xl unpause sealed")
        answers(console)
    console.close()
    dom0.run("xl destroy sealed")


def opened(dom0):
    console = start(dom0, "open")
    console.send(f"m={MARK}; echo $m$((6 * 7)) >/m; cat /m\n")
    console.expect(f"{MARK}42", 60)
    must_be(reach(dom0, "open"), {**{name: "done" for name in LOOKS}, **{name: "EPERM" for name in CHANGES}, **NOT_THERE})
    dom0.run("xl dump-core open /tmp/core", within=600)
    said = dom0.run(f"head -c4 /tmp/core | tail -c3; echo; grep -c {MARK}42 /tmp/core; stat -c %s /tmp/core")
    form, marks, size = said.split()
    if form != "ELF" or int(marks) < 1 or int(size) < 200 << 20:
        raise Failed(f"the dump of a guest of 256 MiB with a mark in its memory has {size} bytes, form {form}, {marks} marks")
    dom0.run("rm /tmp/core")
    answers(console)
    console.close()
    dom0.run("xl destroy open")


def run(bed):
    sealed(bed.dom0())
    wrong = bed.left_behind()
    if wrong:
        raise Failed(wrong)
    opened(bed.dom0(OPEN))
