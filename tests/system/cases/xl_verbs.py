# SPDX-License-Identifier: GPL-2.0-or-later
"""Stock `xl` and `xentop` do to a PVH guest what they do on stock Xen, whose answers are in golden/xl-verbs.txt;
afterwards dom0 and the core are as before.  The answers of the last run: xl-verbs.txt in the folder of the logs
(`run.py --stock-xen` writes the one to commit)."""
import difflib
import os
import re

from bed.output import Failed

from .fronts import pvh_initramfs
from .pvh import config
from .traffic import bridge_up

ON_STOCK_XEN = True
GOLDEN = os.path.join(os.path.dirname(os.path.dirname(__file__)), "golden", "xl-verbs.txt")

MAC = "00:16:3e:00:00:07"
# What may differ from stock Xen, and why.
MAY_DIFFER = [
    (r"\b\d+\.\d\b", "T"),                                 # seconds that passed, percent
    (r"(?<!:)\b\d+:\d\d:\d\d\b(?!:)", "T"),                # uptime
    (r"(?m)^( *\S+ +[-drbpsc]{6} +)\d+", r"\1T"),          # xentop: seconds that passed
    (r"(?m)^( *verbs +)--[-b]---", r"\1ASLEEP"),           # xentop: an idle guest wakes up for its timers
    (r"(?<= )-[b-]([p-])---(?= )", r"ASLEEP\1"),           # xl list: the same
    (r"(?<= )-[b-]-(?= )", "ASLEEP"),                      # xl vcpu-list: the same
    (r"(?m)^(Domain-0 +0 +)153[56] ", r"\1MEM "),          # a PV dom0 on Xen has its shared page besides
    (r"\b157286[04]\b", "MEM"),                            # the same in KiB
    (r"\bcredit2\b", "credit"),                            # another scheduler
    (r"\b([Dd]omain|domid) \d+", r"\1 ID"),                   # numbers of domains: tests before it used some
    (r"/libxl/\d+/", "/libxl/ID/"),
    (r"/domain/0/backend/(vbd|vif)/\d+/", r"/domain/0/backend/\1/ID/"),
    (r"(?m)^(\d+ +0 +)\d+( +\d+ +)\d+( +)\d+( +/\S+/vbd/)", r"\1ID\2PORT\3REF\4"),  # xl block-list: which were free
    (r"(?m)^(\d+ +0 +\S+ +\d+ +\d+ +)-?\d+( +)\d+/\d+( +/\S+/vif/)", r"\1PORT\2REF\3"),  # xl network-list: the same
    (r" +", " "),                                          # widths of columns follow from these
    (r" +(?=\n)", ""),
]


class Transcript:
    def __init__(self, dom0):
        self.dom0, self.text = dom0, ""

    def run(self, command):
        """The command's own answer and status, kept with what may differ taken out."""
        status, said = self.dom0.attempt(command, within=300)
        shown = said
        if "xentop" not in command:  # which shows no numbers of domains
            shown = re.sub(r"(?m)^((?:verbs|other) +)\d+ ", r"\1ID ", shown)
        for pattern, instead in MAY_DIFFER:
            shown = re.sub(pattern, instead, shown)
        self.text += f"# {command}\n{shown}[{status}]\n"
        return said


def must_say(said, pattern, what):
    if not re.search(pattern, said):
        raise Failed(f"{what}: /{pattern}/ is not in\n{said}")


def counts(bed, dom0):
    """What a guest that is gone must have given back."""
    free = re.search(r"free_memory +: (\d+)", dom0.run("xl info")).group(1)
    if bed.stock_xen:
        return [free]
    dom0.run("xl dmesg -c >/dev/null")
    domains = dom0.ask_core("q", r"\(core\) d0v0: .*")
    domains = re.findall(r"\(core\) (d\d+): .*(pages \d+)", dom0.run("xl dmesg -c") + domains)
    dom0.ask_core("e", r"\(core\) d0 port \d+.*")
    ports = sorted(re.findall(r"\(core\) (d\d+ port \d+: \S+)", dom0.run("xl dmesg -c")))
    return [free, domains, ports]


def in_guest(console, command, answer):
    console.send(f"echo a$((40 + 2)):$({command})\n")
    return console.expect("a42:" + answer, 120)


