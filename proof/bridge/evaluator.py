# SPDX-License-Identifier: GPL-2.0-or-later
"""The specification of the invariant as C: every clause of ../invariant.py becomes C that evaluates it.

Prints `void spec_GROUP(u64 i)` for each group, which calls broken(number of the clause's formula) for what does
not hold, and the formulas' names.  states.c compares that with core/protect/invariant.c.  The terms are the
prover's own, but for the sizes, which are those of the test's arrays.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import z3

import invariant
from state import ARRAYS, SCALARS, wide

OPERATORS = {
    z3.Z3_OP_BADD: '+', z3.Z3_OP_BSUB: '-', z3.Z3_OP_BMUL: '*', z3.Z3_OP_BAND: '&', z3.Z3_OP_BOR: '|',
    z3.Z3_OP_BXOR: '^', z3.Z3_OP_AND: '&', z3.Z3_OP_OR: '|', z3.Z3_OP_EQ: '==', z3.Z3_OP_DISTINCT: '!=',
    z3.Z3_OP_ULT: '<', z3.Z3_OP_ULEQ: '<=', z3.Z3_OP_UGT: '>', z3.Z3_OP_UGEQ: '>='}


class Reads:
    """Stands for a state: a read becomes the application of a function named as the array is."""

    def at(self, name, index):
        return z3.Function(name, z3.BitVecSort(64), z3.BitVecSort(ARRAYS[name][1]))(wide(index))

    def u(self, name, index):
        return wide(self.at(name, index))

    def scalar(self, name):
        return z3.BitVec(name, 64)


class Writer:
    """One C function: each term a variable, once."""

    def __init__(self):
        self.lines, self.names, self.keep = [], {}, []

    def term(self, e):
        if e.get_id() not in self.names:
            text = self.text(e)
            if z3.is_bv(e) and e.size() < 64 and not z3.is_bv_value(e):
                text = '(%s) & %#xull' % (text, (1 << e.size()) - 1)
            name = 't%d' % len(self.lines)
            self.lines.append('\tu64 %s = %s;' % (name, text))
            self.names[e.get_id()] = name
            self.keep.append(e)
        return self.names[e.get_id()]

    def text(self, e):
        kind = e.decl().kind()
        if z3.is_bv_value(e):
            return '%#xull' % e.as_long()
        if z3.is_true(e) or z3.is_false(e):
            return '1' if z3.is_true(e) else '0'
        if kind == z3.Z3_OP_UNINTERPRETED:
            name = e.decl().name()
            if e.num_args() == 0:
                return name
            if name == 'forbidden_mfn':
                return self.text(invariant.forbidden_definition(Reads(), e.arg(0)).arg(1))
            return 'READ(%s, %s)' % (name, self.term(e.arg(0)))
        # The sizes of the arrays: an entry's table and its place there, a handle's domain.
        if kind == z3.Z3_OP_BLSHR and z3.is_bv_value(e.arg(1)) and e.arg(1).as_long() == 9:
            return '%s / ENTRIES' % self.term(e.arg(0))
        if kind == z3.Z3_OP_BAND and z3.is_bv_value(e.arg(1)) and e.arg(1).as_long() in (511, 1023):
            return '%s %% %s' % (self.term(e.arg(0)), 'ENTRIES' if e.arg(1).as_long() == 511 else 'PROTECT_DOMAINS')
        if kind == z3.Z3_OP_ULEQ and z3.is_bv_value(e.arg(1)) and e.arg(1).as_long() == 512:
            return '%s <= ENTRIES' % self.term(e.arg(0))
        a = [self.term(c) for c in e.children()]
        if kind in OPERATORS:
            return (' %s ' % OPERATORS[kind]).join(a)
        if kind == z3.Z3_OP_NOT:
            return '!' + a[0]
        if kind == z3.Z3_OP_IMPLIES:
            return '!%s | %s' % (a[0], a[1])
        if kind == z3.Z3_OP_ITE:
            return '%s ? %s : %s' % tuple(a)
        if kind == z3.Z3_OP_BNOT:
            return '~' + a[0]
        if kind in (z3.Z3_OP_BSHL, z3.Z3_OP_BLSHR):
            return '%s < 64 ? %s %s %s : 0' % (a[1], a[0], '<<' if kind == z3.Z3_OP_BSHL else '>>', a[1])
        if kind == z3.Z3_OP_ZERO_EXT:
            return a[0]
        if kind == z3.Z3_OP_EXTRACT:
            return '%s >> %d' % (a[0], e.params()[1])
        if kind == z3.Z3_OP_CONCAT and len(a) == 2:
            return '%s << %d | %s' % (a[0], e.arg(1).size(), a[1])
        raise ValueError('no C for %s' % e.decl())


def main():
    # Shadowed by the C constants of the same meaning, which the test makes small.
    limits = {'live_frames': 'PROTECT_FRAMES', 'live_tables': 'PROTECT_TABLES', 'live_slots': 'PROTECT_SLOTS',
              'live_cpus': 'PROTECT_CPUS'}
    invariant.v = lambda n: z3.BitVecVal(n, 64)
    names = []

    class Limits(dict):
        """The maxima as names, which C knows."""

        def items(self):
            return [(n, z3.BitVec(c, 64)) for n, c in limits.items()]

    invariant.MAX = Limits()
    invariant.v = lambda n: n if z3.is_expr(n) else z3.BitVecVal(n, 64)
    S = Reads()
    groups = [('scalars', lambda S, _: invariant.scalars(S))] + list(invariant.CLAUSES.items())
    print('/* Made by proof/bridge/evaluator.py from proof/invariant.py. */')
    for group, clauses in groups:
        w = Writer()
        for clause, formula in clauses(S, z3.BitVec('i', 64)):
            holds = w.term(formula)
            w.lines.append('\tif (!%s)\n\t\tbroken(%d);' % (holds, len(names)))
            names.append((group, clause))
        print('static void spec_%s(u64 i)\n{\n\t(void)i;\n%s\n}\n' % (group, '\n'.join(w.lines)))
    print('static const struct { const char *group, *name; u64 clause; } formulas[] = {')
    for group, clause in names:
        print('\t{ "%s", "%s", INV_%s },' % (group, clause, clause.upper()))
    print('};')
    print('#define FORMULAS %d' % len(names))
    assert set(SCALARS) and len(names) < 128


main()
