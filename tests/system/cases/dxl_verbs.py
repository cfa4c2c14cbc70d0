# SPDX-License-Identifier: GPL-2.0-or-later
"""Every verb of `dxl` does to a running Debian what it says: what dom0 asks for is seen from inside the guest, and what
is set for a guest acts on the fidelity domain on whose time it runs."""
import json

from bed.batch import Refused, batch
from bed.output import Failed

from .guest import disk_kernel, log_in_and_look
from .pvh import config

CONFIG = """name = "v1"
type = "hvm"
memory = 256
disk = [ "phy:/dev/vdc,xvda,w", ",,hdc,cdrom" ]
on_poweroff = "preserve"
on_reboot = "restart"
"""
MAC = "00:16:3e:00:00:77"
NOTHING = r"\A\Z"
# The button's driver tells whoever reads its events; Debian's systemd-logind does that where it is installed.
BUTTON = ("modprobe -a button evdev i8042 atkbd virtio_balloon virtio_net; "
          "until grep -qs 'Power Button' /sys/class/input/event*/device/name; do sleep 0.2; done; "
          "for e in /dev/input/event*; do grep -q 'Power Button' /sys/class/input/${e##*/}/device/name && "
          "(head -c 24 $e >/dev/null; systemctl poweroff) & done; echo 1 >/proc/sys/kernel/sysrq; dmesg -n 8")
BRIDGE = "{ ip link show xenbr0 >/dev/null 2>&1 || ip link add xenbr0 type bridge; } && ip link set xenbr0 up"
INSERTED = "test $(dxl qmp v1 '{\"execute\":\"query-block\"}' | tr '{' '\\n' | grep -c '/dev/xvd[c-z]') "


def must(found, what):
    if not found:
        raise Failed(what)
    return found


class Guest:
    """A root shell in the guest, on its serial line."""

    def __init__(self, console):
        self.console, self.count = console, 0

    def run(self, command, within=120):
        """The answer; the echo of the command is not taken for it."""
        self.count += 1
        self.console.send(f"{command}; echo e''nd-{self.count}\n")
        return self.console.expect(rf"([\s\S]*?)end-{self.count}\s", within).group(1)

    def until(self, command, what):
        """Waits in the guest until a command succeeds."""
        must("seen" in self.run(f"for i in $(seq 100); do {command} && echo se''en && break; sleep 0.2; done", 180), what)


def pair_of(dom0):
    return json.loads(dom0.run("dxl list -l v1"))[0]


def created_paused(bed, dom0):
    dom0.write("/tmp/v1.cfg", CONFIG)
    both = batch(dom0, [
        ("dxl create -n /tmp/v1.cfg", r"machine = \"pc\"[\s\S]*vnc = 1"),
        ("dxl create -q -p /tmp/v1.cfg", NOTHING),
        ("dxl list v1", r"v1 +\d+ +280 +1 +-[b-]p---.*\nv1\.fd +\d+ "),
        ("dxl send-trigger v1 nmi", Refused(r"error: guest v1 is paused: unpause it first", 1)),
        ("xl list", None),
        ("test \"$(xl info | cut -d: -f1)\" = \"$(dxl info | cut -d: -f1)\"", NOTHING),
        ("dxl dmesg", r"\(core\)"),
    ])
    must(both["xl list"].splitlines()[0] == both["dxl list v1"].splitlines()[0], "the heads of xl list and dxl list differ")
    pair = pair_of(dom0)
    bed.figure(f"dxl-verbs: memory of a pair beyond its guest's {pair['memory_kib'] >> 10} MiB of RAM: "
               f"{(pair['pool_kib'] - pair['memory_kib']) >> 10} MiB in the guest's pool, "
               f"{pair['fidelity_memory_kib'] >> 10} MiB of the fidelity domain")
    must(pair["type"] == "pair" and pair["state"] == "paused", f"dxl list -l: {pair}")
    return pair


def names(pair):
    return [
        ("dxl domid v1", rf"^{pair['domid']}$"),
        (f"dxl domname {pair['fidelity_domid']}", r"^v1\.fd$"),
        ("dxl rename v1 v2 && xl domname $(dxl domid v2) && xl domid v2.fd", rf"^v2\n{pair['fidelity_domid']}$"),
        ("dxl rename v2 Domain-0", Refused(r"a domain named \"Domain-0\" exists already", 1)),
        ("dxl rename v2 v1 && dxl uptime v1", r"v1 +\d+"),
    ]


