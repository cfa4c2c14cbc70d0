# SPDX-License-Identifier: GPL-2.0-or-later
"""What a real guest costs: its start and its exits (guest.S), in a pair under our core, and under KVM with QEMU on
Debian's kernel."""
import json
import os
import shutil

from bed.dom0 import Dom0
from bed.machine import Images, Setup
from bed.payload import make_payload
from machines import COLUMNS, HERE, MARK_BEGIN, Machine, Wrong, pack, read_counts, run

CONFIG = """name = "probe"
type = "hvm"
memory = 128
vcpus = 1
serial = "pty"
vga = "none"
vnc = 0
on_reboot = "destroy"
disk = [ "phy:/dev/vde,xvda,w" ]
"""
DONE = r"guest: (done|no disk|the disk's status)|\bE[@-_]\s"
KVM_MODULES = ["drivers/crypto/ccp/ccp.ko", "virt/lib/irqbypass.ko", "arch/x86/kvm/kvm.ko", "arch/x86/kvm/kvm-amd.ko"]
QEMU = "/usr/bin/qemu-system-x86_64"
FIRMWARE = ["/usr/share/seabios/bios-256k.bin", "/usr/share/qemu/kvmvapic.bin"]
KVM_INIT = """#!/bin/sh
bb=/bin/busybox
$bb mount -t devtmpfs dev /dev
for m in ccp irqbypass kvm kvm-amd; do $bb insmod /modules/$m.ko; done
/bin/probe begin 27
/bin/qemu -L /share -accel kvm -machine pc -cpu host -m 128 -display none -nodefaults -no-user-config -no-reboot \\
	-serial stdio -drive file=/disk,format=raw,if=none,id=d -device virtio-blk-pci,drive=d,romfile=
$bb sleep 1000
"""


def probe_disk(tools):
    """The probe as a disk of 1 MiB."""
    parts = {name: tools.path(f"guest.{name}") for name in ("o", "elf", "disk")}
    run("gcc", "-c", "-o", parts["o"], f"{HERE}/guest.S")
    run("ld", "-m", "elf_x86_64", "-N", "--no-warn-rwx-segments", "-Ttext=0x7c00", "-z", "noexecstack", "-e", "start",
        "-o", parts["elf"], parts["o"])
    run("objcopy", "-O", "binary", parts["elf"], parts["disk"])
    os.truncate(parts["disk"], 1 << 20)
    return parts["disk"]


def figures(counts_file):
    """Rows of the probe, and the way from the command to its first instruction."""
    counts = read_counts(counts_file)["rows"]
    rows = {name: row for name, row in counts.items() if name and name.startswith("guest_") and name != "guest_start"}
    asked = None
    with open(counts_file, encoding="ascii") as file:
        for line in file:
            name, *values = line.split()
            values = dict(zip(COLUMNS, map(int, values)))
            if name == "reset" and asked:
                rows["guest_start"] = {c: values[c] - asked[c] for c in COLUMNS}
                return rows
            if name == str(MARK_BEGIN):
                asked = values
    raise Wrong(f"no guest started, see {counts_file}")


def checked(said, where):
    if "guest: done" not in said:
        raise Wrong(f"the probe in the guest failed ({said.strip()[-80:]!r}), see {where}")


def measure_pair(tools, core, root):
    """Stock dom0, `dxl create`, the probe as the guest's only program."""
    counts, disk, folder = tools.path("pair.counts"), probe_disk(tools), tools.path("pair")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    payload = os.path.join(folder, "payload.tar")
    make_payload(root, payload)

    def devices(_):
        return ["-icount", "shift=0", "-plugin", f"{tools.counter},out={counts}",
                "-drive", f"file={disk},format=raw,if=none,id=probe,snapshot=on", "-device", "virtio-blk-pci,drive=probe"]
    dom0 = Dom0(Images(tools.dom0, tools.guest, core), folder, payload, setup=Setup(name="pair", devices=devices))
    try:
        dom0.boot()
        dom0.write("/tmp/probe.cfg", CONFIG)
        with open(tools.path("probe"), "rb") as file:
            dom0.run("cat >/tmp/probe && chmod 755 /tmp/probe", stdin=file.read())
        dom0.run("/tmp/probe begin 27; dxl create /tmp/probe.cfg", within=600)
        console = dom0.dialogue("probe", "dxl console probe")
        checked(console.expect(DONE, 600).group(0), folder)
        pair = json.loads(dom0.run("dxl list -l probe"))[0]
    finally:
        dom0.stop()
    return {"rows": figures(counts), "fidelity_mib": round(pair["fidelity_memory_kib"] / 1024, 1),
            "beyond_mib": round((pair["fidelity_memory_kib"] + pair["pool_kib"] - pair["memory_kib"]) / 1024, 1)}


def kvm_initramfs(tools):
    tree, out = tools.path("kvm-tree"), tools.path("kvm-initramfs")
    shutil.rmtree(tree, ignore_errors=True)
    for name in ("bin", "dev", "modules", "share"):
        os.makedirs(os.path.join(tree, name))
    shutil.copy("/bin/busybox", f"{tree}/bin/busybox")
    os.symlink("busybox", f"{tree}/bin/sh")
    shutil.copy(tools.path("probe"), f"{tree}/bin/probe")
    shutil.copy(QEMU, f"{tree}/bin/qemu")
    for line in run("ldd", QEMU).splitlines():
        path = next((word for word in line.split() if word.startswith("/")), None)
        if path:
            os.makedirs(os.path.dirname(tree + path), exist_ok=True)
            shutil.copy(path, tree + path)
    for path in FIRMWARE:
        shutil.copy(path, f"{tree}/share/")
    shutil.copy(probe_disk(tools), f"{tree}/disk")
    with open(f"{tools.dom0}/version", encoding="ascii") as file:
        modules = f"/lib/modules/{file.read().strip()}/kernel"
    for name in KVM_MODULES:
        tools.take(f"{modules}/{name}", f"{tree}/modules/{os.path.basename(name)}")
    with open(f"{tree}/init", "w", encoding="ascii") as file:
        file.write(KVM_INIT)
    os.chmod(f"{tree}/init", 0o755)
    pack(tree, out)
    return out


def measure_kvm(tools):
    machine = Machine(tools, "kvm", f"{tools.dom0}/vmlinux", 0,
                      ["-append", "console=ttyS0 quiet", "-initrd", kvm_initramfs(tools)],
                      DONE + "|panic|qemu: ")
    machine.measure()
    checked(machine.text(), machine.serial)
    return {"rows": figures(machine.counts)}
