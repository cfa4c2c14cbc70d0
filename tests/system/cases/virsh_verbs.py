# SPDX-License-Identifier: GPL-2.0-or-later
"""Every virsh command on one pair and one PVH guest: what it says, what the guest sees of it, and what is refused; a
restart of libvirtd in between changes nothing; nothing is left behind."""
import re

from bed.output import Failed
from bed.virsh import Refused, batch, virsh

from .guest import disk_kernel, log_in_and_look
from .xl_verbs import counts

PAIR = """<domain type='xen'><name>one</name>
<uuid>4dea22b3-1d52-d8f3-2516-782e98ab3fa0</uuid><memory unit='MiB'>256</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>
<devices><disk type='block' device='disk'><source dev='/dev/vdd'/><target dev='vda' bus='virtio'/></disk>
<interface type='bridge'><mac address='00:16:3e:01:02:03'/><source bridge='br0'/><model type='virtio'/></interface>
<graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1'/>
<serial type='pty'/></devices></domain>
"""
PVH = """<domain type='xen'><name>lean</name><memory unit='MiB'>256</memory><vcpu current='1'>2</vcpu>
<os><type arch='x86_64'>xenpvh</type><kernel>/var/lib/guests/vmlinux</kernel><initrd>/var/lib/guests/pvh-initramfs</initrd>
<cmdline>console=hvc0 quiet</cmdline></os>
<devices><interface type='bridge'><source bridge='br0'/></interface></devices></domain>
"""
NOTHING = r"\A\s*\Z"

HOST = [
    ("uri", r"^xen:///system$"),
    ("version", r"Using API: Xen 9\.0\.0\nRunning hypervisor: Xen 4\.17\.0"),
    ("hostname", r"^dom0$"),
    ("nodeinfo", r"CPU model: +x86_64\nCPU\(s\): +1\n(.*\n)*Memory size: +4[01]\d{5} KiB"),
    ("nodecpumap", r"CPUs present: +1"),
    ("freecell", r"^Total: +\d+ KiB|^\d+ KiB"),
    ("freecell --cellno 0", r"0: \d+ KiB"),
    ("freecell --cellno 3", Refused(r"3")),
    ("capabilities", r"<os_type>hvm</os_type>(.*\n)*.*<os_type>xenpvh</os_type>"),
    ("domcapabilities", r"<value>vnc</value>"),
    ("maxvcpus", r"^\d+$"),
    ("list --all --name", NOTHING),
    ("net-list --all", None),   # of libvirt's stock modules
    ("pool-list --all", None),
]

