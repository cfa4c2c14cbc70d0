# SPDX-License-Identifier: GPL-2.0-or-later
"""Stock `xl create` starts a PVH Linux; its console answers what is typed; `xl destroy` leaves nothing of it."""
from bed.output import Failed

from .pvh import config

ON_STOCK_XEN = True


def run(bed):
    dom0 = bed.dom0()
    dom0.write("/tmp/pvh1.cfg", config("pvh1"))
    dom0.run("xl create /tmp/pvh1.cfg", within=300)
    if "pvh1" not in dom0.domains():
        raise Failed("`xl list` does not show the new domain")
    console = dom0.dialogue("pvh1", "xl console pvh1")
    console.expect(r"pvh-guest# ", 300, nudge="\n")
    # The answer differs from what is typed, so that an echo is not taken for it.
    console.send("echo $((6 * 7))-$(uname -s)\n")
    console.expect(r"42-Linux", 60)
    console.close()
    dom0.run("xl destroy pvh1")
    if dom0.domains() != ["Domain-0"]:
        raise Failed("`xl list` still shows the domain after destroy")
