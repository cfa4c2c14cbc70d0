# SPDX-License-Identifier: GPL-2.0-or-later
"""Paths that only a mistake opens: they return success, but no state takes them as the code is.

So slot_drop, where what is no grant must be a builder's: the branch after that check can go one way only, until the
check lets a grant through.  mutate.py looks for mistakes on these paths too.
"""
import z3

from explore import Budget, Explorer
from lift import const


class Unpruned(Explorer):
    """Takes every branch, and asks nothing: mutate.py proves nothing on the way either."""

    def feasible(self, facts):
        return True

    def proves(self, facts, goal):
        return True

    def instance(self, group, index):
        return []


def opened(elf, name, successes):
    """The decisions of each."""
    explorer = Unpruned(elf, Budget())
    results = {p.decisions: const(z3.simplify(z3.Extract(31, 0, p.processor.regs['rax']))) for p in explorer.run(name)}
    return [decisions for decisions, result in results.items() if result == 0 and decisions not in successes]
