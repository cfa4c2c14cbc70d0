# SPDX-License-Identifier: GPL-2.0-or-later
"""Boot: the state that protect_init() leaves keeps the invariant, and the operations that forbid ranges, make RAM of
frames, give the hardware domain its own, and close boot, keep it, on the machine code.

mmio_forbid() changes what is forbidden under the eyes of all other clauses. That this breaks none rests on what holds
besides the invariant: as long as it can be called no frame is RAM, and the ranges that are not in use are empty. Both
hold at the start (prove_initial); the first is kept by every operation (theorems.everywhere), the second by all but
this one because they write no range (CONSTANT).

Not proved here: that the loops of protect_init() leave what INITIAL says (the invariant as C function is run on the
real state at the end of boot).
"""
import z3
from z3 import And, If, Implies, Not, Or, UGE, ULE, ULT

import invariant as inv
from invariant import v, wide
from prove import Proof
from state import ARRAYS, CONSTANT, GROUPS, State, in_range
from theorems import OWNERSHIP, arrays, only_at, same

FORBID, ADD, MMIO, DONE = range(4)


def no_ram_yet(S, f):
    return Implies(S.scalar('boot_phase') == FORBID, S.at('frame_state', f) == inv.NOT_RAM)


def unused_is_empty(S, i):
    return Implies(UGE(wide(i), S.scalar('forbidden_count')), S.at('forbidden_nr', i) == 0)


def mmio_forbid(B, A, a, j):
    m, i, count = z3.BitVec('any_mfn', 64), j['forbid'], B.scalar('forbidden_count')
    return [
        ('before any frame is RAM', B.scalar('boot_phase') == FORBID),
        ('only the next range changes', And(only_at(B, A, 'forbidden_first', i, count), only_at(B, A, 'forbidden_nr', i, count))),
        ('it is counted, and there is room for it', And(A.scalar('forbidden_count') == count + 1, ULT(count, v(16)))),
        ('unused ranges are empty', unused_is_empty(A, i)),
        # What is forbidden is what any range holds, so of each one:
        ('what was forbidden stays so', Implies(inv.in_range_of(B, i, m), inv.in_range_of(A, i, m))),
        ('what was asked is forbidden', Implies(ULT(m - a[0], a[1]), inv.in_range_of(A, count, m))),
        ('nothing else is', Implies(inv.in_range_of(A, i, m), Or(inv.in_range_of(B, i, m), ULT(m - a[0], a[1])))),
        ('nothing becomes reachable', same(B, A, 'npt', *OWNERSHIP)),
    ]


def frame_add(B, A, a, j):
    return [
        ('only this frame changes', And(only_at(B, A, 'frame_state', j['frame'], a[0]), same(B, A, 'frame_owner'))),
        ('from no RAM to DIRTY', And(B.at('frame_state', a[0]) == inv.NOT_RAM, A.at('frame_state', a[0]) == inv.DIRTY)),
        ('nothing forbidden, no table', Not(inv.forbidden(B, a[0]))),
        ('before anything that is no RAM is mapped', ULE(B.scalar('boot_phase'), v(ADD))),
        ('no more ranges are forbidden', UGE(A.scalar('boot_phase'), v(ADD))),
        ('nothing becomes reachable', same(B, A, 'npt')),
    ]


def frame_give_boot(B, A, a, j):
    f = j['frame']
    return [
        ('only this frame changes', And(only_at(B, A, 'frame_state', f, a[0]), only_at(B, A, 'frame_owner', f, a[0]))),
        ('nobody\'s, to the hardware domain', And(
            B.at('frame_state', a[0]) == inv.DIRTY, A.at('frame_state', a[0]) == inv.OWNED,
            wide(A.at('frame_owner', a[0])) == inv.handle_of(B, a[1]),
            B.at('dom_state', a[1]) == inv.D_LIVE, B.at('dom_flags', a[1]) == inv.HARDWARE)),
        ('before boot is over', ULT(B.scalar('boot_phase'), v(DONE))),
        ('no entry maps it', Not(inv.lists_frame(A, wide(j['entry']), a[0]))),
        ('nothing becomes reachable', same(B, A, 'npt')),
    ]


