# SPDX-License-Identifier: GPL-2.0-or-later
"""virsh in dom0, and libvirt's clients on the outer machine."""
import os
import shlex

from . import batch as lines
from .batch import Refused  # pylint: disable=unused-import # for those who use this file

URI = "xen:///system"


# What virt-manager's tunnel to a screen wants to find in dom0: Debian's netcat-openbsd, which is not in the image.
NC = "#!/bin/sh\n[ $# = 2 ] && exec socat - TCP:$1:$2\n"


def programs(dom0):
    """A folder for PATH on the outer machine whose ssh knows dom0's key, and leaves nothing in the user's own files."""
    folder = os.path.join(dom0.folder, "bin")
    script = os.path.join(folder, "ssh")
    if not os.path.exists(script):
        os.makedirs(folder, exist_ok=True)
        options = [word for word in dom0.plain_ssh()[1:] if word not in ("-p", str(dom0.machine.ssh_port))]
        with open(script, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nexec /usr/bin/ssh " + " ".join(map(shlex.quote, options)) + ' "$@"\n')
        os.chmod(script, 0o755)
    return folder


def remote(dom0):
    """The URI by which the outer machine reaches dom0's libvirtd."""
    return f"xen+ssh://root@127.0.0.1:{dom0.machine.ssh_port}/system?command={programs(dom0)}/ssh&no_tty=1"


def virsh(dom0, command, within=300):
    return dom0.run(f"virsh -q -c {URI} {command}", within=within)


def batch(dom0, verbs, within=600):
    """As batch.batch; a command is virsh's, one that begins with `!` the shell's."""
    return lines.batch(dom0, verbs, within, f"v() {{ timeout 120 virsh -c {URI} \"$@\"; }}\n",
                       lambda verb: verb[1:] if verb.startswith("!") else "v " + verb)
