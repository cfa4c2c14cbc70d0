# SPDX-License-Identifier: GPL-2.0-or-later
"""An unmodified Debian on a PC with UEFI, an AHCI disk and two processors: it boots by OVMF and GRUB, gets an address by
DHCP, moves data each way; its clock and its local APICs need no help from outside, its firmware no more port exits than it should, its
variables are in the flash chip; asleep, it lets its fidelity domain
sleep; a pin holds; it restarts, and is switched off by its button."""
import re
import time

from bed.machine import Setup
from bed.output import Failed

from .dxl_verbs import BUTTON
from .guest import BOOT_LIMIT, disk_kernel, log_in_and_look
from .traffic import bridge_up, command, lease, move

CONFIG = """name = "uefi1"
type = "hvm"
bios = "ovmf"
device_model_machine = "q35"
usbdevice = [ "tablet" ]
memory = 512
vcpus = 2
serial = "pty"
disk = [ "phy:/dev/vdd,sda,w" ]
vif = [ "bridge=xenbr0" ]
"""
MIB, MIB_FULL = 64, 1024
READS = 20000
# Both processors of a guest that waits at its prompt still have timers; 189 and 482 exits were seen.
ASLEEP_EXITS, ASLEEP_SECONDS = 1500, 2
# Of a boot from the firmware's first instruction to the login.  OVMF took 357,000 for two waits on a TPM where no device is.
BOOT_PORTS = 200000
VARIABLE = "/sys/firmware/efi/efivars/Diptych-3c1f7a52-6f0e-4a43-9d8b-0f7b5f0d6b11"
KINDS = re.compile(r"(\w+)=(\d+)")


def exits(dom0):
    """Of real guests, by kind, since boot."""
    said = dom0.ask_core("x", r"\(core\) exits of real guests: .*\n")
    return {name: int(number) for name, number in KINDS.findall(said.split(":", 1)[1].splitlines()[0])}


def spent(before, after):
    return {name: after[name] - before.get(name, 0) for name in after}


def read_clock(dom0, console):
    """The clock by the vDSO, and interrupts between the two processors, by x2APIC: no exit for a page of the APIC."""
    command(console, "swapoff -a; sync", "quiet", 120)
    before = exits(dom0)
    command(console, f"for i in $(seq {READS}); do t=$EPOCHREALTIME; done", "read", 300)
    used = spent(before, exits(dom0))
    if used["total"] > READS // 10:
        raise Failed(f"{READS} readings of the clock took too many exits: {used}")
    return used


def keep_variable(dom0, console):
    """A variable of UEFI goes to the flash chip byte by byte: OVMF has found that the chip answers commands."""
    command(console, "{ mountpoint -q /sys/firmware/efi/efivars || mount -t efivarfs efivarfs /sys/firmware/efi/efivars; }", "variables", 60)
    before = exits(dom0)
    command(console, f"printf '\\007\\0\\0\\0kept' >{VARIABLE} && tail -c 4 {VARIABLE} | grep -q kept", "kept", 60)
    used = spent(before, exits(dom0))
    if used.get("NPF", 0) < 50:
        raise Failed(f"a variable was written, but not to the flash chip: {used}")
    return used


def interrupts(console):
    """Timer and rescheduling interrupts of each processor."""
    console.send("grep -E 'LOC:|RES:|CAL:' /proc/interrupts; echo coun''ted\n")
    said = console.expect(r"LOC:\s+(\d+)\s+(\d+)[\s\S]*RES:\s+(\d+)\s+(\d+)[\s\S]*CAL:\s+(\d+)\s+(\d+)[\s\S]*counted", 60)
    return [int(number) for number in said.groups()]


def two_processors(dom0, console):
    command(console, "test $(nproc) = 2 && grep -q x2apic /proc/cpuinfo", "two", 60)
    first = interrupts(console)
    before = exits(dom0)
    command(console, "for i in $(seq 300); do taskset 1 true; taskset 2 true; done", "moved", 300)
    used = spent(before, exits(dom0))
    second = interrupts(console)
    grown = [b - a for a, b in zip(first, second)]
    if not (grown[0] and grown[1]):
        raise Failed(f"timer interrupts of the two processors: {first[:2]}, then {second[:2]}")
    if not grown[2] + grown[3] + grown[4] + grown[5]:
        raise Failed(f"no interrupt went from one processor to the other: {second[2:]}")
    if used.get("NPF", 0) > 200:
        raise Failed(f"while programs moved between processors, {used['NPF']} exits to memory that is none: {used}")


