# SPDX-License-Identifier: GPL-2.0-or-later
"""The emulated machine: QEMU's TCG with SVM.

Disks of dom0: vda its root, vdb the payload, vdc and vdd two copies of the real guest's disk.
Every disk is a snapshot: nothing that a test writes outlives the machine.
A Setup says in what a test's machine differs.
"""
import dataclasses
import os
import re
import socket
import subprocess
import time

from .emulator import chosen
from .output import PATIENCE, Failed, LogFile, tail

PANIC = re.compile(r"^\((core|XEN)\) (panic:|Panic on CPU).*|Kernel panic - not syncing.*", re.M)


class Images:
    """Folders that hold the images, and the hypervisor under test."""

    def __init__(self, dom0, guest, core, stock_xen=False):
        self.dom0, self.guest, self.core, self.stock_xen = dom0, guest, core, stock_xen
        self.disk, self.disk_format = f"{guest}/disk.img", "raw"


@dataclasses.dataclass(frozen=True)
class Setup:
    """name: of the folder of its logs.  devices(machine) gives QEMU's arguments for more devices.  resets: the machine goes on after a reset, as a real one."""
    name: str = "boot"
    core: str = ""
    linux: str = ""
    devices: object = None
    resets: bool = False
    dom0: str = ""  # folder of another dom0 image
    cpus: int = 0  # 0: as many as run.py --cpus says
    memory: int = 4096  # MiB
    avx: bool = False  # its processor has XSAVE and AVX
    x2apic: bool = False  # has it with several processors too: on one thread, by the host's clock


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Machine:
    def __init__(self, images, folder, payload=None, dom0_mib=1536, verbose=False, cpus=1,
                 setup=Setup()):
        os.makedirs(folder, exist_ok=True)
        self.setup = setup
        self.ports = {}
        self.images, self.folder = images, folder
        self.serial = LogFile(os.path.join(folder, "serial.log"))
        self.qemu_log = os.path.join(folder, "qemu.log")
        self.ssh_port = self.port(22)
        self.argv = self.command(payload, dom0_mib, verbose, cpus)
        self.process = None
        self.started = None

    def port(self, inner):
        """The host's port for dom0's: one for as long as the machine lives."""
        return self.ports.setdefault(inner, free_port())

    def command(self, payload, dom0_mib, verbose, cpus):
        images, setup = self.images, self.setup
        linux = "console=hvc0 root=/dev/vda net.ifnames=0" + ("" if verbose else " quiet")
        if images.stock_xen:
            # A PV dom0: stock Xen's PVH dom0 reads all-ones from every PCI device of this machine.
            hypervisor = f"console=com1 com1=115200,8n1 dom0_mem={dom0_mib}M,max:{dom0_mib}M"
        else:
            hypervisor = f"dom0_mem={dom0_mib}M console=com1"
            linux += " swiotlb=force"
        hypervisor, linux = f"{hypervisor} {setup.core}".strip(), f"{linux} {setup.linux}".strip()
        dom0 = setup.dom0 or images.dom0
        cpus = setup.cpus or cpus
        emulator = chosen(newer=setup.avx or setup.x2apic)
        # By -icount processors take turns on one thread, and the clock goes by what they execute: on threads of their own they
        # break each other's SVM state (doc/architecture.md), and a host with too few idle processors makes some late.
        counted = cpus > 1 and not setup.x2apic
        argv = [emulator.program(), "-machine", "q35", "-accel", "tcg,thread=single", "-cpu", emulator.cpu_by(counted, setup.avx), "-smp", str(cpus),
                "-m", str(setup.memory), "-display", "none", "-vga", "none", "-nodefaults",
                *([] if setup.resets else ["-no-reboot"]),
                "-kernel", images.core, "-append", hypervisor,
                "-initrd", f"{dom0}/vmlinux {linux},{dom0}/initramfs",
                "-netdev", f"user,id=net0,restrict=on,hostfwd=tcp:127.0.0.1:{self.ssh_port}-:22"
                + f",hostfwd=tcp:127.0.0.1:{self.port(5001)}-:5001",
                "-device", "virtio-net-pci,netdev=net0,romfile=",
                "-monitor", f"unix:{self.folder}/monitor,server=on,wait=off",
                "-serial", f"file:{self.serial.path}"]
        guest = (images.disk, images.disk_format)
        disks = [(f"{dom0}/root.ext4", "raw"), (payload or f"{dom0}/id.pub", "raw"), guest, guest]
        for number, (disk, disk_format) in enumerate(disks):
            argv += ["-drive", f"file={disk.replace(',', ',,')},format={disk_format},if=none,id=disk{number},snapshot=on"]
            argv += ["-device", f"virtio-blk-pci,drive=disk{number}"]
        if counted:
            argv += ["-icount", "shift=1"]
        if setup.devices:
            argv += setup.devices(self)
        return argv

    def start(self):
        with open(self.qemu_log, "wb") as log:
            log.write((" ".join(self.argv) + "\n").encode())
            log.flush()
            self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)
        self.started = time.monotonic()

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def working(self):
        """Whether it runs still; last words of the core or of dom0's kernel fail the test at once."""
        words = PANIC.search(self.serial.text())
        if words:
            raise Failed(f"last words: {words.group(0)} (serial line: {self.serial.path})\n{tail(self.serial.text())}")
        return self.alive()

    def require_alive(self):
        self.working()
        if not self.alive():
            with open(self.qemu_log, encoding="utf-8", errors="replace") as log:
                said = log.read().splitlines()[1:]
            raise Failed(f"the machine ended; its serial line: {self.serial.path}\n{tail(self.serial.text())}\n"
                         + tail("\n".join(line for line in said if "doesn't support requested feature" not in line)))

    def wait_for_end(self, within):
        """The emulator ends when the machine is reset or switched off (unless its Setup says that it goes on)."""
        try:
            self.process.wait(within * PATIENCE)
        except subprocess.TimeoutExpired as late:
            raise Failed(f"the machine goes on\n{tail(self.serial.text())}") from late

    def stop(self):
        if self.alive():
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
