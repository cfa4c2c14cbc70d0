# SPDX-License-Identifier: GPL-2.0-or-later
"""What dom0's kernel says in warnings and errors, against a list of what it may say: tests/system/golden/dom0-dmesg.txt,
made beside the same kernel on stock Xen and on the bare machine."""
import os
import re

from bed.output import Failed

ALLOWED = os.path.join(os.path.dirname(__file__), "../golden/dom0-dmesg.txt")


def normal(line):
    """Numbers and addresses are another day's."""
    line = re.sub(r"^\[ *\d+\.\d+\] ", "", line.rstrip())
    return re.sub(r"\b(?:0x)?[0-9a-f]*\d[0-9a-f]*(?=ms\b|\b)", "N", line)


def allowed():
    with open(ALLOWED, encoding="utf-8") as file:
        return {line.rstrip("\n") for line in file if line.strip() and not line.startswith("#")}


def check(dom0):
    said = dom0.run("dmesg --level=emerg,alert,crit,err,warn --facility=kern").splitlines()
    known = allowed()
    new = [line for line in said if line and normal(line) not in known]
    if new:
        raise Failed("dom0's kernel warns of what it did not warn of before; what is right goes into "
                     "tests/system/golden/dom0-dmesg.txt, with its reason:\n" + "\n".join(new))
