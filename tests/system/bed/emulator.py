# SPDX-License-Identifier: GPL-2.0-or-later
"""The emulators whose TCG has SVM, each with the processor that it emulates well: what a model leaves out, and why,
stands in doc/architecture.md.  All tests of a run use the one that `run.py --bed` names."""
import dataclasses

from .images import image

# A test's machine has them when its Setup says so.
WITHOUT_AVX = ",-xsave,-avx,-avx2,-fma,-f16c"


@dataclasses.dataclass(frozen=True)
class Emulator:
    """folder: name of the image that holds it; empty for the system's own."""
    version: str
    cpu: str
    folder: str = ""

    def cpu_by(self, counted, avx=False):
        """counted: by -icount, as several processors are (machine.py), with which QEMU 10 ends at an access to the x2APIC's timer ("Bad icount read")."""
        cpu = self.cpu.replace("+x2apic", "-x2apic") if counted else self.cpu
        return cpu.replace(WITHOUT_AVX, "") if avx else cpu

    def program(self):
        return image(self.folder) + "/qemu-system-x86_64" if self.folder else "qemu-system-x86_64"


BEDS = {
    "qemu7": Emulator("7.2", "EPYC,-monitor,-rdtscp,-smap" + WITHOUT_AVX),
    "qemu10": Emulator("10.0", "EPYC,+x2apic,-monitor,-rdtscp,-smap" + WITHOUT_AVX, "qemu10"),
}
_chosen = ["qemu7"]


def choose(name):
    _chosen[0] = name


def chosen(newer=False):
    """newer: one with x2APIC, and whose guests' XSETBV is intercepted; with 7.2 it goes through, and the core does not hear of it."""
    return BEDS["qemu10" if newer else _chosen[0]]