DEFINED = [
    ("define /tmp/one.xml", r"Domain 'one' defined"),
    ("define /tmp/one.xml", r"Domain 'one' defined"),
    ("list --all", r"- +one +shut off"),
    ("list --name", NOTHING),
    ("list --inactive --name", r"^one$"),
    ("list --all --uuid", r"^4dea22b3-1d52-d8f3-2516-782e98ab3fa0$"),
    ("list --all --persistent --no-autostart --state-shutoff --name", r"^one$"),
    ("list --all --transient --name", NOTHING),
    ("dominfo one", r"State: +shut off\nCPU\(s\): +1\nMax memory: +262144 KiB\n(.*\n)*Persistent: +yes\nAutostart: +disable"),
    ("domstate one --reason", r"shut off"),
    ("domid one", r"^-$"),
    ("domname 4dea22b3-1d52-d8f3-2516-782e98ab3fa0", r"^one$"),
    ("domuuid one", r"^4dea22b3-1d52-d8f3-2516-782e98ab3fa0$"),
    ("dumpxml one", r"<name>one</name>(.*\n)*.*/dev/vdd"),
    ("!virsh -q -c xen:///system dumpxml one >/tmp/again.xml && virsh -c xen:///system define /tmp/again.xml", r"defined"),
    ("autostart one", r"marked as autostarted"),
    ("list --all --autostart --name", r"^one$"),
    ("!ls -l /etc/libvirt/diptych/autostart", r"one\.xml -> "),
    ("autostart one --disable", r"unmarked"),
    ("desc one --config --title First", r"updated"),
    ("desc one --config A first guest", r"updated"),
    ("list --all --title", r"one +shut off +First"),
    ("desc one --config", r"A first guest"),
    ("metadata one --config --uri urn:mine --key mine --set '<note>7</note>'", r"modified"),
    ("metadata one --config --uri urn:mine", r"<note>7</note>"),
    ("domrename one two", r"renamed"),
    ("list --all --name", r"^two$"),
    ("domrename two one", r"renamed"),
    ("domxml-to-native xen-xl --domain one", r'^name = "one"'),
    ("!virsh -q -c xen:///system domxml-to-native xen-xl --domain one >/tmp/one.cfg && "
     "virsh -q -c xen:///system domxml-from-native xen-xl /tmp/one.cfg", r"<name>one</name>(.*\n)*.*/dev/vdd"),
    ("setmaxmem one 320M --config", None),
    ("dominfo one", r"Max memory: +327680 KiB"),
    ("setmaxmem one 256M --config", None),
    ("setvcpus one 99 --config", Refused(r"vCPU")),
    ("vcpucount one", r"maximum +config +1\n(.*\n)*current +config +1"),
    ("vcpupin one 0 0 --config", None),
    ("vcpupin one", r"0 +0$"),
    ("vcpuinfo one --pretty", r"VCPU: +0"),
    ("attach-disk one /srv/vdb.img vdb --config", r"attached"),
    ("domblklist one", r"vdb +/srv/vdb\.img"),
    ("detach-disk one vdb --config", r"detached"),
    ("attach-interface one bridge br0 --mac 00:16:3e:09:09:09 --model e1000 --config", r"attached"),
    ("domiflist one", r"bridge +br0 +e1000 +00:16:3e:09:09:09"),
    ("detach-interface one bridge --mac 00:16:3e:09:09:09 --config", r"detached"),
    ("domblkinfo one vda", r"Capacity: +\d{8,}"),
    ("suspend one", Refused(r"not running")),
    ("console one", Refused(r"not running")),
    ("send-key one KEY_A", Refused(r"not running")),
    ("start nothing", Refused(r"failed to get domain 'nothing'")),
]

