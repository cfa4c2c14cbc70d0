# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests that kill and refuse compare before and after: all that a guest may leave in dom0 and in the core."""
import time

from bed.output import Failed

# What: the command that lists it, one thing a line.
KINDS = {
    "free memory": "xl info | grep '^free_memory'",
    "domains": "xl list | cut -d' ' -f1",
    # Without what the first guest makes for all: empty nodes that all share.
    "xenstore": "xenstore-ls -f | sort | grep -vE '^(/vm|/libxl|/local/domain/0/backend(/[a-z]+)?) = \"\"$'",
    "loop devices": "losetup -a",
    "files": "cd /run/diptych && find . -not -path './ended/*' | sort",
    "libvirt's files": "cd /run/libvirt/diptych && find . -type f -not -name driver.pid | sort; cd /etc/libvirt/diptych && find . | sort",
    "processes": "pgrep -l 'diptych-|dxl|qemu' | cut -d' ' -f2 | sort",
    "mounts": "cut -d' ' -f2 /proc/mounts",
    "ports": "xl dmesg -c >/dev/null; xl debug-keys e; "
             r"xl dmesg -c | sed -n 's/.*(core) \(d[0-9]*\) port [0-9]*: \([a-z]*\) .*/\1 \2/p' | sort | uniq -c",
}
MARK = "=== kind"


def left(dom0, kinds):
    said = dom0.run("\n".join(f"({KINDS[kind]}) 2>/dev/null; echo '{MARK}'" for kind in kinds))
    return dict(zip(kinds, (part.strip().splitlines() for part in said.split(MARK + "\n"))))


class Left:
    """What there is now, of those kinds."""

    def __init__(self, dom0, *without):
        self.dom0, self.kinds = dom0, [kind for kind in KINDS if kind not in without]
        self.before = left(dom0, self.kinds)

    def differs(self):
        now = left(self.dom0, self.kinds)
        return "; ".join(f"{kind}: new {[x for x in now[kind] if x not in self.before[kind]]}, "
                         f"gone {[x for x in self.before[kind] if x not in now[kind]]}"
                         for kind in self.kinds if now[kind] != self.before[kind])

    def nothing_by(self, what):
        """Nothing has come or gone; backends and kernels let go in their own time."""
        for _ in range(40):
            differs = self.differs()
            if not differs:
                return
            time.sleep(1)
        raise Failed(f"{what} has left something: {differs}")
