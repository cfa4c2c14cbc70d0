# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine that is only booted and looked at: its serial lines, its screen, its processor."""
import json
import os
import re
import socket
import struct
import subprocess
import time

from .emulator import chosen
from .output import PATIENCE, Failed, LogFile, tail

TEXT_SCREEN, COLUMNS, ROWS, TEXT_MEMORY = 0xb8000, 80, 25, 0x8000


class Bare:
    """argv: what is special; cpu, cpus, memory_mib: of the machine; emulator: another than the run's."""

    def __init__(self, folder, argv, cpu=None, memory_mib=1024, machine="q35", vga="std", emulator=None, cpus=1):
        emulator = emulator or chosen()
        os.makedirs(folder, exist_ok=True)
        self.folder = folder
        self.lines = [LogFile(f"{folder}/serial.log"), LogFile(f"{folder}/serial-2.log")]
        self.monitor = f"{folder}/monitor"
        self.argv = [emulator.program(), "-machine", machine, "-accel", "tcg", "-cpu", cpu or emulator.cpu_by(cpus > 1), "-smp", str(cpus),
                     "-m", str(memory_mib), "-display", "none", "-vga", vga, "-nodefaults", "-no-reboot",
                     "-qmp", f"unix:{self.monitor},server=on,wait=off"]
        for line in self.lines:
            self.argv += ["-serial", f"file:{line.path}"]
        if cpus > 1:
            self.argv += ["-icount", "shift=1"]  # as machine.py's
        self.argv += argv
        self.process = None

    def __enter__(self):
        with open(f"{self.folder}/qemu.log", "wb") as log:
            log.write((" ".join(self.argv) + "\n").encode())
            log.flush()
            self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)
        return self

    def __exit__(self, *_):
        if self.alive():
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()

    def alive(self):
        return self.process.poll() is None

    def wait(self, pattern, within=60, line=0, alive=None):
        return self.lines[line].wait(pattern, within, alive or self.alive)

    def wait_end(self, within=60):
        """Until the machine is off, or was reset."""
        try:
            self.process.wait(within * PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failed(f"the machine did not end\n{tail(self.lines[0].text())}") from None

    def ask(self, command):
        """One command of QEMU's monitor."""
        with socket.socket(socket.AF_UNIX) as talk:
            talk.settimeout(30 * PATIENCE)
            talk.connect(self.monitor)
            lines = talk.makefile("rw", encoding="utf-8")
            lines.readline()
            for execute in ({"execute": "qmp_capabilities"},
                            {"execute": "human-monitor-command", "arguments": {"command-line": command}}):
                lines.write(json.dumps(execute) + "\n")
                lines.flush()
                answer = {}
                while "return" not in answer:
                    answer = json.loads(lines.readline() or '{"error": "it has ended"}')
                    if "error" in answer:
                        raise Failed(f"QEMU's monitor: {command}: {answer['error']}")
        return answer["return"]

    def screen(self, scrolled=False):
        """What stands on the text screen, row after row without a break: words that wrap stay whole.  scrolled: all of
        its memory, for Linux scrolls by moving the visible part."""
        path = f"{self.folder}/screen"
        self.ask(f"pmemsave {TEXT_SCREEN:#x} {TEXT_MEMORY if scrolled else COLUMNS * ROWS * 2} \"{path}\"")
        with open(path, "rb") as file:
            return file.read()[::2].decode("latin-1")

    def picture(self):
        """The screen's pixels: width, height, number of pixels that are not black, number of colours."""
        path = f"{self.folder}/screen.ppm"
        self.ask(f"screendump {path}")
        with open(path, "rb") as file:
            data = file.read()
        head = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
        if not head:
            raise Failed(f"{path} is no picture")
        pixels = [data[i:i + 3] for i in range(head.end(), len(data), 3)]
        return int(head.group(1)), int(head.group(2)), sum(p != b"\0\0\0" for p in pixels), len(set(pixels))

    def wait_halted(self, within=30):
        """Until the processor stands still with interrupts off, in the core and not in the firmware."""
        end = time.monotonic() + within * PATIENCE
        while True:
            state = self.ask("info registers") if os.path.exists(self.monitor) else ""
            at = re.search(r"[ER]IP=([0-9a-f]+) [ER]FL=([0-9a-f]+).*HLT=1", state)
            if at and int(at.group(1), 16) >= 0x100000 and not int(at.group(2), 16) & 0x200:
                return
            if not self.alive() or time.monotonic() > end:
                raise Failed(f"the processor does not halt\n{tail(state)}\n{tail(self.lines[0].text())}")
            time.sleep(0.1)


class Debugger:
    """QEMU's gdb stub, as much of its protocol as moves the processor to where a test wants it."""

    def __init__(self, path):
        end = time.monotonic() + 30 * PATIENCE
        while not os.path.exists(path):
            if time.monotonic() > end:
                raise Failed("QEMU's debugger does not answer")
            time.sleep(0.05)
        self.talk = socket.socket(socket.AF_UNIX)
        self.talk.settimeout(60 * PATIENCE)
        self.talk.connect(path)

    def send(self, text):
        self.talk.sendall(f"${text}#{sum(text.encode()) % 256:02x}".encode())

    def answer(self):
        said = b""
        while b"#" not in said[:-2]:
            said += self.talk.recv(4096)
        self.talk.sendall(b"+")
        return said.lstrip(b"+")[1:].split(b"#")[0].decode()

    def ask(self, text):
        self.send(text)
        return self.answer()

    def jump(self, at, to):
        """The first time that the processor comes to the one address it is moved to the other."""
        self.ask("qXfer:features:read:target.xml:0,ffb")  # only who has read it may write a register
        if self.ask(f"Z1,{at:x},1") != "OK" or not self.ask("c").startswith("T"):
            raise Failed("QEMU's debugger sets no breakpoint")
        if self.ask(f"z1,{at:x},1") != "OK" or self.ask("P10=" + struct.pack("<Q", to).hex()) != "OK":
            raise Failed("QEMU's debugger does not move the processor")
        self.ask("D")
        self.talk.close()


def symbol(file, name):
    """Address of a function in an ELF file."""
    for line in subprocess.run(["nm", file], capture_output=True, text=True, check=True).stdout.splitlines():
        address, _, found = line.partition(" ")
        if found[2:] == name:
            return int(address, 16)
    raise Failed(f"{file} has no {name}")


def elf(code=b"\xfa\xf4", paddr=0x1000000, memsz=None, entry=None, note=True, elf_class=2, machine=62, cut=None, filesz=None):
    """A kernel for PVH with one segment, as small as can be; what is given makes it wrong."""
    body = code
    entry = paddr if entry is None else entry
    note_bytes = struct.pack("<III4sI", 4, 4, 18, b"Xen\0", entry) if note else b""
    offset = 64 + 2 * 56
    head = struct.pack("<4sBBB9xHHIQQQIHHHHHH", b"\x7fELF", elf_class, 1, 1, 2, machine, 1, entry, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 7, offset, paddr, paddr, len(body) if filesz is None else filesz,
                       max(memsz or 0, len(body)), 4096)
    notes = struct.pack("<IIQQQQQQ", 4, 4, offset + len(body), 0, 0, len(note_bytes), len(note_bytes), 4)
    return (head + load + notes + body + note_bytes)[:cut]
