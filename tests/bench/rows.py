# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of the table: what each figure is, its unit, its target, and the columns made out of measurements.

A target is a number that ours must stay below, "xen": below stock Xen's, or "2.5 kvm": below that many times KVM's.
None: reported only.
"""
import os
import re

from machines import CALLS

HERE = os.path.dirname(os.path.abspath(__file__))
PAIR = "real guest"  # how the names of a pair's rows begin
PAGES_OF_MACHINE = 4096 * 256


class Row:
    """of: the figure of one hypervisor; floor: of(ours) where each exit costs no more than the smallest world switch."""

    def __init__(self, name, unit, target, of, floor=None):
        self.name, self.unit, self.target, self.of, self.floor = name, unit, target, of, floor


def cost(row):
    return lambda m: m["rows"][row]["total"]


def cost_floor(row):
    return lambda m, switch: m["rows"][row]["total"] - m["rows"][row]["host"] + m["rows"][row]["entries"] * switch


def in_hypervisor(row):
    return lambda m: m["rows"][row]["host"]


def in_hypervisor_without_rdtsc(row):
    return lambda m: m["rows"][row]["host"] - m["rows"][row]["rdtsc_host"]


def added(m):
    """By the call to which most is added; each is made alone and among 100 domains more."""
    pairs = [(row, f"{row}_more") for row in m["rows"] if f"{row}_more" in m["rows"]]
    if len(pairs) != len(CALLS) + 3:
        raise KeyError("calls")
    return max(m["rows"][more]["total"] - m["rows"][row]["total"] for row, more in pairs)


def above(row, system_call):
    """Exits of RDTSC in the system call itself (Linux reads it at each entry) cancel out."""
    return lambda m: m["rows"][row]["total"] - m["rows"][system_call]["total"]


def above_floor(row, system_call):
    return lambda m, switch: cost_floor(row)(m, switch) - cost_floor(system_call)(m, switch)


def without_rdtsc(row):
    return lambda m: m["rows"][row]["total"] - m["rows"][row]["rdtsc_host"]


def between(first, last, column, less=None):
    return lambda m: (m["once"][last][column] - m["once"][first][column]
                      - (m["once"][last][less] - m["once"][first][less] if less else 0))


def boot_floor(m, switch):
    return (between("dom0", "shell", "total")(m) - between("dom0", "shell", "host")(m)
            + between("dom0", "shell", "entries")(m) * switch)


def in_hypervisor_floor(m, switch):
    return between("dom0", "shell", "entries")(m) * switch


def percent(pages):
    return round(100 * pages / PAGES_OF_MACHINE, 2)


ROWS = [
    Row("xen_version from user space, above the system call", "instructions", 400, above("xen_version", "privcmd_nothing"),
        above_floor("xen_version", "privcmd_nothing")),
    Row("CPUID from user space", "instructions", 250, cost("cpuid"), cost_floor("cpuid")),
    Row("evtchn_send to a pending port from user space, above the system call", "instructions", 600,
        above("evtchn_send", "evtchn_nothing"), above_floor("evtchn_send", "evtchn_nothing")),
    Row("event: send, upcall, read, unmask, user space to user space", "instructions", 7500, cost("event_round_trip"),
        cost_floor("event_round_trip")),
    Row("event: the same, without exits by RDTSC", "instructions", 7500, without_rdtsc("event_round_trip"),
        cost_floor("event_round_trip")),
    Row("grant: a page copied by two references, above the system call", "instructions", "xen", above("grant_copy", "privcmd_nothing"),
        above_floor("grant_copy", "privcmd_nothing")),
    Row("grant: a page mapped and unmapped, above the two system calls", "instructions", "xen",
        lambda m: m["rows"]["grant_map_unmap"]["total"] - 2 * m["rows"]["privcmd_nothing"]["total"]),
    Row("100 domains more: the most that is added to one of 19 calls", "instructions", 50, added),
    Row("xl create of a PVH guest of 256 MiB: in the hypervisor", "instructions", "0.333 xen", in_hypervisor("xl_create")),
    Row("xl create of a PVH guest of 256 MiB: in the hypervisor, without RDTSC", "instructions", "0.333 xen",
        in_hypervisor_without_rdtsc("xl_create")),
    Row("xl create of a PVH guest of 256 MiB: with all that dom0 does", "instructions", "xen", cost("xl_create"), cost_floor("xl_create")),
    Row("xl destroy of it: in the hypervisor", "instructions", "xen", in_hypervisor("xl_destroy")),
    Row("xl destroy of it: in the hypervisor, without RDTSC", "instructions", "xen",
        in_hypervisor_without_rdtsc("xl_destroy")),
    Row("xl destroy of it: with all that dom0 does", "instructions", "xen", cost("xl_destroy"), cost_floor("xl_destroy")),
    Row("event to another domain and back, user space to user space", "instructions", "xen", cost("event_between"),
        cost_floor("event_between")),
    Row("event to another domain and back: without exits by RDTSC", "instructions", "xen", without_rdtsc("event_between"),
        cost_floor("event_between")),
    *[Row(f"{what}: {part}", "instructions", "xen", how(row), floor(row) if floor else None)
      for row, what in (("block_read", "a PVH guest reads 16 MiB of its disk"), ("block_write", "a PVH guest writes 16 MiB to its disk"),
                        ("net_send", "a PVH guest sends 2 MiB by TCP"), ("net_receive", "a PVH guest receives 2 MiB by TCP"))
      for part, how, floor in (("in the hypervisor", in_hypervisor, None),
                               ("in the hypervisor, without RDTSC", in_hypervisor_without_rdtsc, None),
                               ("with all that both domains do", cost, cost_floor))],
    Row("VMMCALL from user space, refused", "instructions", "xen", cost("vmmcall_from_user"), cost_floor("vmmcall_from_user")),
    Row("RDTSC from user space", "instructions", "xen", cost("rdtsc"), cost_floor("rdtsc")),
    Row("system call on privcmd that does nothing", "instructions", None, cost("privcmd_nothing"),
        cost_floor("privcmd_nothing")),
    Row("exits until dom0's shell", "exits", 4000, between("dom0", "shell", "entries")),
    Row("exits until dom0's shell, without those by RDTSC", "exits", 4000, between("dom0", "shell", "entries", "rdtsc_exits")),
    Row("core's entry to dom0's first instruction", "instructions", "xen", between("entry", "dom0", "total")),
    Row("dom0's first instruction to its shell", "instructions", "xen", between("dom0", "shell", "total"), boot_floor),
    Row("dom0's way to its shell: in the hypervisor", "instructions", "xen", between("dom0", "shell", "host"), in_hypervisor_floor),
    Row("dom0's way to its shell: in the hypervisor, without RDTSC", "instructions", "xen",
        between("dom0", "shell", "host", "rdtsc_host"), in_hypervisor_floor),
    Row("real guest: port read served by QEMU", "instructions", 8000, cost("guest_port"), cost_floor("guest_port")),
    Row("real guest: MMIO read served by QEMU", "instructions", None, cost("guest_mmio"), cost_floor("guest_mmio")),
    Row("real guest: CPUID", "instructions", "2.5 kvm", cost("guest_cpuid"), cost_floor("guest_cpuid")),
    Row("real guest: RDMSR", "instructions", "2.5 kvm", cost("guest_rdmsr"), cost_floor("guest_rdmsr")),
    Row("real guest: IPI by x2APIC, to itself on one CPU, taken and ended", "instructions", None, cost("guest_ipi"), cost_floor("guest_ipi")),
    Row("real guest: asleep until its timer's interrupt, taken and ended", "instructions", None, cost("guest_sleep"),
        cost_floor("guest_sleep")),
    Row("real guest: 4 KiB read from virtio-blk, asleep until its interrupt", "instructions", None, cost("guest_disk"),
        cost_floor("guest_disk")),
    Row("real guest: from `dxl create` (KVM: QEMU's start) to its first instruction", "instructions", None, cost("guest_start")),
    Row("real guest: a Linux, its first instruction (then GRUB) to its program", "instructions", None, cost("guest_boot"),
        cost_floor("guest_boot")),
    Row("real guest without a screen: memory of its fidelity domain", "MiB", 64, lambda m: m["fidelity_mib"]),
    Row("real guest without a screen: fidelity domain and firmware together", "MiB", None, lambda m: m["beyond_mib"]),
    Row("machine code", "bytes", 150000, lambda m: m["text"]),
    Row("memory kept, of 4 GiB, nested tables apart", "%", 1.0,
        lambda m: percent(m["memory"]["kept_pages"] - m["memory"]["nested_pages"])),
    Row("memory kept, of 4 GiB, with nested tables", "%", None, lambda m: percent(m["memory"]["kept_pages"])),
]


def figure(how, *measured):
    """None where it was not measured."""
    try:
        value = how(*measured) if how else None
    except KeyError:
        return None
    return int(value) if value is not None and value == int(value) else value


def table(ours, peers):
    """As bench.json has it, with the target beside each row."""
    switch = peers["limit"]["rows"]["cpuid"]["host"]
    return [({"name": row.name, "unit": row.unit, "ours": figure(row.of, ours), "xen": figure(row.of, peers["xen"]),
              "kvm": figure(row.of, peers["kvm"]), "limit": figure(row.floor, ours, switch)}, row.target) for row in ROWS]


def explanations():
    """misses.txt: NAME | DATE | WHY, one line each; the reason why a row misses its target today."""
    found = {}
    with open(os.path.join(HERE, "misses.txt"), encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                name, date, why = (part.strip() for part in line.split("|", 2))
                if not re.fullmatch(r"\d{4}-\d\d-\d\d", date) or name not in [row.name for row in ROWS]:
                    raise ValueError(f"misses.txt: {line.strip()}")
                found[name] = f"{date}: {why}"
    return found


def verdict(values, target, explained):
    """(passed, what is said beside the row)"""
    if values["ours"] is None:
        return False, "no figure"
    if target is None:
        return True, ""
    bound, what = target, f"{target:,}" if isinstance(target, int) else str(target)
    if isinstance(target, str):
        times, peer = target.rpartition(" ")[::2]
        if values[peer] is None:
            return False, f"the figure of {peer} is missing"
        bound = float(times or 1) * values[peer]
        what = f"{times + ' times ' if times else ''}{peer}'s"
    if values["ours"] < bound:
        return True, f"below {what}"
    if values["name"] in explained:
        return True, f"MISSED ({what}), {explained[values['name']]}"
    return False, f"MISSED ({what})"
