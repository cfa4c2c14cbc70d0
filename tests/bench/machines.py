# SPDX-License-Identifier: GPL-2.0-or-later
"""What is measured, and on what: builds the probe, boots one machine with it, reads what the counter counted.

All machines are the bed of the system tests with one CPU under -icount, where a repeated run gives the same
figures: time is the number of instructions.  The counter is a plugin of the emulator (counter.c), outside of
the machine and the same for every hypervisor.
"""
import os
import re
import shutil
import statistics
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "system"))
# pylint: disable=wrong-import-position
from bed.emulator import BEDS  # noqa: E402

MEMORY_MIB = 4096
DOM0_MIB = 1536
LIMIT_S = 900
MODULES = ["xen-privcmd.ko", "xen-evtchn.ko", "xen-gntalloc.ko"]
MARK_SHELL, MARK_BEGIN, MARK_END, MARK_ROW = 1, 2, 3, 16
# By the rows' numbers in probe.c and guest.S.
PROBE_ROWS = ["cpuid", "rdtsc", "vmmcall_from_user", "privcmd_nothing", "xen_version", "evtchn_nothing", "evtchn_send",
              "event_round_trip", "guest_port", "guest_mmio", "guest_cpuid", "guest_rdmsr", "guest_ipi", "guest_sleep",
              "grant_copy", "grant_map_unmap", "xl_create", "xl_destroy", "xen_version_more",
              "evtchn_send_more", "grant_copy_more", "event_between", "block_read", "block_write", "net_send", "net_receive",
              "guest_disk", "guest_start", "guest_boot"]
# The calls of calls.c in its order; each is two rows from number 32 on, alone and among more domains.
CALLS = ["xen_version get_features", "memory_op current_reservation of itself", "memory_op current_reservation of another", "vcpu_op is_up",
         "vcpu_op get_runstate_info", "hvm_op get_param", "event_channel_op status", "event_channel_op unmask", "grant_table_op query_size",
         "domctl getdomaininfo", "domctl getvcpuinfo", "domctl max_mem", "sysctl physinfo", "sysctl getdomaininfolist of one",
         "platform_op get_cpuinfo", "multicall of 8"]
PROBE_ROWS += [""] * (32 - len(PROBE_ROWS)) + [row for call in CALLS for row in (call, f"{call}_more")]
COLUMNS = ["total", "host", "entries", "rdtsc_exits", "rdtsc_host"]


class Wrong(Exception):
    """A figure could not be had."""


def run(*argv, **options):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          **options)
    if done.returncode:
        raise Wrong(f"{' '.join(argv)}: {done.stdout.decode('utf-8', 'replace')[-2000:]}")
    return done.stdout.decode("utf-8", "replace")


def pack(tree, out):
    """The tree, which goes, as an initramfs."""
    run("sh", "-c", f"cd {tree} && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 >{out}")
    shutil.rmtree(tree)


class Tools:
    """The probe in an initramfs, the counter, the smallest world switch; built in a folder of their own."""

    def __init__(self, folder, dom0, guest=None):
        os.makedirs(folder, exist_ok=True)
        self.folder, self.dom0, self.guest = folder, dom0, guest
        self.counter = self.path("libcounter.so")
        self.initramfs = self.path("initramfs")
        self.limit = self.path("limit")
        warnings = ["-O2", "-Wall", "-Wextra", "-Werror"]
        run("gcc", *warnings, "-fPIC", "-shared", "-fvisibility=hidden", "-o", self.counter, f"{HERE}/counter.c")
        run("gcc", *warnings, "-static", "-D__XEN_TOOLS__", "-o", self.path("probe"), f"{HERE}/probe.c", f"{HERE}/domains.c", f"{HERE}/calls.c")
        run("gcc", "-c", "-o", self.path("limit.o"), f"{HERE}/limit.S")
        run("ld", "-m", "elf_x86_64", "-N", "--no-warn-rwx-segments", "-Ttext=0x200000", "-z", "noexecstack", "-e", "start",
            "-o", self.path("limit64"), self.path("limit.o"))
        run("objcopy", "-O", "elf32-i386", self.path("limit64"), self.limit)
        self.make_initramfs()

    def path(self, name):
        return os.path.join(self.folder, name)

    def make_initramfs(self):
        tree = self.path("tree")
        shutil.rmtree(tree, ignore_errors=True)
        for name in ("bin", "dev", "proc", "sys", "modules"):
            os.makedirs(os.path.join(tree, name))
        shutil.copy("/bin/busybox", f"{tree}/bin/busybox")
        os.symlink("busybox", f"{tree}/bin/sh")
        shutil.copy(self.path("probe"), f"{tree}/bin/probe")
        shutil.copy(f"{HERE}/init", f"{tree}/init")
        with open(f"{self.dom0}/version", encoding="ascii") as file:
            drivers = f"/lib/modules/{file.read().strip()}/kernel/drivers/xen"
        with open(f"{tree}/modules/order", "w", encoding="ascii") as order:
            for module in MODULES:
                self.take(f"{drivers}/{module}", f"{tree}/modules/{module}")
                order.write(f"{module}\n")
        pack(tree, self.initramfs)

    def take(self, path, to):
        """A file of dom0's disk."""
        run("debugfs", "-R", f"dump {path} {to}", f"{self.dom0}/root.ext4")
        if not os.path.exists(to):
            raise Wrong(f"no {path} in dom0's image")


