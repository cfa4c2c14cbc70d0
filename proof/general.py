# SPDX-License-Identifier: GPL-2.0-or-later
"""Theorems about the invariant alone: the descent lemmas, hardware's fills, and the walk."""
import z3
from z3 import And, Or, Not, Implies, ULT, UGE, UGT, LShR, Extract

import ghost
import invariant as inv
from invariant import v, wide, dom_of, handle_of, frame_in
from state import GROUPS, State, in_range, narrow


def at(S, group, index, lemmas=True):
    index = narrow(index, GROUPS[group][0])
    clauses = inv.CLAUSES[group](S, index) + (inv.lemmas(S, group, index) if lemmas else [])
    return Implies(in_range(S, group, index), And(*[f for _, f in clauses]))


def near(S, group, index, lemmas=True):
    return [at(S, group, index, lemmas)] + [at(S, g, i, lemmas) for g, i in inv.related(S, group, index)]


def base(S):
    return [f for _, f in inv.scalars(S)]


def leaf_list(S, j):
    """Descent, the step: an entry that maps a frame is the head of the frame's list, or a newer one maps the
    same frame.  Ages are 32 bits and grow along `prev`, so after finitely many steps there is a head: it is
    not 0.  Uses the clauses alone, not the lemma that it proves."""
    e = wide(j['entry'])
    mfn, prev = frame_in(S.at('npt', e)), S.u('leaf_prev', e)
    goal = Implies(inv.lists_frame(S, e, mfn), And(e != 0, Or(
        And(prev == 0, S.u('frame_head', mfn) == e),
        And(inv.lists_frame(S, prev, mfn), UGT(S.at('leaf_age', prev), S.at('leaf_age', e))))))
    return near(S, 'entry', e, False), goal


def slot_list(S, j):
    s = wide(j['slot'])
    owner, prev = S.at('slot_owner', s), S.u('slot_prev', s)
    goal = Implies(And(ULT(s, S.scalar('live_slots')), S.at('slot_role', s) == inv.R_BUILDER), And(s != 0, Or(
        And(prev == 0, S.u('dom_slot_head', dom_of(owner)) == s),
        And(inv.slot_lists(S, prev, owner), UGT(S.at('slot_age', prev), S.at('slot_age', s))))))
    return near(S, 'slot', s, False), goal


def fills(S, j):
    facts = [in_range(S, g, j[g]) for g in ('entry', 'frame', 'slot', 'dom', 'table')]
    for g in ('entry', 'frame', 'slot', 'dom', 'table'):
        facts += near(S, g, j[g])
    child = inv.frame_in(S.at('npt', j['entry'])) - v(inv.TABLE_MFN)
    facts += near(S, 'table', child)
    return facts, And(*[ghost.fill(g, S, j) for g in ghost.GHOSTS])


def epoch_tree(S, j):
    """A node is not above any of its children: four times, and the root is not above any CPU's epoch."""
    c = wide(j['cpu'])
    facts, cuts = [], []
    for level, (name, group, shift) in enumerate((('epoch_min_4', 'min4', 2), ('epoch_min_16', 'min16', 4),
                                                  ('epoch_min_64', 'min64', 6))):
        below = ('cpu_epoch', 'epoch_min_4', 'epoch_min_16')[level]
        facts.append(at(S, group, LShR(c, shift)))
        cuts.append(inv.ULE(S.at(name, LShR(c, shift)), S.at(below, LShR(c, shift - 2))))
    cuts.append(inv.ULE(S.scalar('epoch_min'), S.at('epoch_min_64', LShR(c, 6))))
    return facts, cuts + [inv.ULE(S.scalar('epoch_min'), S.at('cpu_epoch', c))]