def protect_boot_done(B, A, a, j):
    return [('boot is over', A.scalar('boot_phase') == DONE),
            ('nothing becomes reachable', same(B, A, 'npt', *OWNERSHIP))]


RANGES = {'forbidden_first', 'forbidden_nr', 'forbidden_count'}
OPERATIONS = {
    'mmio_forbid': (2, mmio_forbid, RANGES, True),
    'frame_add': (1, frame_add, arrays('frame_state', 'boot_phase'), True),
    'frame_give_boot': (2, frame_give_boot, arrays('frame_state', 'frame_owner'), True),
    'protect_boot_done': (0, protect_boot_done, arrays('boot_phase'), False),
}
INITIAL = 'initial_state'


class BootProof(Proof):
    def __init__(self, elf, name, **others):
        super().__init__(elf, name, operations=OPERATIONS, **others)
        if name == 'mmio_forbid':
            self.explorer.constant = CONSTANT - RANGES

    def definition(self):
        if self.name == 'frame_add':
            return [inv.forbidden_definition(self.explorer.before, z3.BitVec('in_rdi', 64))]
        if self.name == 'mmio_forbid':
            before = self.explorer.before
            return [no_ram_yet(before, self.fresh['frame']), unused_is_empty(before, self.fresh['forbid']),
                    unused_is_empty(before, before.scalar('forbidden_count'))]
        return []


def initial():
    """(state, facts): every array is zero but those of the CPUs, whose epoch is 1, and the end of time for those that
    do not exist; the trees are over these."""
    state = State()
    for name, (group, bits) in ARRAYS.items():
        if GROUPS[group][0] and not name.startswith(('cpu_', 'epoch_')):
            state.arrays[name] = z3.K(z3.BitVecSort(GROUPS[group][0]), z3.BitVecVal(0, bits))
    for name, value in ('epoch_now', 1), ('boot_phase', FORBID), ('forbidden_count', 0):
        state.scalars[name] = v(value)
    facts = [ULE(state.scalar(n), v(m)) for n, m in inv.MAX.items()]

    def epoch(c):
        return If(ULT(c, state.scalar('live_cpus')), v(1), v(inv.TOP))

    for group, name, step in ('cpu', 'cpu_epoch', 1), ('cpu', 'cpu_pending', 1), ('min4', 'epoch_min_4', 4), \
            ('min16', 'epoch_min_16', 16), ('min64', 'epoch_min_64', 64):
        index = z3.BitVec('any_' + group, GROUPS[group][0])
        for k in range(4):  # at the index itself, and at the four children of a node above it
            for above in ('min4', 'min16', 'min64', group):
                i = wide(index) if above == group else (wide(z3.BitVec('any_' + above, GROUPS[above][0])) << 2) + v(k)
                facts.append(z3.Implies(ULT(i, v(1 << GROUPS[group][0])), state.at(name, i) == epoch(i * v(step))))
            facts.append(state.at(name, v(k)) == epoch(v(k * step)))
    facts.append(state.scalar('epoch_min') == epoch(v(0)))
    return state, facts


def prove_initial(budget):
    """None or the clause that does not hold."""
    state, facts = initial()
    if budget.check(facts) != z3.sat:
        return 'there is no such state'
    for clause, goal in inv.scalars(state):
        if budget.check(facts, goal) != z3.unsat:
            return 'invariant ' + clause
    for text, goal in (('no frame is RAM', no_ram_yet(state, z3.BitVec('any_frame', GROUPS['frame'][0]))),
                       ('no range is in use', unused_is_empty(state, z3.BitVec('any_forbid', GROUPS['forbid'][0])))):
        if budget.check(facts, goal) != z3.unsat:
            return text
    for group, clauses in inv.CLAUSES.items():
        j = z3.BitVec('any_' + group, GROUPS[group][0])
        for clause, goal in clauses(state, j):
            if budget.check(facts + [in_range(state, group, j)], goal) != z3.unsat:
                return 'invariant %s of any %s' % (clause, group)
    return None