def sched_credit(dom0):
    """Stock Xen's default scheduler is another, so there is nothing to compare with."""
    must_say(dom0.run("xl sched-credit"), r"Domain-0 +0 +256 +0\nverbs +\d+ +256 +0\n", "xl sched-credit")
    dom0.run("xl sched-credit -d verbs -w 512 -c 50")
    must_say(dom0.run("xl sched-credit -d verbs"), r"verbs +\d+ +512 +50\n", "xl sched-credit after -w 512 -c 50")
    dom0.run("xl sched-credit -d verbs -w 256 -c 0")
    must_say(dom0.run("xl sched-credit -d verbs"), r"verbs +\d+ +256 +0\n", "xl sched-credit set back")


def cpus_and_memory(said, dom0, console):
    said.run("xl vcpu-set verbs 2")  # refused by xl: the machine has one CPU
    said.run("xl vcpu-set --ignore-host verbs 2")
    # Linux waits for somebody to put the processor to use, in Debian udev.
    in_guest(console, "cd /sys/devices/system/cpu/cpu1 && until echo 1 >online; do sleep 1; done; cat ../online", r"0-1\s")
    said.run("xl vcpu-list verbs")
    said.run("xl vcpu-set verbs 1")
    in_guest(console, "while [ $(nproc) != 1 ]; do sleep 1; done; nproc", r"1\s")
    said.run("xl vcpu-list verbs")
    for mib in (192, 256):
        said.run(f"xl mem-set verbs {mib}")
        dom0.run(f"until xl list verbs | grep -q ' {mib} '; do sleep 1; done", within=120)
    said.run("xl mem-set verbs 512")  # more than its maximum
    said.run("xl list verbs")


def rebooted(said, dom0, console):
    """A guest that is asked to reboot comes back as a new domain with the same name."""
    in_guest(console, "mkdir -p /sbin && printf '#!/bin/sh\\nexec /bin/busybox reboot -f\\n' >/sbin/reboot && chmod 755 /sbin/reboot && "
             "echo set", r"set\s")
    first = dom0.run("xl domid verbs").strip()
    said.run("xl reboot verbs")
    # It has its name before its console.
    dom0.run(f"until n=$(xl domid verbs 2>/dev/null) && [ $n != {first} ] && xenstore-read /local/domain/$n/console/tty >/dev/null 2>&1; "
             "do sleep 1; done", within=300)
    console.close()
    console = dom0.dialogue("verbs-again", "xl console verbs")
    console.expect(r"pvh-guest# ", 300, nudge="\n")
    said.run("xl list verbs")
    return console


def disks(said, dom0, console):
    in_guest(console, "insmod /modules/xen-blkfront.ko && echo loaded", r"loaded\s")
    dom0.run("modprobe loop; truncate -s 1M /tmp/verbs.img")
    said.run("xl block-list verbs")
    said.run("xl block-attach verbs phy:/dev/vdd,xvdb,r")
    said.run("xl block-attach verbs file:/tmp/verbs.img,xvdc,w")
    wanted = dom0.run("head -c 100000 /dev/vdd | sha256sum").split()[0]
    in_guest(console, "until [ -b /dev/xvdb ]; do sleep 1; done; head -c 100000 /dev/xvdb | sha256sum", wanted)
    in_guest(console, "until [ -b /dev/xvdc ]; do sleep 1; done; echo 'by the guest' | dd of=/dev/xvdc conv=fsync 2>/dev/null && "
             "echo written", r"written\s")
    must_say(dom0.run("head -n1 /tmp/verbs.img"), "^by the guest\n", "what the guest has written to a disk that is a file in dom0")
    said.run("xl block-list verbs")
    said.run("xl block-attach verbs phy:/dev/none,xvdd,w")
    for disk in ("xvdb", "xvdc", "xvdd"):
        said.run(f"xl block-detach verbs {disk}")
    in_guest(console, "while [ -e /dev/xvdb ] || [ -e /dev/xvdc ]; do sleep 1; done; echo gone", r"gone\s")
    said.run("xl block-list verbs")
    must_say(dom0.run("losetup -a; echo none"), r"^none\n", "loop devices after all disks were detached")


