# SPDX-License-Identifier: GPL-2.0-or-later
"""Finds a state and arguments that all facts allow and in which one of several goals does not hold.

The formulas are elements.py's, in one incremental solver: every condition and every goal has a literal, so the facts
become bits once, and what the solver learned from them serves the next question.  One question is about all goals at
once; the model says which of them breaks.  It can be asked of small states only, with a few frames, tables, slots and
epochs: what one of them breaks is broken.

A solver grows with every literal and with what it learned. When Z3 holds more than MOST, the solver that grew most is
let go, of whatever finder; one asked again begins with its facts.
"""
import weakref

import z3

from explore import limit
from state import ARRAYS, SCALARS

# Upper bounds in a small state, of a scalar or of the elements of an array.
SMALL = {'live_frames': 6, 'live_tables': 6, 'live_slots': 6, 'dom_incarnation': 3, 'leaf_age': 7, 'slot_age': 7}
SMALL.update(dict.fromkeys([n for n in (*ARRAYS, *SCALARS) if n.endswith('_stamp') or 'epoch' in n] + ['cpu_pending'], 7))

# Bytes, of the 4 GiB that a proof may have: seventeen solvers of map_mmio's longest path have 0.8 GiB when they begin,
# half a second each, and came to 3.6 before its first try was over. The most that one question took is 0.5.
MOST = 2 << 30
living = weakref.WeakSet()


def held():
    return z3.Z3_get_estimated_alloc_size()


def let_go():
    """Solvers, until Z3 holds no more than MOST. What they learned is lost, which costs time only."""
    while held() > MOST:
        solving = [f for f in living if f.solver is not None]
        if not solving:
            return
        max(solving, key=lambda f: f.grown).forget()


class Finder:
    def __init__(self, elements, facts, large=()):
        """large: what is not small in a small state all the same."""
        self.bounds = {name: most for name, most in SMALL.items() if name not in large}
        self.elements, self.facts, self.small = elements, facts, z3.Bool('small')
        self.forget()
        living.add(self)

    def forget(self):
        """Begins again with the next question."""
        self.solver, self.grown = None, 0
        self.by_name, self.seen, self.literals, self.keep = {}, set(), {}, []

    def begin(self):
        self.solver = z3.SolverFor('QF_BV')
        self.solver.set('simplify.delay', 100000)  # else each question begins with what takes longer than most answers
        for name, most in self.bounds.items():
            if name in SCALARS:
                self.solver.add(z3.Implies(self.small, z3.ULE(z3.BitVec(name, 64), most)))
        for f in self.facts:
            for p in self.elements.parts(f):
                self.solver.add(p)
                self.meet(p)

    def meet(self, formula):
        """Equal indices, equal elements: of what is new here, with all that was met before."""
        work = [formula]
        while work:
            for symbol in sorted(self.elements.symbols(work.pop())):
                if symbol in self.seen or symbol not in self.elements.read:
                    continue
                self.seen.add(symbol)
                name, index, variable = self.elements.read[symbol]
                work.append(index)
                for other, its in self.by_name.setdefault(name, []):
                    same = z3.simplify(index == other)
                    if not z3.is_false(same):
                        self.solver.add(z3.Implies(same, variable == its))
                self.by_name[name].append((index, variable))
                if name in self.bounds:
                    self.solver.add(z3.Implies(self.small, z3.ULE(variable, self.bounds[name])))

    def literal(self, formula):
        """One that implies it."""
        if formula.get_id() not in self.literals:
            its = z3.Bool('literal!%d' % len(self.literals))
            parts = self.elements.parts(formula)
            for p in parts:
                self.solver.add(z3.Implies(its, p))
                self.meet(p)
            self.literals[formula.get_id()] = its
            self.keep.append(formula)
        return self.literals[formula.get_id()]

    def ask(self, conditions, goals, steps, small):
        """(unsat, sat or unknown, the first of the goals that breaks) under these conditions."""
        before = held()
        if self.solver is None:
            self.begin()
        try:
            return self.check(conditions, goals, steps, small)
        finally:
            self.grown += held() - before
            let_go()

    def check(self, conditions, goals, steps, small):
        some = z3.Bool('some!%d' % len(self.literals))
        self.literals[some.get_id()] = some
        broken = [self.literal(z3.Not(g)) for g in goals]
        self.solver.add(z3.Implies(some, z3.Or(*broken)))
        limit(self.solver, steps)
        try:
            answer = self.solver.check(some, *[self.literal(c) for c in conditions], *([self.small] if small else []))
        except z3.Z3Exception:
            return z3.unknown, None
        if answer != z3.sat:
            return answer, None
        model = self.solver.model()
        return answer, next(g for g in goals if z3.is_false(model.eval(self.elements.rewrite(g), model_completion=True)))
