# SPDX-License-Identifier: GPL-2.0-or-later
"""The emulators whose TCG has SVM, each with the processor that it emulates well: what a model leaves out, and why,
stands in doc/architecture.md.  All tests of a run use the one that `run.py --bed` names."""
import dataclasses

from .images import image


@dataclasses.dataclass(frozen=True)
class Emulator:
    """folder: name of the image that holds it; empty for the system's own."""
    version: str
    cpu: str
    folder: str = ""

    def cpu_by(self, several):
        """Several processors run by -icount (machine.py), with which QEMU 10 ends at an access to the x2APIC's timer ("Bad icount read")."""
        return self.cpu.replace("+x2apic", "-x2apic") if several else self.cpu

    def program(self):
        return image(self.folder) + "/qemu-system-x86_64" if self.folder else "qemu-system-x86_64"


BEDS = {
    "qemu7": Emulator("7.2", "EPYC,-monitor,-rdtscp,-smap,-xsave,-avx,-avx2,-fma,-f16c"),
    "qemu10": Emulator("10.0", "EPYC,+x2apic,-monitor,-rdtscp,-smap,-xsave,-avx,-avx2,-fma,-f16c", "qemu10"),
}
_chosen = ["qemu7"]


def choose(name):
    _chosen[0] = name


def chosen():
    return BEDS[_chosen[0]]
