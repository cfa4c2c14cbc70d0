# SPDX-License-Identifier: GPL-2.0-or-later
"""dom0 moves data over every kind of device and of interrupt while timers and IPIs run: no byte changes, every interrupt is
counted where it belongs, and no level comes more often than its device asked."""
import dataclasses
import hashlib
import os
import random
import re
import socket
import threading

from bed.devices import PATTERN_MIB, WITH_SCRATCH_DISK, pattern, pattern_sum, serial_socket
from bed.output import PATIENCE, Failed

SATA = "0000:00:1f.2"
VIRTIO_NET, E1000, UART = r"virtio\d+-(?:input|output)\.\d+", r"eth1", r"ttyS1"
AHCI = r"ahci\[0000:00:1f\.2\]"
# The 16550 costs an exit for every byte: kilobytes.  Each piece is read back before the next, as nothing stops its sender.
UART_KIB, UART_PIECE = 64, 1024
# By a round a disk moves 192 MiB, a card 128: with these 2.5 GiB in all, on each machine of tests/full.py.
ROUNDS_FULL = 3
# A short sleep is a timer interrupt; a byte for the other process of the pair on another CPU is an IPI.
LOAD = """import os, time
other = os.sched_getaffinity(0)
a, b, c, d = *os.pipe(), *os.pipe()
if os.fork() == 0:
    os.sched_setaffinity(0, {min(other)})
    while os.read(a, 1):
        os.write(d, b'x')
os.sched_setaffinity(0, {max(other)})
while True:
    os.write(b, b'x')
    os.read(c, 1)
    time.sleep(0.002)
"""


def interrupts(dom0):
    """{line of /proc/interrupts without its number: its count on all CPUs}"""
    found = {}
    for line in dom0.run("cat /proc/interrupts").splitlines()[1:]:
        match = re.match(r"\s*\S+:((?:\s+\d+)+)\s+(\S.*)", line)
        if match:
            found[match.group(2)] = sum(int(word) for word in match.group(1).split())
    return found


def relayed(dom0):
    """Interrupts of real devices that the core has given to dom0."""
    return int(re.search(r"relayed to dom0: (\d+)", dom0.ask_core("x", r"interrupts relayed to dom0: \d+\n")).group(1))


class Counted:
    """Interrupts of the lines that match `chip ... name` in the block's time: at least `least`."""

    def __init__(self, bed, dom0, what, chip, name, least):
        self.bed, self.dom0, self.what, self.least = bed, dom0, what, least
        self.cpus = dom0.machine.setup.cpus
        self.line = re.compile(rf"{chip}.*\s{name}(?:,|$)")

    def mine(self):
        return {line: n for line, n in interrupts(self.dom0).items() if self.line.match(line)}

    def timers(self):
        return sum(n for line, n in interrupts(self.dom0).items() if re.search(r"timer0|Local timer|\btimer\b", line))

    def ipis(self):
        return sum(n for line, n in interrupts(self.dom0).items() if re.search(r"Rescheduling|Function call|-ipi\b", line))

    def __enter__(self):
        self.before, self.ticks, self.sent = self.mine(), self.timers(), self.ipis()
        if not self.before:
            raise Failed(f"{self.what}: no line /{self.line.pattern}/ in\n" + self.dom0.run("cat /proc/interrupts"))
        self.relays = relayed(self.dom0)

    def __exit__(self, kind, *_):
        if kind is not None:
            return
        relays = relayed(self.dom0) - self.relays
        count = sum(self.mine().values()) - sum(self.before.values())
        ticks, ipis = self.timers() - self.ticks, self.ipis() - self.sent
        self.bed.figure(f"dom0-io: {self.what}: {count} interrupts (at least {self.least}), {relays} relays of all devices,"
                        f" {ticks} timer interrupts, {ipis} IPIs")
        if count < self.least:
            raise Failed(f"{self.what}: {count} interrupts, at least {self.least} wanted: {self.line.pattern}")
        # An edge that comes while its handler runs is relayed and merged with the pending one; a level comes once.
        if "fasteoi" in self.line.pattern and relays > 2 * count + 1000:
            raise Failed(f"{self.what}: {count} interrupts counted by dom0, {relays} relayed: the level comes again and again")
        if ticks == 0:
            raise Failed(f"{self.what}: no timer interrupt meanwhile")
        if self.cpus > 1 and ipis == 0:
            raise Failed(f"{self.what}: no IPI meanwhile on {self.cpus} CPUs")


def disk(dom0, name, rounds):
    """Reads the pattern, writes it elsewhere, reads it back; the page cache is not asked."""
    wanted = pattern_sum()

    def check(what, offset):
        said = dom0.run(f"dd if=/dev/{name} bs=1M count={PATTERN_MIB} skip={offset} iflag=direct status=none | sha256sum", 600)
        if said.split()[0] != wanted:
            raise Failed(f"{name}: {what}: {said.split()[0]} instead of {wanted}")
    check("what the machine's owner wrote", 0)
    for number in range(1, rounds + 1):
        there = number * PATTERN_MIB
        dom0.run(f"dd if=/dev/{name} of=/dev/{name} bs=1M count={PATTERN_MIB} seek={there} iflag=direct oflag=direct "
                 "conv=notrunc,fsync status=none", 600)
        check("what dom0 wrote", there)