LIVE = [
    ("domid one", r"^\d+$"),
    ("list", r"\d+ +one +running"),
    ("list --state-running --name", r"^one$"),
    ("domstate one --reason", r"running"),
    ("dominfo one", r"State: +running\n(.*\n)*CPU time: +\d+\.\ds"),
    ("domcontrol one", r"^ok$"),
    ("start one", Refused(r"already active")),
    ("dumpxml one", r"<domain type='xen' id='\d+'>(.*\n)*.*<target dev='vif\d+\.0'/>(.*\n)*.*port='59\d\d'"),
    ("vncdisplay one", r"^127\.0\.0\.1:\d+$"),
    ("domdisplay one", r"^vnc://127\.0\.0\.1:\d+$"),
    ("ttyconsole one", r"^/dev/pts/\d+$"),
    ("vcpucount one", r"current +live +1"),
    ("vcpuinfo one", r"VCPU: +0\nCPU: +0\nState: +\w+\nCPU time: +\d+\.\ds\nCPU Affinity: +y"),
    ("vcpupin one", r"0 +0$"),
    ("vcpupin one 0 0 --live", None),
    ("vcpupin one 5 0 --live", Refused(r"vcpu")),
    ("setvcpus one 1 --live", Refused(r"keeps its vCPUs")),
    ("cpu-stats one --total", r"cpu_time +\d+\.\d+ seconds"),
    ("dommemstat one", r"actual 262144\nrss \d{6}"),
    ("schedinfo one", r"Scheduler +: credit\nweight +: 256\ncap +: 0"),
    ("schedinfo one --set weight=512 --set cap=90", r"weight +: 512\ncap +: 90"),
    ("schedinfo one", r"weight +: 512\ncap +: 90"),
    ("schedinfo one --set weight=256 --set cap=0", r"weight +: 256\ncap +: 0"),
    ("setmaxmem one 512M --live", Refused(r".")),
    ("setmem one 99G --live", Refused(r"more than the domain's maximum")),
    ("domblklist one --details", r"block +disk +vda +/dev/vdd"),
    ("domblkinfo one vda", r"Capacity: +\d{8,}"),
    ("domblkstat one vda", r"vda rd_req \d{3,}\nvda rd_bytes \d{7,}"),
    ("domblkstat one", r"rd_req \d{3,}"),
    ("domblkstat one vdz", Refused(r"invalid path")),
    ("domiflist one", r"vif\d+\.0 +bridge +br0 +virtio +00:16:3e:01:02:03"),
    ("!virsh -q -c xen:///system domifstat one $(virsh -q -c xen:///system domiflist one | awk '{print $1}')", r"vif\d+\.0 rx_bytes \d+"),
    ("domifaddr one --source arp", None),
    ("domifaddr one --source agent", Refused(r"agent|source")),
    ("domstats one", r"state\.state=1(.*\n)*.*cpu\.time=\d{9,}(.*\n)*.*net\.0\.rx\.bytes=\d+(.*\n)*.*block\.0\.rd\.reqs=\d+"),
    ("domstats --vcpu --enforce", r"vcpu\.maximum=1"),
    ("domstats --perf --enforce", Refused(r"domstats: groups")),
    ("metadata one --live --uri urn:mine --key mine --set '<note>8</note>'", r"modified"),
    ("metadata one --live --uri urn:mine", r"<note>8</note>"),
    ("shutdown one --mode paravirt", Refused(r"only acpi")),
    ("domrename one two", Refused(r"active domain")),
    ("save one /tmp/saved", Refused(r"not supported by the connection driver: virDomainSave")),
    ("managedsave one", Refused(r"not supported by the connection driver: virDomainManagedSave")),
    ("snapshot-create one", Refused(r"not supported by the connection driver: virDomainSnapshot")),
    ("dump one /tmp/core", Refused(r"not supported by the connection driver")),
    ("migrate one xen+ssh://nowhere/", Refused(r".")),
    ("attach-device one /tmp/hostdev.xml", Refused(r"devices/hostdev.* is not supported by Diptych")),
    ("suspend one", r"suspended"),
    ("domstate one", r"^paused$"),
    ("list --state-paused --name", r"^one$"),
    ("!systemctl restart libvirtd", None),
    ("domstate one", r"^paused$"),
    ("resume one", r"resumed"),
    ("domstate one", r"^running$"),
    ("screenshot one --file /tmp/one.ppm", r"image/x-portable-pixmap"),
    ("!head -c 15 /tmp/one.ppm", r"^P6\s\d+ \d+\s255"),
    ("screenshot one --screen 3", Refused(r"no screen 3")),
]


class Guest:
    """The guest's end: a root shell on its serial line."""

    def __init__(self, dom0, bed):
        self.dom0, self.console = dom0, None
        self.kernel = disk_kernel(bed)
        self.open()

    def open(self):
        self.console = self.dom0.dialogue("one", "virsh -c xen:///system console one")

    def reopen(self):
        """A restart of libvirtd ended the console that went through it.  What is typed before it is open is lost."""
        self.console.close()
        self.open()
        self.console.expect(r"root@guest:\S* ?# ?", 120, nudge="\n")

    def ask(self, command, answer, within=120):
        self.console.send(f"echo a$((40 + 2)):$({command})\n")
        return self.console.expect("a42:" + answer, within)