def elf_sections(path):
    """(name, flags, size) of every section of a 64-bit ELF file."""
    with open(path, "rb") as file:
        data = file.read()
    table, = struct.unpack_from("<Q", data, 0x28)
    size, count, names = struct.unpack_from("<HHH", data, 0x3a)
    headers = [struct.unpack_from("<IIQQQQ", data, table + i * size) for i in range(count)]
    base = headers[names][4]
    return [(data[base + h[0]:data.index(b"\0", base + h[0])].decode(), h[2], h[5]) for h in headers]


def elf_image(path):
    """Physical start and end of what a loader puts into memory."""
    with open(path, "rb") as file:
        data = file.read(65536)
    if data[4] == 2:
        table, (size, count) = struct.unpack_from("<Q", data, 0x20)[0], struct.unpack_from("<HH", data, 0x36)
        headers = [struct.unpack_from("<I20xQQ", data, table + i * size) for i in range(count)]
    else:
        table, (size, count) = struct.unpack_from("<I", data, 0x1c)[0], struct.unpack_from("<HH", data, 0x2a)
        headers = [struct.unpack_from("<I8xII", data, table + i * size) for i in range(count)]
    loaded = [(start, start + length) for kind, start, length in headers if kind == 1]
    return min(start for start, _ in loaded), max(end for _, end in loaded)


def text_size(path):
    """Bytes of machine code: the executable sections of an ELF file, .text of a PE file."""
    with open(path, "rb") as file:
        data = file.read(4096)
    if data.startswith(b"\x7fELF"):
        return sum(size for _, flags, size in elf_sections(path) if flags & 4)
    header, = struct.unpack_from("<I", data, 0x3c)
    count, optional = struct.unpack_from("<H12xH", data, header + 6)
    for i in range(count):
        name, size = struct.unpack_from("<8sI", data, header + 24 + optional + 40 * i)
        if name.rstrip(b"\0") == b".text":
            return size
    raise Wrong(f"{path}: no .text")


def pvh_entry(vmlinux):
    """Where a PVH kernel starts: Xen's ELF note 18, XEN_ELFNOTE_PHYS32_ENTRY."""
    with open(vmlinux, "rb") as file:
        data = file.read()
    at = data.find(struct.pack("<III", 4, 8, 18) + b"Xen\0")
    at = at if at >= 0 else data.find(struct.pack("<III", 4, 4, 18) + b"Xen\0")
    if at < 0:
        raise Wrong(f"{vmlinux} is no PVH kernel")
    return struct.unpack_from("<I", data, at + 16)[0]


def read_counts(path):
    """What the counter wrote: the marks that come once, and the repetitions of each row."""
    once, rows, row, begin = {}, {}, None, None
    with open(path, encoding="ascii") as file:
        for line in file:
            name, *values = line.split()
            values = dict(zip(COLUMNS, map(int, values)))
            if not name.isdigit():
                once[name] = values
            elif int(name) == MARK_SHELL:
                once["shell"] = values
            elif int(name) == MARK_BEGIN:
                begin = values
            elif int(name) == MARK_END:
                # The first marker itself is one of the instructions in between.
                rows.setdefault(row, []).append({c: values[c] - begin[c] - (c == "total") for c in COLUMNS})
            else:
                row = PROBE_ROWS[int(name) - MARK_ROW]
    return {"once": once, "rows": {name: {c: statistics.median(r[c] for r in repetitions) for c in COLUMNS}
                                   for name, repetitions in rows.items()}}