def bind_ahci(dom0, msi):
    """The name of its disk, its driver bound anew with or without MSI."""
    dom0.run("modprobe ahci")
    device = f"/sys/bus/pci/devices/{SATA}"
    dom0.run(f"echo {SATA} >{device}/driver/unbind; echo {int(msi)} >{device}/msi_bus && "
             f"echo {SATA} >/sys/bus/pci/drivers/ahci/bind")
    return dom0.run(f"for i in $(seq 600); do ls {device}/ata*/host*/target*/*/block 2>/dev/null && break; sleep 0.1; done"
                    " && udevadm settle", within=120).split()[0]


def received(stream, length):
    parts = []
    while length > 0:
        part = stream.recv(min(length, 1 << 16))
        if not part:
            break
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def send(stream, data):
    """In pieces: a socket's time limit is for a whole sendall(), not for its next byte."""
    for at in range(0, len(data), 1 << 16):
        stream.sendall(data[at:at + (1 << 16)])


def same(what, sent, came):
    a, b = hashlib.sha256(sent).hexdigest(), hashlib.sha256(came).hexdigest()
    if a != b:
        raise Failed(f"{what}: {len(sent)} bytes {a} sent, {len(came)} bytes {b} came back")


def net(dom0, what, port, rounds):
    """Everything goes to dom0 and comes back."""
    data = pattern()
    # A piece is what a pipe takes without blocking (PIPE_BUF): by default socat's are larger, and it, who is the pipe's only
    # reader too, has come to wait for itself for ever.
    dom0.run(f"systemd-run -q --unit=io-echo-{port} socat -b 4096 TCP-LISTEN:{port},reuseaddr,fork PIPE && "
             f"for i in $(seq 100); do ss -ltn | grep -q :{port} && break; sleep 0.1; done")
    for _ in range(rounds):
        with socket.create_connection(("127.0.0.1", dom0.machine.port(port)), 60 * PATIENCE) as stream:
            sender = threading.Thread(target=send, args=(stream, data), daemon=True)
            sender.start()
            came = received(stream, len(data))
        same(what, data, came)
    dom0.run(f"systemctl stop io-echo-{port}")


def uart(dom0, kib):
    data = random.Random(2).randbytes(kib << 10)
    dom0.run("stty -F /dev/ttyS1 raw -echo clocal 115200; "
             "systemd-run -q --unit=io-uart sh -c 'exec cat </dev/ttyS1 >/dev/ttyS1'")
    came = b""
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(60 * PATIENCE)
        stream.connect(os.path.relpath(serial_socket(dom0.machine)))
        for at in range(0, len(data), UART_PIECE):
            stream.sendall(data[at:at + UART_PIECE])
            came += received(stream, UART_PIECE)
    same("16550", data, came)
    dom0.run("systemctl stop io-uart")


def machine(bed, cpus):
    dom0 = bed.dom0(dataclasses.replace(WITH_SCRATCH_DISK, cpus=bed.cpus_asked or cpus))
    if dom0.attempt("systemctl -q is-active io-load")[0]:
        dom0.write("/tmp/io-load.py", LOAD)
        dom0.run("systemd-run -q --unit=io-load python3 /tmp/io-load.py")
    return dom0


def run(bed):
    """On two processors, that send each other interrupts."""
    rounds = ROUNDS_FULL if bed.full else 1
    dom0 = machine(bed, 2)
    disks(bed, dom0, rounds)
    networks(bed, dom0, rounds)
    dom0.run("systemctl is-active io-load && systemctl stop io-load")


def disks(bed, dom0, rounds):
    # Every request of 1 MiB ends by an interrupt, each waited for: read, copied (two requests), read back.
    requests = PATTERN_MIB * (1 + 3 * rounds)
    name = bind_ahci(dom0, True)
    with Counted(bed, dom0, "AHCI by MSI", "PCI-MSI", AHCI, requests):
        disk(dom0, name, rounds)
    name = bind_ahci(dom0, False)
    with Counted(bed, dom0, "AHCI by INTx", r"IO-APIC\s+\d+-fasteoi", AHCI, requests):
        disk(dom0, name, rounds)
    bind_ahci(dom0, True)
    name = dom0.run("basename $(readlink /sys/block/vde/device)").strip()
    with Counted(bed, dom0, "virtio-blk", "PCI-MSI", rf"{name}-req\.\d+", requests):
        disk(dom0, "vde", rounds)


def networks(bed, dom0, rounds):
    # How many packets an interrupt brings is the driver's affair; a window of TCP is less than 1 MiB.
    with Counted(bed, dom0, "virtio-net", "PCI-MSI", VIRTIO_NET, rounds * PATTERN_MIB):
        net(dom0, "virtio-net", 5001, rounds)
    dom0.run("modprobe e1000; ip link set eth1 up && ip address replace 10.0.3.15/24 dev eth1")
    with Counted(bed, dom0, "e1000 by INTx", r"IO-APIC\s+\d+-fasteoi", E1000, rounds * PATTERN_MIB):
        net(dom0, "e1000", 5002, rounds)
    dom0.run("systemd-run -q --unit=io-uart-open sh -c 'exec sleep 3600 </dev/ttyS1'; "
             "until grep -q ttyS1 /proc/interrupts; do sleep 0.2; done", within=120)
    with Counted(bed, dom0, "16550", r"IO-APIC\s+\d+-edge", UART, rounds * UART_KIB):
        uart(dom0, UART_KIB * rounds)
    dom0.run("systemctl stop io-uart-open")
