# SPDX-License-Identifier: GPL-2.0-or-later
"""A debugger in dom0 single-steps, an alignment fault arrives: what the core intercepts and gives back."""
import os
import subprocess

from bed.output import Failed

ON_STOCK_XEN = True
SOURCE = os.path.join(os.path.dirname(__file__), "../programs/traps.c")


def run(bed):
    program = os.path.join(bed.logs, "traps")
    subprocess.run(["gcc", "-O1", "-mno-red-zone", "-static", "-o", program, SOURCE], check=True)
    dom0 = bed.dom0()
    with open(program, "rb") as file:
        dom0.run("cat >/tmp/traps && chmod +x /tmp/traps", stdin=file.read())
    status, said = dom0.attempt("/tmp/traps")
    if status != 0:
        raise Failed(f"the program saw other traps than it caused:\n{said}")
