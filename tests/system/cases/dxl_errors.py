# SPDX-License-Identifier: GPL-2.0-or-later
"""What is wrong with a guest's configuration is said by `dxl create` in one clear line that names file and line, with a
status other than 0; and neither that, nor a kill at any point of a creation, nor the death of a panel or of the monitor
leaves a domain, a page, a key in xenstore, a loop device or a file behind."""
from bed import answering_disk
from bed.batch import Refused, batch
from bed.output import Failed

from .left import Left

GOOD = ["name = \"e1\"", "type = \"hvm\"", "memory = 64", "vga = \"none\"", "disk = [ \"/tmp/e1.img,raw,xvda,w\" ]"]
PANELS = ["e1", "e1.fd"]
KILLS, KILLS_FULL = 6, 40

# What is added to a good configuration (as its line 6), or replaces its line; the message; the status.
WRONG = [
    ("memory = 64 MB", 3, r"e1\.cfg:3: ", 1),
    ("]", 6, r"e1\.cfg:6: ", 1),
    ("type = \"pv\"", 2, r"e1\.cfg:2: type: \"pv\" is not supported; hvm and pvh are", 1),
    ("disk = [ \"/tmp/none.img,raw,xvda,w\" ]", 5, r"e1\.cfg:5: disk /tmp/none\.img: No such file or directory", 1),
    ("disk = [ \"/tmp/e1.img,raw,xvda,w\",\n \"/tmp/e1.img,qcow2,xvdb,w\" ]", 5,
     r"e1\.cfg:6: disk /tmp/e1\.img: is no qcow2 image", 1),
    ("disk = [ \"/tmp/e1.img,raw,xvda,w\",\n \"/tmp/e1.img,raw,xvda,r\" ]", 5,
     r"e1\.cfg:6: there are two disks named xvda", 1),
    ("disk = [ \"/proc/version,raw,xvda,r\" ]", 5, r"e1\.cfg:5: disk /proc/version: 0 bytes are not whole sectors", 1),
    ("vga = \"stdvga\"\nvnclisten = \"localhost\"", 4, r"e1\.cfg: vnclisten: \"localhost\" is no address", 1),
    ("vga = \"stdvga\"\nvnclisten = \"192.0.2.1\"", 4, r"e1\.cfg: the screen cannot be at 192\.0\.2\.1: Cannot assign", 1),
    ("vif = [ \"bridge=nobr0\" ]", 6, r"e1\.cfg:6: vif: there is no bridge nobr0", 1),
    ("vif = [ \"mac=1:2\" ]", 6, r"e1\.cfg:6: vif: .* is not the address of one adapter", 1),
    ("stubdomain_kernel = \"/tmp/none\"", 6, r"e1\.cfg:6: kernel of the fidelity domain, /tmp/none: No such file", 1),
    ("stubdomain_kernel = \"/etc/passwd\"", 6, r"the fidelity domain cannot be built: .+", 1),
    ("memory = 65536", 3, r"e1\.cfg:3: not enough memory: guest and fidelity domain need \d+ MiB, \d+ MiB are free", 1),
    ("name = \"Domain-0\"", 1, r"e1\.cfg:1: a domain named \"Domain-0\" exists already", 1),
    ("vcpus = 1000", 6, r"e1\.cfg:6: vcpus is 1000: a guest can have \d+", 1),
    ("kernel = \"/vmlinuz\"", 6, r"e1\.cfg:6: kernel: a real guest boots by its firmware", 1),
    ("pci = [ \"01:00.0\" ]", 6, r"e1\.cfg:6: pci: passing devices through is not supported", 1),
]
USAGE = [("create", "too few arguments"), ("nonsense", "there is no verb \"nonsense\""), ("list --nonsense", "unrecognized option"),
         ("send-trigger Domain-0", "too few arguments"), ("create /tmp/e1.cfg nonsense", "not KEY=VALUE")]
NOBODY = ["destroy nobody", "pause nobody", "shutdown nobody", "console nobody", "domid nobody", "vcpu-list nobody",
          "block-list nobody", "screenshot nobody /tmp/x", "mem-set nobody 64"]


