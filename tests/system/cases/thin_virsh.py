# SPDX-License-Identifier: GPL-2.0-or-later
"""Stock virsh defines, starts, lists, shows, opens and destroys a guest that boots an unmodified Debian from its disk."""
import re

from bed.output import Failed

from .guest import disk_kernel, log_in_and_look

XML = """<domain type='xen'>
  <name>virt1</name>
  <memory unit='MiB'>256</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64'>hvm</type><boot dev='hd'/></os>
  <devices>
    <disk type='block' device='disk'>
      <source dev='/dev/vdd'/>
      <target dev='xvda' bus='xen'/>
    </disk>
    <serial type='pty'/>
    <console type='pty'/>
  </devices>
</domain>
"""
VIRSH = "virsh -c xen:///system"


def states(dom0):
    """Name to state, of all guests that virsh lists; dom0 itself may be among them."""
    lines = dom0.run(f"{VIRSH} list --all").splitlines()[2:]
    rows = [re.split(r"\s{2,}", line.strip()) for line in lines if line.strip()]
    return {row[1]: row[2] for row in rows if row[1] != "Domain-0"}


def run(bed):
    dom0 = bed.dom0()
    dom0.write("/tmp/virt1.xml", XML)
    dom0.run(f"{VIRSH} define /tmp/virt1.xml", within=300)
    if states(dom0) != {"virt1": "shut off"}:
        raise Failed(f"after define virsh lists {states(dom0)}")
    dom0.run(f"{VIRSH} start virt1", within=600)
    console = dom0.dialogue("virt1", f"{VIRSH} console virt1")
    if states(dom0) != {"virt1": "running"}:
        raise Failed(f"after start virsh lists {states(dom0)}")
    xml = dom0.run(f"{VIRSH} dumpxml virt1")
    for piece in (r"<domain type='xen' id='\d+'", r"<name>virt1</name>", r"/dev/vdd", r"<serial type='pty'"):
        if not re.search(piece, xml):
            raise Failed(f"dumpxml lacks {piece}:\n{xml}")
    log_in_and_look(console, disk_kernel(bed))
    console.close()
    dom0.run(f"{VIRSH} destroy virt1", within=300)
    if states(dom0) != {"virt1": "shut off"}:
        raise Failed(f"after destroy virsh lists {states(dom0)}")
    if dom0.domains() != ["Domain-0"]:
        raise Failed("`xl list` still shows a panel after destroy")
    dom0.run(f"{VIRSH} undefine virt1")
    if states(dom0):
        raise Failed(f"after undefine virsh lists {states(dom0)}")
