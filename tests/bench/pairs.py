# SPDX-License-Identifier: GPL-2.0-or-later
"""What a real guest costs: its start, its exits (guest.S), the boot of a Linux, in a pair under our core, and under KVM with
QEMU on Debian's kernel."""
import json
import os
import shutil

from bed import grub_disk
from bed.dom0 import Dom0
from bed.machine import Images, Setup
from bed.payload import make_payload
from machines import COLUMNS, HERE, MARK_BEGIN, MARK_END, MARK_ROW, Machine, Wrong, pack, read_counts, run

CONFIG = """name = "{name}"
type = "hvm"
memory = {memory}
vcpus = 1
serial = "pty"
vga = "none"
vnc = 0
on_reboot = "destroy"
disk = [ "phy:/dev/{disk},xvda,w" ]
"""
DONE = r"guest: (done|no disk|the disk's status)|\bE[@-_]\s"
KVM_MODULES = ["drivers/crypto/ccp/ccp.ko", "virt/lib/irqbypass.ko", "arch/x86/kvm/kvm.ko", "arch/x86/kvm/kvm-amd.ko"]
QEMU = "/usr/bin/qemu-system-x86_64"
FIRMWARE = ["/usr/share/seabios/bios-256k.bin", "/usr/share/qemu/kvmvapic.bin"]
KVM_INIT = """#!/bin/sh
bb=/bin/busybox
$bb mount -t devtmpfs dev /dev
for m in ccp irqbypass kvm kvm-amd; do $bb insmod /modules/$m.ko; done
/bin/probe begin {row}
/bin/qemu -L /share -accel kvm -machine pc -cpu host -m {memory} -display none -nodefaults -no-user-config -no-reboot \\
	-serial stdio -drive file=/disk,format=raw,if=none,id=d -device virtio-blk-pci,drive=d,romfile=
$bb sleep 1000
"""
# A Linux of its own, the same kernel and initramfs for every hypervisor: GRUB, kernel, one program, which says that it is there.
LINUX_MIB, LINUX_DISK_MIB = 192, 32
GRUB = "set timeout=0\nlinux /vmlinuz console=ttyS0 quiet\ninitrd /initramfs\nboot\n"
LINUX_INIT = """#!/bin/sh
/bin/busybox mount -t devtmpfs dev /dev
/bin/probe end
echo "guest: done" >/dev/ttyS0
/bin/busybox sleep 1000
"""
ROW_START, ROW_BOOT = 27, 28


def probe_disk(tools):
    """The probe as a disk of 1 MiB."""
    parts = {name: tools.path(f"guest.{name}") for name in ("o", "elf", "disk")}
    run("gcc", "-c", "-o", parts["o"], f"{HERE}/guest.S")
    run("ld", "-m", "elf_x86_64", "-N", "--no-warn-rwx-segments", "-Ttext=0x7c00", "-z", "noexecstack", "-e", "start",
        "-o", parts["elf"], parts["o"])
    run("objcopy", "-O", "binary", parts["elf"], parts["disk"])
    os.truncate(parts["disk"], 1 << 20)
    return parts["disk"]


def linux_disk(tools):
    """Debian's kernel and an initramfs with one program, started by GRUB."""
    tree, initramfs = tools.path("linux-tree"), tools.path("linux-initramfs")
    shutil.rmtree(tree, ignore_errors=True)
    for name in ("bin", "dev"):
        os.makedirs(os.path.join(tree, name))
    shutil.copy("/bin/busybox", f"{tree}/bin/busybox")
    os.symlink("busybox", f"{tree}/bin/sh")
    shutil.copy(tools.path("probe"), f"{tree}/bin/probe")
    write_init(tree, LINUX_INIT)
    pack(tree, initramfs)
    return grub_disk.make(tools.path("linux.disk"), GRUB, {"vmlinuz": f"{tools.dom0}/vmlinuz", "initramfs": initramfs}, LINUX_DISK_MIB,
                          ["linux"])


def write_init(tree, text):
    with open(f"{tree}/init", "w", encoding="ascii") as file:
        file.write(text)
    os.chmod(f"{tree}/init", 0o755)