def config(line=None, number=6):
    lines = list(GOOD)
    if line is not None:
        lines[number - 1:number] = [line]
    return "\n".join(lines) + "\n"


def refused():
    """Of configurations, words, and names that nobody has."""
    lines = []
    for number, (line, at, message, status) in enumerate(WRONG):
        # The name of the file is the same for all: it is in the messages.
        lines.append((f"mkdir -p /tmp/w{number} && cd /tmp/w{number} && cat >e1.cfg <<'CFG'\n{config(line, at)}CFG\n"
                      "dxl create -q e1.cfg", Refused(rf"(?s)rror: .*{message}", status)))
    lines.append(("dxl create /tmp/none.cfg", Refused(r"/tmp/none\.cfg: No such file or directory", 1)))
    lines += [("dxl " + words, Refused(message, 2)) for words, message in USAGE]
    lines += [(f"dxl {words}", Refused(r"there is no domain \"nobody\"", 1)) for words in NOBODY]
    return lines + [("rm -r /tmp/w[0-9]*", None)]


def in_use(dom0):
    """The name of a pair that is there, and a pair's ends without a user."""
    batch(dom0, [("dxl create -q -p /tmp/e1.cfg", r"\A\Z"),
                 ("dxl create -q -p /tmp/e1.cfg", Refused(r"e1\.cfg:1: a domain named \"e1\" exists already", 1)),
                 ("xl destroy e1.fd", None)])


def monitor_dies(dom0):
    batch(dom0, [("dxl create -q -p /tmp/e1.cfg", r"\A\Z"),
                 ("pkill -KILL -x diptych-monitor; dxl list | grep e1.fd && pgrep -x diptych-monitor", r"^\d+$"),
                 ("xl destroy e1", None)])


def lives(dom0):
    console = dom0.dialogue("e1", "dxl console e1")
    console.expect("READY", 300)
    answering_disk.answers(console, "abc")
    console.close()


def kills(dom0, left, count):
    """From the first moment to after the end of a creation."""
    took = dom0.run("s=$(date +%s%N); dxl create -q /tmp/e1.cfg && e=$(date +%s%N) && echo $(((e - s) / 1000000))", within=300)
    whole = int(took.split()[-1])
    lives(dom0)
    dom0.run("dxl destroy e1", within=300)
    left.nothing_by("a pair that lived")
    finished = []
    for number in range(count):
        after = f"{whole * (number + 0.5) / count / 1000:.2f}"
        # Nobody calls dxl: what was left is removed all the same, or the pair is whole.
        there = dom0.run(f"(dxl create -q /tmp/e1.cfg & sleep {after}; kill -KILL $!; wait) >/dev/null 2>&1; "
                         "for i in $(seq 60); do test -e /run/diptych/building || break; sleep 1; done; "
                         "xl list | awk 'NR > 2 { print $1 }'", within=300).split()
        if there:
            finished.append(after)
            if sorted(there) != PANELS:
                raise Failed(f"killed after {after} s, dxl create has left {there}")
            lives(dom0)
            dom0.run("dxl destroy e1", within=300)
        left.nothing_by(f"dxl create, killed after {after} s of {whole / 1000:.2f} s,")
    return f"{count} kills of dxl create within {whole / 1000:.1f} s; after these the pair was whole: {finished}"


def run(bed):
    dom0 = bed.dom0()
    answering_disk.put(dom0, "/tmp/e1.img")
    dom0.write("/tmp/e1.cfg", config())
    dom0.run("rm -f /var/log/diptych/e1.log")
    dom0.run("dxl create -q -p /tmp/e1.cfg && dxl destroy e1", within=300)  # what the first one makes for all
    left = Left(dom0)
    batch(dom0, refused(), within=1200)
    left.nothing_by("a refused configuration")
    in_use(dom0)
    left.nothing_by("a fidelity domain that was destroyed")
    if "guest" not in dom0.run("grep -h 'has ended: fidelity' /var/log/diptych/e1.log"):
        raise Failed("the log does not say that the fidelity domain ended first")
    monitor_dies(dom0)
    left.nothing_by("a guest whose monitor was killed")
    bed.figure("dxl-errors: " + kills(dom0, left, KILLS_FULL if bed.full else KILLS))
