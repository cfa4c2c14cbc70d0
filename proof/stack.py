# SPDX-License-Identifier: GPL-2.0-or-later
"""What a function has written into its own stack frame: 8 bytes at a multiple of 8, or 4 at a multiple of 4."""
import z3


class Stack:
    def __init__(self, whole=None, halves=None):
        self.whole, self.halves = whole or {}, halves or {}

    def copy(self):
        return Stack(dict(self.whole), dict(self.halves))

    def above(self, rsp):
        """What is not below the stack pointer."""
        return Stack({at: value for at, value in self.whole.items() if at >= rsp},
                     {at: value for at, value in self.halves.items() if at >= rsp})

    def split(self, at):
        value = self.whole.pop(at, None)
        if value is not None:
            for half in (0, 1):
                self.halves[at + 4 * half] = z3.simplify(z3.Extract(32 * half + 31, 32 * half, value))

    def store(self, at, bits, value):
        if bits == 32:
            self.split(at & ~7)
            self.halves[at] = value
            return
        self.halves.pop(at, None)
        self.halves.pop(at + 4, None)
        self.whole[at] = value

    def load(self, at, bits):
        """None: not all of it was written."""
        if bits == 32:
            if at in self.halves:
                return self.halves[at]
            value = self.whole.get(at & ~7)
            return None if value is None else z3.Extract(8 * (at % 8) + 31, 8 * (at % 8), value)
        if at in self.whole:
            return self.whole[at]
        if at in self.halves and at + 4 in self.halves:
            return z3.simplify(z3.Concat(self.halves[at + 4], self.halves[at]))
        return None