def pinned(dom0, console):
    """Each vCPU of the guest, busy in its turn, takes the time of its own vCPU of the fidelity domain, where that is pinned."""
    def of(vcpu):
        line = dom0.run("xl vcpu-list uefi1.fd | tail -n +2").splitlines()[vcpu].split()
        return line[3], float(line[5])
    for vcpu, cpu in ((0, "1"), (1, "0")):
        dom0.run(f"dxl vcpu-pin uefi1 {vcpu} {cpu}")
        before = of(vcpu)[1]
        console.send(f"timeout 4 taskset {1 << vcpu} sh -c 'while :; do :; done'; echo do''ne\n")
        console.expect(r"done\s", 120)
        where, after = of(vcpu)
        if where != cpu or after - before < 2:
            raise Failed(f"vCPU {vcpu} of the guest was busy for 4 s and pinned to CPU {cpu}: its partner's was at CPU {where} "
                         f"for {after - before:.1f} s")
    dom0.run("dxl vcpu-pin uefi1 all all")


def asleep(dom0):
    """A guest that sleeps, for ten seconds: its own exits and the time of its fidelity domain."""
    def fidelity_seconds():
        return float(dom0.run("xl list uefi1.fd | awk 'END {print $6}'"))
    before, seconds = exits(dom0), fidelity_seconds()
    time.sleep(10)
    used, seconds = spent(before, exits(dom0)), fidelity_seconds() - seconds
    if used["total"] > ASLEEP_EXITS or seconds > ASLEEP_SECONDS:
        raise Failed(f"a guest asleep for 10 s made {used} exits, its fidelity domain took {seconds:.1f} s")
    return f"{used}, {seconds:.1f} s of its fidelity domain"


def run(bed):
    dom0 = bed.dom0(Setup(name="smp2", cpus=2))
    bridge_up(dom0)
    dom0.write("/tmp/uefi1.cfg", CONFIG)
    before = exits(dom0)
    dom0.run("dxl create /tmp/uefi1.cfg", within=600)
    console = dom0.dialogue("uefi1", "dxl console uefi1")
    log_in_and_look(console, disk_kernel(bed), "/dev/sda1")
    boot = spent(before, exits(dom0))
    bed.figure(f"pair-uefi: exits of the boot: {boot}")
    if boot["IOIO"] > BOOT_PORTS:
        raise Failed(f"a boot with OVMF took more than {BOOT_PORTS} exits for ports: {boot}")
    bed.figure(f"pair-uefi: exits for a variable of UEFI: {keep_variable(dom0, console)}")
    if "Tablet" not in dom0.run("dxl qmp uefi1 '{\"execute\":\"query-mice\"}'"):
        raise Failed("the tablet that was asked for is not there")
    two_processors(dom0, console)
    pinned(dom0, console)
    clock = read_clock(dom0, console)
    lease(console)
    move(dom0, console, MIB_FULL if bed.full else MIB)
    bed.figure(f"pair-uefi: exits for {READS} readings of the clock: {clock}\n"
               f"pair-uefi: exits of a guest asleep in 10 s: {asleep(dom0)}")
    first = dom0.run("dxl domid uefi1")
    console.send("reboot\n")
    console.expect(r"Restarting system", 120)
    console.close()
    # Both panels are made anew, as xl does it; a console ends with its domain.
    dom0.run(f"until now=$(dxl domid uefi1 2>&1) && [ \"$now\" != {first.strip()} ]; do sleep 1; done", within=300)
    console = dom0.dialogue("uefi1-again", "dxl console uefi1")
    log_in_and_look(console, disk_kernel(bed), "/dev/sda1")
    command(console, f"{{ {BUTTON}; }}", "listening", 120)
    dom0.run("dxl shutdown -w uefi1", within=600)
    console.close()
    if dom0.domains() != ["Domain-0"]:
        raise Failed("`xl list` still shows a panel after the button")