def plug(dom0, guest):
    """Keys, an NMI and a disk reach the guest."""
    guest.ask("for m in button evdev atkbd virtio_pci acpiphp; do modprobe -q $m; done; echo ok", r"ok\s")
    guest.ask("(timeout 300 cat /dev/input/event* | head -c 48 | wc -c >/tmp/keys; echo) >/dev/null 2>&1 & echo ok", r"ok\s")
    before = int(guest.ask("awk '/NMI:/ {print $2}' /proc/interrupts", r"(\d+)\s").group(1))
    batch(dom0, [
        ("send-key one --holdtime 50 KEY_A KEY_B", None),
        ("inject-nmi one", None),
        ("attach-disk one /srv/vdb.img vdb --live", r"attached"),
        ("domblklist one", r"vdb +/srv/vdb\.img"),
        ("attach-disk one /srv/vdb.img vdb --live", Refused(r"already exists")),
    ])
    guest.ask("while [ ! -b /dev/vdb ]; do sleep 1; done; blockdev --getsize64 /dev/vdb", r"8388608\s")
    guest.ask(f"while [ $(awk '/NMI:/ {{print $2}}' /proc/interrupts) = {before} ]; do sleep 1; done; echo nmi", r"nmi\s")
    guest.ask("while [ ! -s /tmp/keys ]; do sleep 1; done; cat /tmp/keys", r"48\s")
    guest.ask("dd if=/dev/vdb of=/dev/null bs=1M count=2 2>/dev/null; echo read", r"read\s")
    batch(dom0, [
        ("domblkstat one vdb", r"vdb rd_bytes [2-9]\d{6}\n"),
        ("attach-interface one bridge br0 --mac 00:16:3e:09:09:09 --model virtio --live", r"attached"),
        ("domiflist one", r"vif\d+\.1 +bridge +br0 +virtio +00:16:3e:09:09:09"),
        ("!virsh -q -c xen:///system domifstat one $(virsh -q -c xen:///system domiflist one | awk '/09:09:09/ {print $1}')",
         r"vif\d+\.1 rx_bytes \d+"),
        ("detach-interface one bridge --mac 00:16:3e:09:09:09 --live", r"detached"),
        ("detach-disk one vdb --live", r"detached"),
    ])
    guest.ask("while [ -b /dev/vdb ]; do sleep 1; done; echo gone", r"gone\s")


def end_by_button(dom0, guest, verb):
    """The guest has no acpid: the first event of a button is its order to end."""
    how = "reboot" if verb == "reboot" else "poweroff"
    guest.ask(f"for e in /dev/input/event*; do (head -c 24 $e && systemctl {how}) >/dev/null 2>&1 & done; echo ok", r"ok\s")
    batch(dom0, [(f"{verb} one", None)])


def pair(bed, dom0):
    batch(dom0, DEFINED)
    virsh(dom0, "start one --paused", within=600)
    guest = Guest(dom0, bed)
    batch(dom0, [("domstate one", r"^paused$"), ("resume one", r"resumed"), ("domstate one", r"^running$")])
    log_in_and_look(guest.console, guest.kernel)
    batch(dom0, LIVE)
    guest.reopen()
    plug(dom0, guest)
    end_by_button(dom0, guest, "shutdown")
    dom0.run("until virsh -q -c xen:///system domstate one | grep -q 'shut off'; do sleep 1; done", within=300)
    guest.console.close()
    batch(dom0, [("domstate one --reason", r"shut off \(shutdown\)"), ("start one", r"started"),
                 ("reset one", r"reset"), ("destroy one", r"destroyed"),
                 ("domstate one --reason", r"shut off \(destroyed\)"), ("undefine one", r"undefined"),
                 ("create /tmp/one.xml --paused", r"created"), ("list --transient --name", r"^one$"),
                 ("undefine one", Refused(r"transient")), ("destroy one", r"destroyed"), ("list --all --name", NOTHING)])


def pvh_console(dom0):
    """A restart of libvirtd ends a console that goes through it: the next is a new one."""
    console = dom0.dialogue("lean", "virsh -c xen:///system console lean")
    console.expect(r"pvh-guest# ", 300, nudge="\n")
    return console