class Machine:
    """One boot with the counter; `done` is what the serial line says at the end, None: the machine ends by itself."""

    def __init__(self, tools, name, kernel, dom0_entry, arguments, done):
        image, end = elf_image(kernel)
        self.serial, self.counts = tools.path(f"{name}.serial.log"), tools.path(f"{name}.counts")
        self.log, self.done, self.name = tools.path(f"{name}.qemu.log"), done, name
        self.argv = ["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-cpu", BEDS["qemu7"].cpu, "-smp", "1",
                     "-m", str(MEMORY_MIB), "-icount", "shift=0,sleep=off",
                     # A clock of the host would end waits for it elsewhere in each run.
                     "-rtc", "base=2026-01-01,clock=vm", "-display", "none", "-vga", "none", "-nodefaults", "-no-reboot",
                     "-kernel", kernel, "-serial", f"file:{self.serial}",
                     "-plugin", f"{tools.counter},out={self.counts},image=0x{image:x},end=0x{end:x},dom0=0x{dom0_entry:x}", *arguments]

    def text(self):
        try:
            with open(self.serial, encoding="utf-8", errors="replace") as file:
                return file.read().replace("\r", "")
        except FileNotFoundError:
            return ""

    def measure(self):
        for path in (self.serial, self.counts):
            if os.path.exists(path):
                os.unlink(path)
        end = time.monotonic() + LIMIT_S
        with open(self.log, "wb") as log:
            process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            while process.poll() is None and not (self.done and re.search(self.done, self.text())):
                if time.monotonic() > end:
                    raise Wrong(f"{self.name}: not done within {LIMIT_S} s, see {self.serial}")
                time.sleep(0.2)
        finally:
            process.terminate()
            process.wait()
        if self.done and not re.search(self.done, self.text()):
            raise Wrong(f"{self.name}: the machine ended, see {self.serial} and {self.log}")
        return read_counts(self.counts)


def measure_hypervisor(tools, name, kernel, options, linux, devices):
    """dom0 on a hypervisor: boot to a shell, all rows, memory."""
    vmlinux = f"{tools.dom0}/vmlinux"
    machine = Machine(tools, name, kernel, pvh_entry(vmlinux),
                      ["-append", options, "-initrd", f"{vmlinux} console=hvc0{linux},{tools.initramfs}", *devices],
                      r"bench: done, status \d+|panic")
    figures = machine.measure()
    text = machine.text()
    if "bench: done, status 0" not in text:
        raise Wrong(f"{name}: the probe failed, see {machine.serial}")
    pages = re.search(r"probe: pages total (\d+) free (\d+) dom0 (\d+)", text)
    if not pages:
        raise Wrong(f"{name}: the probe did not say how memory is used, see {machine.serial}")
    total, free, dom0 = map(int, pages.groups())
    figures["memory"] = {"total_pages": total, "kept_pages": total - free - dom0}
    nested = re.search(r"core keeps (\d+) KiB, of it (\d+) KiB for nested tables", text)
    if nested:
        figures["memory"]["kept_pages"] = int(nested.group(1)) // 4
        figures["memory"]["nested_pages"] = int(nested.group(2)) // 4
    exits = re.search(r"exits of PVH domains: (.*)", text)
    if exits:
        figures["exits"] = exits.group(1)
    return figures


def measure_ours(tools, core):
    figures = measure_hypervisor(tools, "ours", core, f"dom0_mem={DOM0_MIB}M console=com1", " swiotlb=force", [])
    figures["text"] = text_size(core)
    return figures


def measure_xen(tools, folder):
    figures = measure_hypervisor(tools, "xen", f"{folder}/xen",
                                 f"console=com1 com1=115200,8n1 dom0_mem={DOM0_MIB}M,max:{DOM0_MIB}M dom0=pvh", "",
                                 ["-device", "intel-iommu"])
    figures["text"] = text_size(f"{folder}/xen.efi")
    return figures


def measure_limit(tools):
    """The smallest world switch (limit.S)."""
    return Machine(tools, "limit", tools.limit, 0, [], None).measure()
