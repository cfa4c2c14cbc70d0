# SPDX-License-Identifier: GPL-2.0-or-later
"""TLBs, as a ghost: state that only the specification has.

For one arbitrary CPU c and one arbitrary thing j (a frame, a table, a grant slot, a builder's leaf entry),
`held` says that c may hold a translation made through j.  Hardware makes one only while the state lets it
(fill); the flush between flush_begin and flush_end drops all.  The ghost invariant: what is held is still
in the tables, or its stamp is not below c's epoch; and once c has executed its flush (`flushed`), the same
with c's pending epoch.  Every operation keeps it, and what counts as flushed is held by nobody.
"""
import z3
from z3 import And, Or, Not, Implies, UGE, ULT

import invariant as inv
from invariant import wide, present, exists, handle_of

held, flushed = z3.Bool('held'), z3.Bool('flushed')
any_handle = z3.BitVec('any_handle', 32)


class Ghost:
    def __init__(self, name, group, still, stamp, when=None):
        self.name, self.group, self.still, self.stamp = name, group, still, stamp
        self.when = when or (lambda S, j: z3.BoolVal(True))  # what can be held at all

    def invariant(self, S, c, j, flushed):
        def covers(epoch):
            return Or(self.still(S, j), UGE(self.stamp(S, j), epoch))
        return Implies(held, And(self.when(S, j), covers(S.at('cpu_epoch', c)),
                                 Implies(flushed, covers(S.at('cpu_pending', c)))))


def builder_still(S, e):
    return And(S.at('leaf_role', e) == inv.R_BUILDER, S.at('slot_owner', S.u('leaf_slot', e)) == any_handle)


def builder_stamp(S, e):
    """Of the incarnation any_handle; when it is gone, no stamp of its is needed: it cannot be sealed."""
    return z3.If(present(S, any_handle), S.at('dom_stamp', inv.dom_of(any_handle)), inv.v(inv.TOP))


GHOSTS = [
    Ghost('a frame\'s translation', 'frame', lambda S, f: S.at('frame_head', f) != 0,
          lambda S, f: S.at('frame_stamp', f)),
    Ghost('a walk through a table', 'table', lambda S, t: S.at('table_state', t) == inv.T_LIVE,
          lambda S, t: S.at('table_stamp', t)),
    Ghost('a granted translation', 'slot', lambda S, s: S.at('slot_entry', s) != 0,
          lambda S, s: S.at('slot_stamp', s), lambda S, s: S.at('slot_role', s) == inv.R_GRANT),
    Ghost('a builder\'s translation', 'entry', builder_still, builder_stamp,
          lambda S, e: exists(S, any_handle)),
]


def kept(ghost, name, B, A, args, fresh):
    """The operation keeps the ghost invariant for CPU c and thing j."""
    c, j = fresh['cpu'], fresh[ghost.group]
    before, after, assume = flushed, flushed, ULT(wide(c), B.scalar('live_cpus'))
    if name == 'flush_begin':
        after = And(flushed, wide(c) != args[0])
    if name == 'flush_end':  # the core calls it after the flush
        assume = And(assume, Implies(wide(c) == args[0], flushed))
    return Implies(And(assume, ghost.invariant(B, c, j, before)), ghost.invariant(A, c, j, after))


# operation: what nobody holds when it has succeeded
RELIES = {'frame_release': 0, 'table_free': 1, 'slot_drop': 2, 'domain_seal_end': 3}


def nobody_holds(name, B, args, fresh):
    ghost = GHOSTS[RELIES[name]]
    c, j = fresh['cpu'], fresh[ghost.group]
    about = wide(j) == args[0]
    if name == 'domain_seal_end':
        about = wide(any_handle) == handle_of(B, args[0])
    return Implies(And(ULT(wide(c), B.scalar('live_cpus')), ghost.invariant(B, c, j, flushed), about), Not(held))


def fill(ghost, S, fresh):
    """Hardware walks: the invariant lets it hold j only while j is in the tables."""
    e, f = wide(fresh['entry']), wide(fresh['frame'])
    if ghost.group == 'frame':
        return Implies(inv.lists_frame(S, e, f), ghost.still(S, f))
    if ghost.group == 'slot':
        s = wide(fresh['slot'])
        return Implies(And(S.at('leaf_role', e) == inv.R_GRANT, S.u('leaf_slot', e) == s),
                       And(ghost.still(S, s), ghost.when(S, s)))
    if ghost.group == 'entry':
        owner = S.at('slot_owner', S.u('leaf_slot', e))
        return Implies(And(S.at('leaf_role', e) == inv.R_BUILDER, owner == any_handle),
                       And(ghost.still(S, e), ghost.when(S, e)))
    d, t = wide(fresh['dom']), wide(fresh['table'])  # reached from a root or through an entry
    return And(Implies(And(S.u('dom_root', d) == t, t != 0), ghost.still(S, t)),
               Implies(And(S.at('table_level', z3.LShR(e, 9)) != 1, S.at('npt', e) != 0,
                           inv.frame_in(S.at('npt', e)) == inv.v(inv.TABLE_MFN) + t), ghost.still(S, t)))