def pvh(dom0):
    batch(dom0, [
        ("define /tmp/lean.xml", r"defined"),
        ("start lean", r"started"),
        ("start lean", Refused(r"already active")),
        ("dominfo lean", r"OS Type: +xenpvh\nState: +running"),
        ("ttyconsole lean", r"^/dev/pts/\d+$"),
        ("vncdisplay lean", Refused(r".")),
        ("screenshot lean", Refused(r"has no screen")),
        ("send-key lean KEY_A", Refused(r"has no keyboard")),
        ("vcpuinfo lean", r"\AVCPU: +0\n(?!(.*\n)*VCPU)"),
        ("setvcpus lean 2 --live", None),
        ("vcpuinfo lean", r"VCPU: +1\nCPU: +-1\nState: +offline"),
    ])
    console = pvh_console(dom0)
    # Linux waits for somebody to put the processor to use, in Debian udev.
    console.send("until echo 1 >/sys/devices/system/cpu/cpu1/online; do sleep 1; done; echo $((6 * 7))-$(nproc)\n")
    console.expect(r"42-2", 120)
    batch(dom0, [
        ("vcpuinfo lean", r"VCPU: +1\nCPU: +0\nState: +(running|idle|blocked)"),
        ("vcpucount lean --current --live", r"^2$"),
        ("setvcpus lean 3 --live", Refused(r"maximum")),
        ("setvcpus lean 1 --live", None),
        ("setmem lean 192M --live", None),
        ("dommemstat lean", r"actual 196608"),
        ("vcpupin lean 0 0", None),
        ("schedinfo lean --set weight=300", r"weight +: 300"),
        ("attach-disk lean /dev/vdd xvdb --live --targetbus xen", r"attached"),
        ("domblkstat lean xvdb", r"xvdb rd_req \d+"),
        ("domiflist lean", r"vif\d+\.0"),
        ("attach-interface lean bridge br0 --mac 00:16:3e:09:09:09 --live", r"attached"),
        ("domiflist lean", r"vif\d+\.1 +bridge +br0 .*00:16:3e:09:09:09"),
        ("domstats lean", r"balloon\.current=196608"),
        ("suspend lean", r"suspended"),
        ("domstate lean", r"^paused$"),
        ("!systemctl restart libvirtd", None),
        ("domstate lean", r"^paused$"),
        ("resume lean", r"resumed"),
    ])
    console.close()
    console = pvh_console(dom0)
    console.send("while [ $(nproc) != 1 ]; do sleep 1; done; echo $((6 * 7))-$(nproc)\n")
    console.expect(r"42-1", 120)
    batch(dom0, [("!xl block-list lean", r"^51728 "), ("detach-disk lean xvdb --live", r"detached"),
                 ("!xl block-list lean", r"\A(Vdev .*\n)?\Z")])
    # Its first program is no init that could be asked to.
    console.send("echo '/bin/busybox poweroff -f' >/proc/sys/kernel/poweroff_cmd; echo $((6 * 7))-set\n")
    console.expect(r"42-set", 60)
    batch(dom0, [("shutdown lean", None)])
    dom0.run("until virsh -q -c xen:///system domstate lean | grep -q 'shut off'; do sleep 1; done", within=120)
    console.close()
    batch(dom0, [("domstate lean --reason", r"shut off \(shutdown\)"), ("start lean --paused", r"started"),
                 ("destroy lean", r"destroyed"), ("undefine lean", r"undefined"), ("list --all --name", NOTHING)])


def run(bed):
    dom0 = bed.dom0()
    dom0.run("ip link show br0 >/dev/null 2>&1 || { ip link add br0 type bridge && ip link set br0 up; }; "
             "mkdir -p /srv; truncate -s 8M /srv/vdb.img")
    for name, text in (("one", PAIR), ("lean", PVH), ("hostdev", "<hostdev mode='subsystem' type='pci'/>")):
        dom0.write(f"/tmp/{name}.xml", text)
    virsh(dom0, "uri")
    before = counts(bed, dom0)
    batch(dom0, HOST)
    pvh(dom0)
    pair(bed, dom0)
    after = counts(bed, dom0)
    if after != before:
        raise Failed(f"free memory, domains and ports were {before}, are {after}")
    left = dom0.run("ls /run/libvirt/diptych /etc/libvirt/diptych /run/diptych 2>/dev/null; ls /tmp/*.ppm; rm /tmp/*.ppm")
    if re.search(r"one|lean", re.sub(r".*\.ppm", "", left)):
        raise Failed(f"left behind:\n{left}")