CPUS = [
    ("dxl pause v1 && dxl list v1", r"v1 .* -[b-]p---"),
    ("dxl unpause v1", NOTHING),
    ("dxl vcpu-pin v1 0 0 && xl vcpu-list v1.fd", r"v1\.fd +\d+ +0 +0 .* (0|all) / all"),
    ("dxl vcpu-list v1", r"v1 +\d+ +0 +0 .*\d+\.\d +(0|all) / all\n"),
    ("dxl vcpu-pin v1 0 9", Refused(r"affinity map is empty", 1)),
    ("dxl vcpu-pin v1 0 all && dxl vcpu-list v1", r" all / all\n"),
    ("dxl sched-credit -d v1 -w 512 -c 90 && xl sched-credit -d v1.fd", r"v1\.fd +\d+ +512 +90\n"),
    ("dxl sched-credit -d v1", r"v1 +\d+ +512 +90\n"),
    ("dxl sched-credit -d v1 -w 256 -c 0 && dxl sched-credit", r"v1\.fd +\d+ +256 +0\n"),
    ("{ sleep 3; printf q; } | TERM=vt100 script -qec 'dxl top' /dev/null | tr -d '\\r'", r"xentop[\s\S]*v1\.fd"),
]


def keys_and_screen(dom0, guest):
    guest.run("for i in 1 2 3 4 5; do echo HHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHH >/dev/tty1; done")
    said = batch(dom0, [
        ("dxl send-trigger v1 nmi", NOTHING),
        ("dxl sysrq v1 h", NOTHING),
        ("dxl screenshot v1 /tmp/v1.ppm", None),
        ("head -n 2 /tmp/v1.ppm | tail -n 1; stat -c %s /tmp/v1.ppm", r"^\d+ \d+\n\d+$"),
        # What the guest wrote on its screen is bright.
        ("test $(tail -c +16 /tmp/v1.ppm | tr -d '\\000' | wc -c) -gt 1000", None),
        # Twice at once, and again after that: viewers come and go.
        *2 * [("port=$(xenstore-read /local/domain/$(dxl domid v1)/console/vnc-port); exec 3<>/dev/tcp/127.0.0.1/$port; "
               "head -c 11 <&3; exec 4<>/dev/tcp/127.0.0.1/$port; head -c 11 <&4; exec 3>&- 4>&-", r"RFB 003.008RFB 003.008")],
        ("dxl vncviewer v1", Refused(r"127\.0\.0\.1, TCP port 59\d\d", 1)),
    ])
    width, height, length = (int(n) for n in said["head -n 2 /tmp/v1.ppm | tail -n 1; stat -c %s /tmp/v1.ppm"].split())
    must(length == 3 * width * height + len(f"P6\n{width} {height}\n255\n"), f"{width} by {height} pixels in {length} bytes")
    guest.console.expect(r"NMI[\s\S]*sysrq: HELP", 120)