def networks(said, dom0, console):
    bridge_up(dom0)
    in_guest(console, "insmod /modules/xen-netfront.ko && echo loaded", r"loaded\s")
    said.run("xl network-list verbs")
    said.run(f"xl network-attach verbs mac={MAC} bridge=xenbr0")
    in_guest(console, "until ip link set eth0 up 2>/dev/null; do sleep 1; done; ip addr add 10.9.0.9/24 dev eth0; "
             "ping -c 2 -W 30 10.9.0.1 >/dev/null && cat /sys/class/net/eth0/address", MAC)
    said.run("xl network-list verbs")
    said.run("xl network-detach verbs 0")
    in_guest(console, "while [ -e /sys/class/net/eth0 ]; do sleep 1; done; echo gone", r"gone\s")
    dom0.run("while ls -d /sys/class/net/vif* 2>/dev/null; do sleep 1; done")
    said.run("xl network-list verbs")
    said.run("xl network-detach verbs 7")


def messages(bed, said, dom0):
    """What the hypervisor has to say is its own; that it is shown, and gone when it was asked to go, is not."""
    must_say(dom0.run("xl debug-keys h; xl dmesg"), r"^\((XEN|core)\) ", "xl dmesg")
    said.run("xl dmesg -c >/dev/null; xl dmesg | wc -l")
    if not bed.stock_xen:
        must_say(dom0.run("xl debug-keys i; xl dmesg"), r"^\(core\) [^\n]*\n?\(core\) the protection layer's invariant holds|"
                 r"^\(core\) the protection layer's invariant holds", "xl dmesg after a debug key")


def run(bed):
    dom0 = bed.dom0()
    before = counts(bed, dom0)
    said = Transcript(dom0)
    dom0.write("/tmp/verbs.cfg", config("verbs", 1, 2).replace("/var/lib/guests/pvh-initramfs", pvh_initramfs(dom0)))
    said.run("xl info | cut -d: -f1")
    said.run("xl info -n | grep -A3 ^device")
    said.run("xl list")
    said.run("xl cpupool-list")
    said.run("xl create -p /tmp/verbs.cfg")
    must_say(said.run("xl list"), r"verbs +\d+ +256 +1 +--p--- +0\.0", "a guest that was created paused")
    said.run("xl unpause verbs")
    console = dom0.dialogue("verbs", "xl console verbs")
    console.expect(r"pvh-guest# ", 300, nudge="\n")
    in_guest(console, "uname -s", r"Linux\s")
    said.run("xl pause verbs")
    must_say(said.run("xl list verbs"), r"-[b-]p---", "a guest that was paused")
    said.run("xl unpause verbs")
    said.run("xl domname $(xl domid verbs)")
    for command in ("rename verbs other", "domid verbs", "list other", "rename other verbs", "vcpu-list",
                    "vcpu-pin verbs 0 0", "vcpu-list verbs", "vcpu-pin verbs all all all", "vcpu-pin verbs 0 9", "uptime"):
        said.run("xl " + command)
    if not bed.stock_xen:
        sched_credit(dom0)
    said.run("xentop -b -i1")
    cpus_and_memory(said, dom0, console)
    disks(said, dom0, console)
    networks(said, dom0, console)
    messages(bed, said, dom0)
    console = rebooted(said, dom0, console)
    # Its first program is no init that could be asked to.
    in_guest(console, "echo '/bin/busybox poweroff -f' >/proc/sys/kernel/poweroff_cmd; echo set", r"set\s")
    said.run("xl shutdown --wait verbs | cut -d' ' -f1-3 | head -n1")
    dom0.run("while xl domid verbs >/dev/null 2>&1; do sleep 1; done", within=120)
    said.run("xl list")
    said.run("xl create -q /tmp/verbs.cfg")
    said.run("xl destroy verbs")
    said.run("xl list")
    said.run("xl destroy verbs")
    console.close()
    after = counts(bed, dom0)
    if after != before:
        raise Failed(f"free memory, domains and ports were {before}, are {after}")
    with open(os.path.join(bed.logs, "xl-verbs.txt"), "w", encoding="utf-8") as file:
        file.write(said.text)
    with open(GOLDEN, encoding="utf-8") as file:
        golden = file.read()
    if said.text != golden:
        raise Failed("xl does not answer as on stock Xen:\n" + "\n".join(difflib.unified_diff(
            golden.splitlines(), said.text.splitlines(), "stock Xen", "here", lineterm="")))