def walk(S, j):
    """Four levels from the root of any domain that is not dead, any guest frame number: what is reached.
    Each goal is proved with those before it as facts. AMD's I/O walk, were a device given this root, takes the
    same way with the same rights: next level in bits 9 to 11, IR in bit 61, IW in bit 62."""
    d, gfn = wide(j['dom']), z3.BitVec('any_gfn', 36)
    me = handle_of(S, d)
    h = Extract(31, 0, me)
    facts = [at(S, 'dom', d), S.at('dom_state', d) != inv.D_DEAD, S.u('dom_root', d) != 0]
    table, write, execute = S.u('dom_root', d), z3.BoolVal(True), z3.BoolVal(True)
    goals = []
    for level in (4, 3, 2, 1):
        name = z3.BitVec('table_at_level_%d' % level, 64)
        facts += [name == table, at(S, 'table', name)]
        table = name
        index = z3.ZeroExt(55, Extract(9 * level - 1, 9 * level - 9, gfn))
        # Every table of the walk is a live one of the pool, of this level, this domain and this place.
        goals.append(And(ULT(table, S.scalar('live_tables')), S.at('table_state', table) == inv.T_LIVE))
        goals.append(And(S.u('table_level', table) == level, S.at('table_owner', table) == h))
        goals.append(S.at('table_base', table) == z3.ZeroExt(28, gfn) & v((1 << 36) - (1 << 9 * level)))
        e = z3.BitVec('entry_at_level_%d' % level, 64)
        facts += [e == table << 9 | index, at(S, 'entry', e)]
        goals.append(And(LShR(e, 9) == table, e & v(511) == index))
        n = S.at('npt', e)
        facts.append(n & v(1) == 1)  # else the walk ends here
        write, execute = And(write, n & v(2) != 0), And(execute, n & v(1 << 63) == 0)
        goals.append(And(LShR(n, 9) & v(7) == level - 1, n & v(1 << 61) != 0,
                         (n & v(1 << 62) != 0) == (n & v(2) != 0)))
        # No page of 2 MiB or 1 GiB, no reserved bit; a user's, and marked as accessed and dirty: a walk writes nothing.
        marked = v(0x25 if level > 1 else 0x65)
        goals.append(And(n & v(0x80 | 0x1ff << 52) == 0, n & marked == marked))
        if level > 1:
            table = frame_in(n) - v(inv.TABLE_MFN)
    mfn = z3.BitVec('any_mfn', 64)
    facts += [mfn == frame_in(n), inv.forbidden_definition(S, mfn), at(S, 'frame', mfn)]
    owner = S.at('frame_owner', mfn)
    o, s = dom_of(owner), S.u('leaf_slot', e)
    facts += [at(S, 'slot', s), at(S, 'dom', o)]
    ram = And(ULT(mfn, S.scalar('live_frames')), S.at('frame_state', mfn) != inv.NOT_RAM)
    granted = And(S.at('slot_role', s) == inv.R_GRANT, S.at('slot_mapper', s) == h, S.at('slot_owner', s) == owner,
                  S.u('slot_mfn', s) == mfn, Implies(write, S.at('slot_perm', s) & 2 != 0))
    allowed = Or(owner == h, And(Not(execute), Or(
        S.at('dom_partner', o) == h,
        And(S.at('dom_builder', o) == h, S.at('dom_sealed', o) != inv.SEALED),
        granted)))
    goals += [
        S.at('leaf_role', e) != inv.R_NONE,
        Implies(S.at('leaf_role', e) == inv.R_MMIO, Not(ram)),
        Not(inv.forbidden(S, mfn)),  # neither core memory nor a table nor LAPIC or IOMMU
        Not(ULT(mfn - v(inv.TABLE_MFN), S.scalar('live_tables'))),
        Implies(Not(ram), And(S.at('dom_flags', d) == inv.HARDWARE, mfn == z3.ZeroExt(28, gfn))),
        Implies(ram, Or(S.at('frame_state', mfn) == inv.OWNED, S.at('frame_state', mfn) == inv.CONDEMNED)),
        # A dying owner too; what an earlier incarnation owned is an orphan until it is condemned.
        Implies(And(ram, inv.present(S, owner), S.at('frame_state', mfn) == inv.OWNED), allowed)]
    return facts, goals


GENERAL = {'leaf list, one step of descent': leaf_list, 'slot list, one step of descent': slot_list,
           'no CPU is behind the root of the epoch tree': epoch_tree,
           'a TLB fills only from what is in the tables': fills, 'where a hardware walk can end': walk}


def prove(name, budget):
    S = State()
    fresh = {g: z3.BitVec('any_' + g, bits) for g, (bits, _) in GROUPS.items()}
    facts, goals = GENERAL[name](S, fresh)
    facts = base(S) + facts
    if budget.check(facts) == z3.unsat:
        return 'its assumptions contradict each other'
    for n, goal in enumerate(goals if isinstance(goals, list) else [goals]):
        answer = budget.check(facts, goal)
        if answer != z3.unsat:
            return 'goal %d: %s' % (n, 'not proved in time' if answer == z3.unknown else 'does not hold')
        facts = facts + [goal]
    return None