def plugged(dom0, guest):
    """Memory, a disk, a network card and discs, in two goes: put in, taken out."""
    guest.until("test $(awk '/MemTotal/ {print $2}' /proc/meminfo) -gt 200000", "the guest does not start with its RAM")
    batch(dom0, [
        ("dxl mem-set v1 160", NOTHING),
        ("dxl mem-set v1 257", Refused(r"can have 16 to 256 MiB", 1)),
        ("truncate -s 2M /tmp/v1.iso && dxl cd-insert v1 hdc /tmp/v1.iso", None),
        (INSERTED + "-gt 0", None),
        ("dxl block-list v1", r"hdc +ide +cdrom +ro +raw +/tmp/v1\.iso"),
        ("cp /tmp/v1.iso /tmp/v2.iso && dxl cd-insert v1 hdc /tmp/v2.iso && dxl cd-eject v1 hdc", None),
        (INSERTED + "-eq 0", None),
        ("losetup -a", r"\A(?![\s\S]*v[12]\.iso)"),
        ("dxl cd-insert v1 xvda /tmp/v1.iso", Refused(r"xvda of guest v1 is no CD-ROM drive", 1)),
        ("truncate -s 8M /tmp/v1.disk && dxl block-attach v1 /tmp/v1.disk,raw,xvdb,w", None),
        ("dxl block-list v1", r"xvda +virtio +disk +rw +raw +/dev/vdc\nhdc +ide +cdrom +ro +raw +\(empty\)\n"
                              r"xvdb +virtio +disk +rw +raw +/tmp/v1\.disk\n"),
        ("dxl block-attach v1 /tmp/v1.disk,raw,xvdb,w", Refused(r"there are two disks named xvdb", 1)),
        (BRIDGE, None),
        (f"dxl network-attach v1 mac={MAC} bridge=xenbr0", None),
    ])
    guest.until("test $(awk '/MemTotal/ {print $2}' /proc/meminfo) -lt 150000", "mem-set is not seen by the guest")
    guest.until("test \"$(cat /sys/block/vdb/size 2>/dev/null)\" = 16384", "the guest does not see the new disk")
    guest.run("echo written-by-v1 >/dev/vdb; sync /dev/vdb")
    guest.until(f"grep -qs {MAC} /sys/class/net/*/address", "the guest does not see the new network card")
    guest.run(f"for n in /sys/class/net/*; do grep -q {MAC} $n/address && n=${{n##*/}} && break; done; ip link set $n up")
    batch(dom0, [
        ("dxl network-list v1", rf"0 +{MAC} +virtio-net +xenbr0 +vif\d+\.0 +\d+ +\d+"),
        ("dxl mem-set v1 256m", NOTHING),
        ("dxl block-detach v1 xvdb", None),
        ("head -n 1 /tmp/v1.disk | tr -d '\\0'", r"^written-by-v1$"),
        ("dxl block-detach v1 xvdb", Refused(r"guest v1 has no disk xvdb", 1)),
        (f"dxl network-detach v1 {MAC}", None),
        # The place of one that is gone is free for another.
        (f"dxl network-attach v1 mac={MAC} bridge=xenbr0", None),
    ])
    guest.until(f"grep -qs {MAC} /sys/class/net/*/address", "the guest does not see the network card that was plugged again")
    guest.run(f"for n in /sys/class/net/*; do grep -q {MAC} $n/address && n=${{n##*/}} && break; done; ip link set $n up; "
              "ip addr add 10.77.0.2/24 dev $n; for i in 1 2 3 4 5; do echo >/dev/udp/10.77.0.1/9; sleep 1; done")
    batch(dom0, [
        ("dxl network-list v1", rf"0 +{MAC} +virtio-net +xenbr0 +vif\d+\.0 +\d+ +[1-9]\d*\n"),
        (f"dxl network-detach v1 {MAC}", None),
    ])
    guest.until("test $(awk '/MemTotal/ {print $2}' /proc/meminfo) -gt 200000", "the guest does not get its RAM back")
    guest.until("test ! -e /sys/block/vdb", "the guest still has the disk")
    guest.until(f"! grep -qs {MAC} /sys/class/net/*/address", "the guest still has the network card")


def ends(dom0, pair):
    """The button, with on_reboot: the pair is built again, with what was plugged in since."""
    batch(dom0, [
        ("dxl block-attach v1 /tmp/v1.disk,raw,xvdb,w", None),
        ("dxl reboot v1", NOTHING),
        (f"for i in $(seq 300); do now=$(dxl domid v1 2>/dev/null) && test $now != {pair['domid']} && break; sleep 1; done; "
         f"test -n \"$now\" && test \"$now\" != {pair['domid']}", None),
        ("dxl block-list v1", r"xvdb +virtio +disk +rw +raw +/tmp/v1\.disk\n"),
        ("cat /var/log/diptych/v1.log", r"has ended: poweroff[\s\S]*building it again"),
        ("dxl destroy v1", None),
    ], within=1200)


def with_console(dom0):
    """create -c of a pair, and of a PVH guest, which is handed to xl."""
    console = dom0.dialogue("v1-create", "dxl create -c /tmp/v1.cfg")
    console.expect(r"guest login: ", 300)
    console.close()
    dom0.write("/tmp/pvh1.cfg", config("pvh1"))
    batch(dom0, [
        ("dxl list", r"\nv1 [\s\S]*\nv1\.fd "),
        ("dxl destroy v1", None),
        ("dxl create -p /tmp/pvh1.cfg", None),
        ("dxl list pvh1", r"pvh1 +\d+ +\d+ +1 +--p---"),
    ])
    dom0.run("dxl unpause pvh1")
    console = dom0.dialogue("v1-pvh", "dxl console pvh1")
    console.expect(r"pvh-guest# ", 300, nudge="\n")
    console.close()
    dom0.run("dxl destroy pvh1; rm -f /tmp/pvh1.cfg", within=300)


def run(bed):
    dom0 = bed.dom0()
    dom0.run("rm -f /var/log/diptych/v1.log")
    pair = created_paused(bed, dom0)
    batch(dom0, names(pair) + [("dxl unpause v1", NOTHING)])
    guest = Guest(dom0.dialogue("v1", "dxl console v1"))
    log_in_and_look(guest.console, disk_kernel(bed))
    guest.run(BUTTON)
    batch(dom0, CPUS)
    keys_and_screen(dom0, guest)
    plugged(dom0, guest)
    ends(dom0, pair)
    guest.console.close()
    with_console(dom0)
    dom0.run("rm -f /tmp/v1.* /tmp/v2.iso; ! grep -q diptych /proc/mounts")
    if dom0.domains() != ["Domain-0"]:
        raise Failed("`xl list` still shows a panel after destroy")
