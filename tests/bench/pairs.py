# SPDX-License-Identifier: GPL-2.0-or-later
"""What a real guest's exits cost (guest.S): in a pair under our core, and under KVM with QEMU on Debian's kernel."""
import os
import shutil

from bed.dom0 import Dom0
from bed.machine import Images, Setup
from bed.payload import make_payload
from machines import HERE, Machine, Wrong, read_counts, run

CONFIG = """name = "probe"
type = "hvm"
memory = 128
vcpus = 1
serial = "pty"
disk = [ "phy:/dev/vde,xvda,w" ]
"""
DONE = r"guest: done|\bE[@-_]\s"
KVM_MODULES = ["drivers/crypto/ccp/ccp.ko", "virt/lib/irqbypass.ko", "arch/x86/kvm/kvm.ko", "arch/x86/kvm/kvm-amd.ko"]
QEMU = "/usr/bin/qemu-system-x86_64"
FIRMWARE = ["/usr/share/seabios/bios-256k.bin", "/usr/share/qemu/kvmvapic.bin"]
KVM_INIT = """#!/bin/sh
bb=/bin/busybox
$bb mount -t devtmpfs dev /dev
for m in ccp irqbypass kvm kvm-amd; do $bb insmod /modules/$m.ko; done
/bin/qemu -L /share -accel kvm -machine pc -cpu host -m 128 -display none -nodefaults -no-user-config -no-reboot \\
	-serial stdio -drive file=/disk,format=raw,if=none,id=d -device virtio-blk-pci,drive=d,romfile=
$bb sleep 1000
"""


def guest_disk(tools):
    """The probe as a disk of 1 MiB."""
    parts = {name: tools.path(f"guest.{name}") for name in ("o", "elf", "disk")}
    run("gcc", "-c", "-o", parts["o"], f"{HERE}/guest.S")
    run("ld", "-m", "elf_x86_64", "-N", "--no-warn-rwx-segments", "-Ttext=0x7c00", "-z", "noexecstack", "-e", "start",
        "-o", parts["elf"], parts["o"])
    run("objcopy", "-O", "binary", parts["elf"], parts["disk"])
    os.truncate(parts["disk"], 1 << 20)
    return parts["disk"]


def checked(counts, said, where):
    if "guest: done" not in said:
        raise Wrong(f"the probe in the guest failed ({said.strip()[-80:]!r}), see {where}")
    return {"rows": {name: row for name, row in counts["rows"].items() if name and name.startswith("guest_")}}


def measure_pair(tools, core, root):
    """Stock dom0, `dxl create`, the probe as the guest's only program."""
    counts, disk, folder = tools.path("pair.counts"), guest_disk(tools), tools.path("pair")
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
        dom0.run("dxl create /tmp/probe.cfg", within=600)
        console = dom0.dialogue("probe", "dxl console probe")
        said = console.expect(DONE, 600).group(0)
    finally:
        dom0.stop()
    return checked(read_counts(counts), said, folder)


def kvm_initramfs(tools):
    tree, out = tools.path("kvm-tree"), tools.path("kvm-initramfs")
    shutil.rmtree(tree, ignore_errors=True)
    for name in ("bin", "dev", "modules", "share"):
        os.makedirs(os.path.join(tree, name))
    shutil.copy("/bin/busybox", f"{tree}/bin/busybox")
    os.symlink("busybox", f"{tree}/bin/sh")
    shutil.copy(QEMU, f"{tree}/bin/qemu")
    for line in run("ldd", QEMU).splitlines():
        path = next((word for word in line.split() if word.startswith("/")), None)
        if path:
            os.makedirs(os.path.dirname(tree + path), exist_ok=True)
            shutil.copy(path, tree + path)
    for path in FIRMWARE:
        shutil.copy(path, f"{tree}/share/")
    shutil.copy(guest_disk(tools), f"{tree}/disk")
    with open(f"{tools.dom0}/version", encoding="ascii") as file:
        modules = f"/lib/modules/{file.read().strip()}/kernel"
    for name in KVM_MODULES:
        run("debugfs", "-R", f"dump {modules}/{name} {tree}/modules/{os.path.basename(name)}", f"{tools.dom0}/root.ext4")
    with open(f"{tree}/init", "w", encoding="ascii") as file:
        file.write(KVM_INIT)
    os.chmod(f"{tree}/init", 0o755)
    run("sh", "-c", f"cd {tree} && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 >{out}")
    return out


def measure_kvm(tools):
    machine = Machine(tools, "kvm", f"{tools.dom0}/vmlinux", 0,
                      ["-append", "console=ttyS0 quiet", "-initrd", kvm_initramfs(tools)], DONE + "|panic|qemu: ")
    figures = machine.measure()
    return checked(figures, machine.text(), machine.serial)
