# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever is wrong with the machine, dom0's kernel or the command line, the boot ends in a message that says what and
what to do, on the serial line and on the screen, and in a halt: no silence, no loop of resets."""
import os
import re
import struct
import subprocess
import time

from bed.bare import Bare, Debugger, elf, symbol
from bed.emulator import BEDS, chosen
from bed.output import Failed

# The machine halts by itself (HLT with interrupts off): dom0 is off.
KERNEL = elf()
# A triple fault.
CRASHING = elf(b"\x0f\x01\x1d\x07\x00\x00\x01\x0f\x0b" + bytes(8))
# Sleeps for ever.
IDLE = elf(b"\xfb\xf4\xeb\xfd")


def errors(bed):
    """name, words of the message, what differs from a boot that works."""
    with open(f"{bed.images.dom0}/vmlinuz", "rb") as file:
        packed = file.read()
    with open(f"{bed.images.dom0}/vmlinux", "rb") as file:
        truncated = file.read(30 << 20)
    kernel = "dom0's kernel (the first module) cannot be loaded: "
    values = [("dom0_mem=lots", "1536M"), ("dom0_mem=1G,", "1536M"), ("dom0_max_vcpus=0", "a number"),
              ("console=com7", "com1, com2, vga"), ("com1=12345", "115200"), ("com2=9600,9n1", "115200"),
              ("loglvl=loud", "none, error, warning"), ("guest_loglvl=", "none, error, warning"), ("noreboot=perhaps", "yes or no")]
    return [
        ("no-svm", "the processor has no SVM (AMD-V): a processor with it is needed", {"cpu": chosen().cpu + ",-svm"}),
        ("no-npt", "the processor has SVM but no nested paging (NPT)", {"cpu": chosen().cpu + ",-npt"}),
        ("no-long-mode", "no long mode, a 64-bit processor is needed", {"cpu": "qemu32"}),
        ("no-module", "no module: give dom0's vmlinux as the first module", {"modules": []}),
        ("three-modules", "more than two modules", {"modules": [KERNEL, b"initrd", b"policy"]}),
        # Before the core has put its x2APIC to work, which QEMU 7.2 has not: an access would end in a reset.
        ("early-x2apic", "more than two modules", {"modules": [KERNEL, b"initrd", b"policy"], "emulator": BEDS["qemu10"]}),
        ("memory-512", "too little memory: there is no free RAM at 768 MiB, where the core lies; 1 GiB is needed", {"memory_mib": 512}),
        ("memory-800", "too little memory: the core needs RAM from 0x30000000 to ", {"memory_mib": 800}),
        ("memory-asked", "too little memory: dom0_mem=min: asks for 65536 MiB", {"options": "dom0_mem=min:64G"}),
        ("memory-dom0", "dom0_mem= comes to 64 MiB: dom0 needs 256 MiB at least", {"options": "dom0_mem=64M"}),
        ("memory-kernel", "dom0_mem= is too small: dom0's kernel and initrd reach to ",
         {"options": "dom0_mem=256M", "modules": [elf(memsz=300 << 20)]}),
        ("memory-initrd", "dom0's kernel and initrd do not fit below the core",
         {"modules": [elf(memsz=740 << 20), bytes(16 << 20)]}),
        ("elf-none", kernel + "it is no ELF image", {"modules": [b"#!/bin/sh\n" * 100]}),
        ("elf-empty", kernel + "it is no ELF image", {"modules": [b"\x7f"]}),
        ("elf-packed", kernel + "it is no ELF image (give the unpacked vmlinux", {"modules": [packed]}),
        ("elf-32", kernel + "it is no ELF image for 64-bit x86", {"modules": [elf(elf_class=1)]}),
        ("elf-arm", kernel + "it is no ELF image for 64-bit x86", {"modules": [elf(machine=183)]}),
        ("elf-truncated", kernel + "a segment lies outside the file (is it truncated?)", {"modules": [truncated]}),
        ("elf-cut-headers", kernel + "its program headers lie outside the file", {"modules": [elf(cut=100)]}),
        ("elf-segment-long", kernel + "a segment lies outside the file", {"modules": [elf(filesz=1 << 40, memsz=1 << 40)]}),
        ("elf-segment-low", kernel + "a segment does not fit into dom0's memory", {"modules": [elf(paddr=0x8000)]}),
        ("elf-segment-high", kernel + "a segment does not fit into dom0's memory", {"modules": [elf(paddr=1 << 40, entry=0x1000000)]}),
        ("elf-segment-core", kernel + "a segment does not fit into dom0's memory", {"modules": [elf(paddr=0x2ffff000, memsz=0x2000)]}),
        ("elf-no-note", kernel + "it has no Xen note PHYS32_ENTRY", {"modules": [elf(note=False)]}),
    ] + [(f"value-{number}", f"option {option} is not understood: give ", {"options": option, "also": right})
         for number, (option, right) in enumerate(values)]


class Bench:
    def __init__(self, bed):
        self.bed = bed

    def boot(self, name, options="", modules=(KERNEL,), argv=(), **machine):
        folder = os.path.join(self.bed.logs, "boot-errors", name)
        os.makedirs(folder)
        names = []
        for number, content in enumerate(modules):
            names.append(f"{folder}/module-{number}")
            with open(names[-1], "wb") as file:
                file.write(content)
        boot = ["-kernel", self.bed.images.core, "-append", options] + (["-initrd", ",".join(names)] if names else [])
        return Bare(folder, boot + list(argv), **machine)

    def error(self, name, words, also="", **how):
        with self.boot(name, **how) as machine:
            machine.wait(r"(?i)\bhalted")
            machine.wait_halted()
            said = machine.lines[0].text()
            for where, text in (("the serial line", said), ("the screen", machine.screen())):
                if "cannot start: " not in text or words not in text or also not in text:
                    raise Failed(f"{name}: {where} does not say `{words}` but:\n{text}")
            # A message once, not again and again.
            if said.count("cannot start: ") != 1:
                raise Failed(f"{name}: it was said more than once:\n{said}")

    def goes_on(self):
        """Options that are not known are said and do no harm; dom0 starts and ends."""
        with self.boot("unknown-option", options="dom0_mme=1G dom0_mem=256M console=com1 placeholder") as machine:
            machine.wait(r"dom0 has shut down: power-off\n\(core\) halted")
            said = machine.lines[0].text()
            for word in ("dom0_mme=1G", "placeholder"):
                if f"(core) warning: option {word} is not known and has no effect" not in said:
                    raise Failed(f"no warning of {word}:\n{said}")
            if "(core) dom0: 256 MiB one to one" not in said or "invariant holds" not in said:
                raise Failed(f"what follows an unknown option is lost:\n{said}")

    def levels(self):
        with self.boot("levels", options="loglvl=error console=com1 nonsense") as machine:
            machine.wait(r"dom0 has shut down: power-off\n\(core\) halted")
            said = machine.lines[0].text()
            if re.search("invariant|warning", said.split("command line", 1)[1]):
                raise Failed(f"loglvl=error lets more through:\n{said}")

    def consoles(self):
        words = r"dom0 has shut down: power-off\n\(core\) halted"
        for name, options, lines, screen in (("vga", "console=vga", [], True), ("none", "console=none", [], False),
                                             ("com2", "console=com2", [1], False), ("both", "console=com2,com1 com2=9600,7e1", [0, 1], False),
                                             ("base", "console=com1 com1=115200,8n1,0x2f8", [1], False)):
            with self.boot(f"console-{name}", options=options) as machine:
                if lines:
                    machine.wait(words, line=lines[0])
                machine.wait_halted()
                for line in (0, 1):
                    said = machine.lines[line].text()
                    if (line in lines) != bool(re.search(words, said)) or (line not in lines and said):
                        raise Failed(f"{options}: line com{line + 1} has:\n{said}")
                if screen != ("Diptych core" in machine.screen()):
                    raise Failed(f"{options}: the screen has:\n{machine.screen()}")

    def crash(self):
        """A crash of dom0 says where, and resets the machine; or halts it, as asked."""
        for name, options in (("reset", ""), ("noreboot", "noreboot")):
            with self.boot(f"crash-{name}", options=f"console=com1 {options}", modules=[CRASHING]) as machine:
                last = "halted" if options else "resetting the machine"
                machine.wait(rf"d0 crashed: triple fault\n[^$]*dom0 has shut down: crash\n\(core\) {last}", alive=lambda: True)
                if options:
                    machine.wait_halted()
                else:
                    machine.wait_end()

    def machine_check(self):
        """What the hardware lost ends the machine, with what the bank says."""
        with self.boot("machine-check", options="console=com1 noreboot", modules=[IDLE]) as machine:
            machine.wait("no IOMMU is used")
            time.sleep(2)  # until it sleeps: with dom0 in, this emulator gives the exception to dom0
            machine.ask("mce 0 1 0xb600000000000123 5 0x4567000 0")
            machine.wait(r"\(core\) machine check: bank 1 status b600000000000123 address 4567000\n"
                         r"\(core\) panic: machine check\n[^$]*\(core\) halted")
            machine.wait_halted()

    def panic(self):
        """An exception in the core itself: why, where, the registers, the calls; no word of it is lost in `loglvl=none`."""
        for name, at, to, why in (("fetch", "main_loop", 0x123456789000, r"exception 14 in the core, error code 10"),
                                  ("panic", "main_loop", "window_close", r"window [0-9]+ closed out of order")):
            core = self.bed.images.core
            folder = os.path.join(self.bed.logs, "boot-errors", f"panic-{name}")
            gdb = ["-S", "-gdb", f"unix:{folder}/gdb,server=on,wait=off"]
            with self.boot(f"panic-{name}", options="console=com1 loglvl=none guest_loglvl=none noreboot", argv=gdb) as machine:
                to = symbol(core, to) if isinstance(to, str) else to
                Debugger(f"{folder}/gdb").jump(symbol(core, at), to)
                words = machine.wait(rf"\(core\) panic: {why}[^$]*\(core\) halted").group(0)
                machine.wait_halted()
            calls = re.search(r"\(core\) calls, the innermost first:((?: [0-9a-f]+)+)\n", words)
            if not calls or not re.search(r"rip [0-9a-f]{16}.* rsp [0-9a-f]{16}", words) or "cr2 " not in words:
                raise Failed(f"{name}: registers or calls are missing:\n{words}")
            if name == "fetch" and (f"rip {to:016x}" not in words or f"cr2 {to:x}" not in words):
                raise Failed(f"{name}: it is not said where:\n{words}")
            outer = symbol(core, "boot_main")
            if not any(outer < int(call, 16) < outer + 0x2000 for call in calls.group(1).split()[:3]):
                raise Failed(f"{name}: boot_main made the call, but the panic shows{calls.group(1)}")


def packed_kernel(pack, content):
    """A bzImage as the kernel's build makes it: the unpacked length behind the payload, but gzip's own format has it."""
    payload = subprocess.run(pack, input=content, capture_output=True, check=True).stdout
    if pack[0] != "gzip":
        payload += struct.pack("<I", len(content))
    image = bytearray(5 * 512 + 100) + payload + b"what follows"
    image[0x1f1] = 4
    image[0x202:0x206] = b"HdrS"
    struct.pack_into("<II", image, 0x248, 100, len(payload))
    return bytes(image)


def extraction(bed):
    """diptych-extract-vmlinux unpacks what Debian packs its kernels with, and says what is wrong with any other file."""
    folder, tool = f"{bed.logs}/boot-errors/extract", "usr/sbin/diptych-extract-vmlinux"
    program = os.path.join(bed.root, tool) if bed.root else os.path.join(os.path.dirname(__file__), "../../../grub/diptych-extract-vmlinux")
    os.makedirs(folder)
    kernel = elf(os.urandom(100000))

    def unpack(image):
        with open(f"{folder}/vmlinuz", "wb") as file:
            file.write(image)
        if os.path.exists(f"{folder}/vmlinux"):
            os.remove(f"{folder}/vmlinux")
        done = subprocess.run([program, f"{folder}/vmlinuz", f"{folder}/vmlinux"], capture_output=True, text=True, check=False)
        if sorted(os.listdir(folder)) != ["vmlinux"][:done.returncode == 0] + ["vmlinuz"]:
            raise Failed(f"diptych-extract-vmlinux, status {done.returncode}, leaves {os.listdir(folder)}")
        return done.returncode, done.stderr

    for pack in (["xz", "--check=crc32", "--x86", "--lzma2"], ["zstd", "-q"], ["gzip", "-n"]):
        status, said = unpack(packed_kernel(pack, kernel))
        if status != 0:
            raise Failed(f"{pack[0]}: {said}")
        with open(f"{folder}/vmlinux", "rb") as file:
            if file.read() != kernel:
                raise Failed(f"{pack[0]}: what is unpacked differs")
    good = packed_kernel(["xz", "--check=crc32"], kernel)
    for image, words in ((b"no kernel", "is no bzImage"), (good[:50000], "is truncated"), (packed_kernel(["cat"], kernel), "packed in a way"),
                         (packed_kernel(["gzip"], b"#!/bin/sh\n" * 100), "holds no ELF kernel"),
                         (good[:4000] + bytes(1000) + good[5000:], "does not unpack")):
        status, said = unpack(image)
        if status == 0 or words not in said:
            raise Failed(f"instead of `{words}`: status {status}, {said}")


def run(bed):
    bench = Bench(bed)
    cases = errors(bed)
    for name, words, how in cases:
        bench.error(name, words, **how)
    bench.goes_on()
    bench.levels()
    bench.consoles()
    bench.crash()
    bench.machine_check()
    bench.panic()
    extraction(bed)
    bed.figure(f"boot-errors: {len(cases)} wrong boots, each with its message")
