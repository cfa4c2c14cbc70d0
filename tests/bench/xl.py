# SPDX-License-Identifier: GPL-2.0-or-later
"""What it costs that stock `xl` makes a PVH guest and destroys it, and that one talks with dom0 (talk.py): the tools of dom0's image in a small initramfs, so
that dom0 is the same on either hypervisor (stock Xen's PVH dom0 sees no disk on this machine)."""
import os
import re
import shutil

import talk
from machines import DOM0_MIB, HERE, Machine, Wrong, pack, pvh_entry, run

TOOLS = "/usr/lib/xen-4.17/bin"
OTHER_TOOLS = "/usr/bin"
PROGRAMS = ["xl", "xenstored", "xenconsoled", "xenconsole", "xen-init-dom0"]
LIBRARIES = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/xen-4.17/lib/x86_64-linux-gnu"]
LOADER = "ld-linux-x86-64.so.2"
MODULES = ["xen-privcmd.ko", "xen-evtchn.ko", "xen-gntdev.ko", "xenfs/xenfs.ko"]
FOLDERS = ["bin", "dev", "proc", "sys", "modules", "lib", "lib64", "etc/xen", "tmp", "run/xenstored", "run/xen", "run/lock", "var/lib/xen",
           "var/lib/xenstored", "var/log/xen"]
CONFIG = """name = "guest"
type = "pvh"
kernel = "/vmlinux"
ramdisk = "/pvh-initramfs"
extra = "console=hvc0 quiet"
memory = 256
vcpus = 1
"""


def needed(path):
    return re.findall(r"\(NEEDED\).*\[(.+)\]", run("readelf", "-d", path))


def take_library(tools, name, to):
    """The file behind its links."""
    for folder in LIBRARIES:
        path = f"{folder}/{name}"
        for _ in range(4):
            said = run("debugfs", "-R", f"stat {path}", f"{tools.dom0}/root.ext4")
            link = re.search(r'Fast link dest: "(.+)"', said)
            if not link:
                break
            path = os.path.normpath(os.path.join(os.path.dirname(path), link.group(1)))
        if "Inode: " in said:
            tools.take(path, to)
            return
    raise Wrong(f"no library {name} in dom0's image")


def xl_initramfs(tools):
    tree, out = tools.path("xl-tree"), tools.path("xl-initramfs")
    shutil.rmtree(tree, ignore_errors=True)
    for name in FOLDERS:
        os.makedirs(os.path.join(tree, name))
    os.symlink("../run", f"{tree}/var/run")
    os.symlink("../run/lock", f"{tree}/var/lock")
    shutil.copy("/bin/busybox", f"{tree}/bin/busybox")
    os.symlink("busybox", f"{tree}/bin/sh")
    shutil.copy(tools.path("probe"), f"{tree}/bin/probe")
    for name in PROGRAMS:
        tools.take(f"{TOOLS}/{name}", f"{tree}/bin/{name}")
        os.chmod(f"{tree}/bin/{name}", 0o755)
    tools.take(f"{OTHER_TOOLS}/xenstore-write", f"{tree}/bin/xenstore-write")
    os.chmod(f"{tree}/bin/xenstore-write", 0o755)
    left = {name for program in PROGRAMS + ["xenstore-write"] for name in needed(f"{tree}/bin/{program}")}
    left.add("libgcc_s.so.1")  # which the C library loads when a thread is cancelled
    while left:
        name = left.pop()
        take_library(tools, name, f"{tree}/lib/{name}")
        left |= {more for more in needed(f"{tree}/lib/{name}") if not os.path.exists(f"{tree}/lib/{more}")}
    os.chmod(f"{tree}/lib/{LOADER}", 0o755)
    os.symlink(f"../lib/{LOADER}", f"{tree}/lib64/{LOADER}")
    with open(f"{tools.dom0}/version", encoding="ascii") as file:
        drivers = f"/lib/modules/{file.read().strip()}/kernel/drivers"
    with open(f"{tree}/modules/order", "w", encoding="ascii") as order:
        for module in MODULES:
            name = os.path.basename(module)
            tools.take(f"{drivers}/xen/{module}", f"{tree}/modules/{name}")
            order.write(f"{name}\n")
    for name in ("vmlinux", "pvh-initramfs"):
        shutil.copy(f"{tools.dom0}/{name}", f"{tree}/{name}")
    shutil.copy(f"{HERE}/init-xl", f"{tree}/init")
    with open(f"{tree}/etc/xen/xl.conf", "w", encoding="ascii"):
        pass
    with open(f"{tree}/guest.cfg", "w", encoding="ascii") as file:
        file.write(CONFIG)
    talk.add_to_dom0(tools, drivers, tree)
    pack(tree, out)
    return out


def measure(tools, name, kernel, options, linux, devices):
    vmlinux = f"{tools.dom0}/vmlinux"
    machine = Machine(tools, f"{name}-xl", kernel, pvh_entry(vmlinux),
                      ["-append", options, "-initrd", f"{vmlinux} console=hvc0{linux},{xl_initramfs(tools)}", *devices],
                      r"bench: done, status \d+|panic")
    figures = machine.measure()
    if "bench: done, status 0" not in machine.text() or len(re.findall(r"(?m)^guest +\d+ +256 ", machine.text())) != 3:
        raise Wrong(f"{name}: xl failed, see {machine.serial}")
    missing = [row for row in talk.ROWS if row not in figures["rows"]]
    if "talk done" not in machine.text() or missing:
        raise Wrong(f"{name}: the guest did not say all that it had to ({' '.join(missing)}), see {machine.serial}")
    return {row: figures["rows"][row] for row in ["xl_create", "xl_destroy", *talk.ROWS]}


def measure_ours(tools, core):
    return measure(tools, "ours", core, f"dom0_mem={DOM0_MIB}M console=com1", " swiotlb=force", [])


def measure_xen(tools, folder):
    return measure(tools, "xen", f"{folder}/xen", f"console=com1 com1=115200,8n1 dom0_mem={DOM0_MIB}M,max:{DOM0_MIB}M dom0=pvh",
                   "", ["-device", "intel-iommu"])