def figures(counts_file):
    """Rows of the probe, the way from the command to its first instruction, and that of a Linux from there to its program."""
    counts = read_counts(counts_file)["rows"]
    rows = {name: row for name, row in counts.items() if name and name.startswith("guest_") and name not in ("guest_start", "guest_boot")}
    began, row, asked, started = set(), None, None, None
    with open(counts_file, encoding="ascii") as file:
        for line in file:
            name, *values = line.split()
            values = dict(zip(COLUMNS, map(int, values)))
            if name == str(MARK_BEGIN):
                asked = values
            elif name == "reset" and row in (ROW_START, ROW_BOOT):
                began.add(row)
                started = values
                if row == ROW_START:
                    rows["guest_start"] = {c: started[c] - asked[c] for c in COLUMNS}
            elif name == str(MARK_END) and row == ROW_BOOT:
                rows["guest_boot"] = {c: values[c] - started[c] for c in COLUMNS}
            elif name.isdigit() and int(name) >= MARK_ROW:
                row = int(name) - MARK_ROW
    if not began:
        raise Wrong(f"no guest started, see {counts_file}")
    return rows


def checked(said, where):
    if "guest: done" not in said:
        raise Wrong(f"the probe in the guest failed ({said.strip()[-80:]!r}), see {where}")


def measure_pair(tools, core, root):
    """Stock dom0, `dxl create`, the probe as the guest's only program; then a Linux."""
    counts, folder = tools.path("pair.counts"), tools.path("pair")
    disks = {"probe": probe_disk(tools), "linux": linux_disk(tools)}
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    payload = os.path.join(folder, "payload.tar")
    make_payload(root, payload)

    def devices(_):
        argv = ["-icount", "shift=0", "-plugin", f"{tools.counter},out={counts}"]
        for name, disk in disks.items():
            argv += ["-drive", f"file={disk},format=raw,if=none,id={name},snapshot=on", "-device", f"virtio-blk-pci,drive={name}"]
        return argv
    dom0 = Dom0(Images(tools.dom0, tools.guest, core), folder, payload, setup=Setup(name="pair", devices=devices))

    def start(name, memory, disk, row):
        dom0.write(f"/tmp/{name}.cfg", CONFIG.format(name=name, memory=memory, disk=disk))
        dom0.run(f"/tmp/probe begin {row}; dxl create /tmp/{name}.cfg", within=600)
        console = dom0.dialogue(name, f"dxl console {name}")
        checked(console.expect(DONE, 600).group(0), folder)
        console.close()
    try:
        dom0.boot()
        with open(tools.path("probe"), "rb") as file:
            dom0.run("cat >/tmp/probe && chmod 755 /tmp/probe", stdin=file.read())
        start("probe", 128, "vde", ROW_START)
        pair = json.loads(dom0.run("dxl list -l probe"))[0]
        dom0.run("dxl destroy probe", within=300)
        start("linux", LINUX_MIB, "vdf", ROW_BOOT)
    finally:
        dom0.stop()
    return {"rows": figures(counts), "fidelity_mib": round(pair["fidelity_memory_kib"] / 1024, 1),
            "beyond_mib": round((pair["fidelity_memory_kib"] + pair["pool_kib"] - pair["memory_kib"]) / 1024, 1)}


def kvm_initramfs(tools, name, disk, init):
    """Debian's QEMU and KVM, which start that disk."""
    tree, out = tools.path(f"{name}-tree"), tools.path(f"{name}-initramfs")
    shutil.rmtree(tree, ignore_errors=True)
    for folder in ("bin", "dev", "modules", "share"):
        os.makedirs(os.path.join(tree, folder))
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
    shutil.copy(disk, f"{tree}/disk")
    with open(f"{tools.dom0}/version", encoding="ascii") as file:
        modules = f"/lib/modules/{file.read().strip()}/kernel"
    for module in KVM_MODULES:
        tools.take(f"{modules}/{module}", f"{tree}/modules/{os.path.basename(module)}")
    write_init(tree, init)
    pack(tree, out)
    return out


def measure_kvm(tools):
    rows = {}
    for name, disk, memory, row in (("kvm", probe_disk(tools), 128, ROW_START), ("kvm-linux", linux_disk(tools), LINUX_MIB, ROW_BOOT)):
        initramfs = kvm_initramfs(tools, name, disk, KVM_INIT.format(row=row, memory=memory))
        machine = Machine(tools, name, f"{tools.dom0}/vmlinux", 0, ["-append", "console=ttyS0 quiet", "-initrd", initramfs],
                          DONE + "|panic|qemu: ")
        machine.measure()
        checked(machine.text(), machine.serial)
        rows.update(figures(machine.counts))
    return {"rows": rows}
