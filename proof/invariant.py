# SPDX-License-Identifier: GPL-2.0-or-later
"""The invariant, clause by clause as core/protect/invariant.c has it, for one index at a time.

Each function gives [(name, formula)] about one index of one state; the invariant is all of them for all
indices in range.  The prover assumes them for the indices that a path touched and proves them for a fresh
one.  Left out here: the exact counts of tables and slots, which no local clause can say.
"""
import z3
from z3 import And, Or, Not, Implies, If, ULT, ULE, UGE, UGT, LShR, BitVecVal

from state import wide

NOT_RAM, DIRTY, FREE, OWNED, CONDEMNED = range(5)
R_NONE, R_OWN, R_PARTNER, R_BUILDER, R_GRANT, R_MMIO = range(6)
T_FREE, T_LIVE, T_DYING = range(3)
D_DEAD, D_LIVE, D_DYING = range(3)
UNSEALED, SEALING, SEALED = range(3)
HARDWARE, GUEST = 1, 2
TABLE_MFN = 0x31000000 >> 12
TOP = (1 << 64) - 1
MAX = {'live_frames': 1 << 26, 'live_tables': 1 << 19, 'live_slots': 1 << 20, 'live_cpus': 256}


def v(n):
    return BitVecVal(n, 64)


def dom_of(handle):
    return wide(handle) & v(1023)


def handle_of(S, dom):
    return S.u('dom_incarnation', dom) << 10 | dom


def present(S, handle):
    return handle_of(S, dom_of(handle)) == wide(handle)


def exists(S, handle):
    inc = LShR(wide(handle), 10)
    return And(inc != 0, ULE(inc, S.u('dom_incarnation', dom_of(handle))))


def is_live(S, handle):
    return And(S.at('dom_state', dom_of(handle)) == D_LIVE, present(S, handle))


def frame_in(entry):
    return LShR(entry, 12) & v((1 << 40) - 1)


def leaf_value(mfn, perm):
    perm = wide(perm)
    write, exec_ = LShR(perm, 1) & v(1), LShR(perm, 2) & v(1)
    return mfn << 12 | v(1 << 61 | 0x65) | write << 1 | write << 62 | (exec_ ^ v(1)) << 63


def upper_value(child, level):
    return (v(TABLE_MFN) + child) << 12 | v(3 << 61 | 0x27) | level << 9


def perm_valid(perm):
    return wide(perm) & v(0xf9) == 1


# What is forbidden never changes after boot, so a predicate stands for it; operations that read the ranges
# get its definition for the frame in question. After mmio_forbid it is another one.
forbidden_mfn = z3.Function('forbidden_mfn', z3.BitVecSort(64), z3.BoolSort())
forbidden_then = z3.Function('forbidden_then', z3.BitVecSort(64), z3.BoolSort())


def forbidden(S, mfn):
    return (forbidden_then if getattr(S, 'writes', {}).get('forbidden_nr') else forbidden_mfn)(mfn)


def in_range_of(S, i, mfn):
    return ULT(mfn - S.at('forbidden_first', i), S.at('forbidden_nr', i))


def forbidden_definition(S, mfn):
    hit = [in_range_of(S, v(i), mfn) for i in range(16)]
    return forbidden_mfn(mfn) == Or(ULT(mfn - v(TABLE_MFN), S.scalar('live_tables')), *hit)


def lists_frame(S, e, mfn):
    role = S.at('leaf_role', e)
    return And(ULT(LShR(e, 9), S.scalar('live_tables')), role != R_NONE, role != R_MMIO,
               frame_in(S.at('npt', e)) == mfn)


def slot_lists(S, s, owner):
    return And(ULT(s, S.scalar('live_slots')), S.at('slot_role', s) == R_BUILDER,
               S.at('slot_owner', s) == owner)


def scalars(S):
    now = S.scalar('epoch_now')
    return [('sizes', And(*[ULE(S.scalar(n), v(m)) for n, m in MAX.items()])),
            ('sizes', ULE(S.scalar('boot_phase'), v(3))),
            ('epoch', ULT(now, v((1 << 64) - 1)))]


def frame(S, f):
    f = wide(f)
    st, owner, head = S.at('frame_state', f), S.at('frame_owner', f), S.u('frame_head', f)
    return [
        ('frame_state', ULE(st, CONDEMNED)),
        ('frame_state', If(st == OWNED, exists(S, owner), owner == 0)),
        ('frame_core', Or(st == NOT_RAM, Not(forbidden(S, f)))),
        ('stamp', ULE(S.at('frame_stamp', f), S.scalar('epoch_now'))),
        ('frame_head', Implies(head != 0, And(Or(st == OWNED, st == CONDEMNED), lists_frame(S, head, f),
                                              S.at('leaf_prev', head) == 0))),
    ]


def table(S, t):
    t = wide(t)
    st, level, owner = S.at('table_state', t), S.u('table_level', t), S.at('table_owner', t)
    parent, cursor, base = S.u('table_parent', t), S.u('table_cursor', t), S.at('table_base', t)
    above, dom = LShR(parent, 9), dom_of(owner)
    free, live, dying = st == T_FREE, st == T_LIVE, st == T_DYING
    return [
        ('table_free', Implies(free, And(level == 0, cursor == 0, owner == 0, parent == 0, base == 0,
                                         S.at('table_stamp', t) == 0))),
        ('table_free', Implies(t == 0, free)),
        ('table_state', ULE(st, T_DYING)),
        ('table_state', Implies(Not(free), And(UGE(level, v(1)), ULE(level, v(4)), exists(S, owner)))),
        ('stamp', ULE(S.at('table_stamp', t), S.scalar('epoch_now'))),
        ('table_state', Implies(dying, And(cursor & v(3) == 0, ULE(cursor, v(512)), parent == 0))),
        ('table_state', Implies(live, cursor == 0)),
        ('table_state', Implies(And(live, level == 4), And(parent == 0, base == 0))),
        ('domain_root', Implies(And(live, level == 4, present(S, owner)), S.u('dom_root', dom) == t)),
        ('table_parent', Implies(And(live, parent == 0), base == 0)),
        ('table_parent', Implies(parent != 0, And(ULT(above, S.scalar('live_tables')),
                                                  S.at('npt', parent) == upper_value(t, level)))),
        ('table_parent', Implies(parent != 0, And(S.u('table_level', above) == level + 1,
                                                  S.at('table_owner', above) == owner))),
        ('table_parent', Implies(parent != 0, base == S.at('table_base', above) +
                                 ((parent & v(511)) << (v(9) * level)))),
    ]


def entry(S, e):
    e = wide(e)
    t, i = LShR(e, 9), e & v(511)
    n, role, perm = S.at('npt', e), S.at('leaf_role', e), S.at('leaf_perm', e)
    nxt, prv, age = S.u('leaf_next', e), S.u('leaf_prev', e), S.at('leaf_age', e)
    slot, mfn = S.u('leaf_slot', e), frame_in(n)
    st, level, towner = S.at('table_state', t), S.u('table_level', t), S.at('table_owner', t)
    child = mfn - v(TABLE_MFN)
    none, mmio = role == R_NONE, role == R_MMIO
    listed = And(Not(none), Not(mmio))
    slotted = Or(role == R_BUILDER, role == R_GRANT)
    fst, fowner = S.at('frame_state', mfn), S.at('frame_owner', mfn)
    no_list = And(nxt == 0, prv == 0, age == 0)
    owned = fst == OWNED
    return [
        ('table_empty', Implies(Or(st == T_FREE, And(st == T_DYING, ULT(i, S.u('table_cursor', t))),
                                   And(st == T_LIVE, S.at('table_parent', t) == 0, level != 4)), n == 0)),
        ('entry_upper', Implies(And(UGT(level, v(1)), n != 0),
                                And(child != 0, ULT(child, S.scalar('live_tables')),
                                    S.u('table_parent', child) == e, n == upper_value(child, level - 1)))),
        ('leaf_none', Implies(level != 1, none)),
        ('leaf_none', Implies(none, And(no_list, perm == 0, slot == 0))),
        ('leaf_none', Implies(And(none, ULE(level, v(1))), n == 0)),
        ('leaf_value', ULE(role, R_MMIO)),
        ('leaf_value', Implies(Not(none), And(
            perm_valid(perm),
            Or(n == leaf_value(mfn, perm), And(role == R_OWN, n == leaf_value(mfn, perm & ~BitVecVal(2, 8))))))),
        ('leaf_mmio', Implies(mmio, And(mfn == S.at('table_base', t) + i, no_list, slot == 0,
                                        UGE(S.scalar('boot_phase'), v(2))))),
        ('leaf_mmio', Implies(mmio, Or(UGE(mfn, S.scalar('live_frames')), fst == NOT_RAM))),
        ('leaf_mmio', Implies(mmio, Not(forbidden(S, mfn)))),
        ('leaf_mmio', Implies(And(mmio, present(S, towner)), S.at('dom_flags', dom_of(towner)) == HARDWARE)),
        ('leaf_frame', Implies(listed, And(ULT(mfn, S.scalar('live_frames')), Or(owned, fst == CONDEMNED)))),
        ('leaf_list', Implies(listed, age != 0)),
        ('leaf_list', Implies(And(listed, nxt != 0), And(lists_frame(S, nxt, mfn), S.u('leaf_prev', nxt) == e,
                                                         ULT(S.at('leaf_age', nxt), age)))),
        ('leaf_list', Implies(And(listed, prv != 0), And(lists_frame(S, prv, mfn), S.u('leaf_next', prv) == e,
                                                         UGT(S.at('leaf_age', prv), age)))),
        ('leaf_list', Implies(And(listed, prv == 0), S.u('frame_head', mfn) == e)),
        ('leaf_own', Implies(And(role == R_OWN, owned), fowner == towner)),
        ('leaf_partner', Implies(role == R_PARTNER, perm & 4 == 0)),
        ('leaf_partner', Implies(And(role == R_PARTNER, owned, present(S, fowner)),
                                 S.at('dom_partner', dom_of(fowner)) == towner)),
        ('leaf_slot', Implies(Not(slotted), slot == 0)),
        ('leaf_slot', Implies(slotted, And(slot != 0, ULT(slot, S.scalar('live_slots')),
                                           S.u('slot_entry', slot) == e, S.at('slot_role', slot) == role,
                                           S.at('slot_mapper', slot) == towner, perm & 4 == 0))),
        ('leaf_slot', Implies(And(slotted, owned), fowner == S.at('slot_owner', slot))),
        ('leaf_slot', Implies(role == R_GRANT, And(S.u('slot_mfn', slot) == mfn,
                                                   perm & ~S.at('slot_perm', slot) == 0))),
    ]


def slot(S, s):
    s = wide(s)
    role, mapper, owner = S.at('slot_role', s), S.at('slot_mapper', s), S.at('slot_owner', s)
    e, nxt, prv, age = S.u('slot_entry', s), S.u('slot_next', s), S.u('slot_prev', s), S.at('slot_age', s)
    dom = dom_of(owner)
    free, builder, grant = role == R_NONE, role == R_BUILDER, role == R_GRANT
    perm, mfn = S.at('slot_perm', s), S.u('slot_mfn', s)
    stamp, now = S.at('slot_stamp', s), S.scalar('epoch_now')
    return [
        ('slot_free', Implies(free, And(perm == 0, mapper == 0, owner == 0, mfn == 0, e == 0, stamp == 0,
                                        nxt == 0, prv == 0, age == 0))),
        ('slot_free', Implies(s == 0, free)),
        ('slot_state', Or(free, builder, grant)),
        ('slot_state', Implies(Not(free), And(exists(S, mapper), exists(S, owner)))),
        ('stamp', ULE(stamp, now)),
        ('slot_state', Implies(e != 0, And(ULT(LShR(e, 9), S.scalar('live_tables')),
                                           S.u('leaf_slot', e) == s, S.at('leaf_role', e) == role))),
        ('slot_state', Implies(grant, And(nxt == 0, prv == 0, age == 0, ULT(mfn, S.scalar('live_frames')),
                                          perm_valid(perm), perm & 4 == 0))),
        ('slot_builder', Implies(builder, And(present(S, owner), S.at('dom_state', dom) != D_DEAD,
                                              S.at('dom_builder', dom) == mapper, mapper != owner,
                                              ULE(stamp, S.at('dom_stamp', dom))))),
        ('slot_list', Implies(builder, age != 0)),
        ('slot_list', Implies(And(builder, nxt != 0), And(slot_lists(S, nxt, owner), S.u('slot_prev', nxt) == s,
                                                          ULT(S.at('slot_age', nxt), age)))),
        ('slot_list', Implies(And(builder, prv != 0), And(slot_lists(S, prv, owner), S.u('slot_next', prv) == s,
                                                          UGT(S.at('slot_age', prv), age)))),
        ('slot_list', Implies(And(builder, prv == 0), S.u('dom_slot_head', dom) == s)),
    ]


def dom(S, d):
    d = wide(d)
    st, sealed, inc = S.at('dom_state', d), S.at('dom_sealed', d), S.u('dom_incarnation', d)
    root, head = S.u('dom_root', d), S.u('dom_slot_head', d)
    partner, target = S.at('dom_partner', d), S.at('dom_target', d)
    own = z3.Extract(31, 0, handle_of(S, d))
    return [
        ('domain_state', And(ULE(st, D_DYING), ULE(sealed, SEALED), ULT(inc, v(1 << 22)),
                             ULE(S.at('dom_flags', d), GUEST))),
        ('stamp', ULE(S.at('dom_stamp', d), S.scalar('epoch_now'))),
        ('domain_state', Implies(st == D_DEAD, And(root == 0, head == 0, S.at('dom_tables', d) == 0,
                                                   S.at('dom_slots', d) == 0))),
        ('domain_state', Implies(st != D_DEAD, inc != 0)),
        ('domain_handles', Implies(st != D_DEAD, exists(S, S.at('dom_builder', d)))),
        ('domain_counts', Implies(st != D_DEAD, And(
            ULE(S.at('dom_tables', d), S.at('dom_table_quota', d)),
            ULE(S.at('dom_slots', d), S.at('dom_slot_quota', d))))),
        ('domain_handles', Or(partner == 0, exists(S, partner))),
        ('domain_handles', Or(target == 0, exists(S, target))),
        ('domain_handles', Implies(partner != 0, And(
            S.at('dom_flags', d) == GUEST, inc != 0,
            Or(Not(present(S, partner)), S.at('dom_target', dom_of(partner)) == own)))),
        ('domain_root', Implies(root != 0, And(ULT(root, S.scalar('live_tables')),
                                               S.at('table_state', root) == T_LIVE,
                                               S.at('table_level', root) == 4,
                                               S.at('table_owner', root) == own))),
        ('domain_slots', Implies(head != 0, And(slot_lists(S, head, own), S.at('slot_prev', head) == 0))),
        ('domain_sealed', Implies(head != 0, sealed != SEALED)),
        ('domain_sealed', Implies(sealed == SEALED, UGT(S.scalar('epoch_min'), S.at('dom_stamp', d)))),
    ]


def least(S, name, first):
    a, b, c, d = (S.at(name, first + v(i)) for i in range(4))
    low = lambda x, y: If(ULT(x, y), x, y)
    return low(low(a, b), low(c, d))


def cpu(S, c):
    c = wide(c)
    e, p = S.at('cpu_epoch', c), S.at('cpu_pending', c)
    top = v((1 << 64) - 1)
    return [('epoch', If(ULT(c, S.scalar('live_cpus')), And(ULE(e, p), ULE(p, S.scalar('epoch_now'))),
                         And(e == top, p == top)))]


def min4(S, i):
    return [('epoch_tree', S.at('epoch_min_4', wide(i)) == least(S, 'cpu_epoch', wide(i) << 2))]


def min16(S, i):
    return [('epoch_tree', S.at('epoch_min_16', wide(i)) == least(S, 'epoch_min_4', wide(i) << 2))]


def min64(S, i):
    return [('epoch_tree', S.at('epoch_min_64', wide(i)) == least(S, 'epoch_min_16', wide(i) << 2)),
            ('epoch_tree', S.scalar('epoch_min') == least(S, 'epoch_min_64', v(0)))]


CLAUSES = {'frame': frame, 'table': table, 'entry': entry, 'slot': slot, 'dom': dom, 'cpu': cpu,
           'min4': min4, 'min16': min16, 'min64': min64}


def related(S, group, i):
    """Indices that the clauses about i speak of: instances there make the clauses about i usable."""
    i = wide(i)
    if group == 'frame':
        return [('entry', S.u('frame_head', i)), ('dom', dom_of(S.at('frame_owner', i)))]
    if group == 'table':
        parent = S.u('table_parent', i)
        return [('entry', parent), ('table', LShR(parent, 9)), ('dom', dom_of(S.at('table_owner', i)))]
    if group == 'entry':
        t, mfn = LShR(i, 9), frame_in(S.at('npt', i))
        return [('table', t), ('frame', mfn), ('entry', S.u('leaf_next', i)), ('entry', S.u('leaf_prev', i)),
                ('slot', S.u('leaf_slot', i)), ('dom', dom_of(S.at('table_owner', t))),
                ('dom', dom_of(S.at('frame_owner', mfn))), ('table', mfn - v(TABLE_MFN))]
    if group == 'slot':
        return [('entry', S.u('slot_entry', i)), ('slot', S.u('slot_next', i)), ('slot', S.u('slot_prev', i)),
                ('dom', dom_of(S.at('slot_owner', i))), ('dom', dom_of(S.at('slot_mapper', i)))]
    if group == 'dom':
        return [('table', S.u('dom_root', i)), ('slot', S.u('dom_slot_head', i)),
                ('dom', dom_of(S.at('dom_partner', i))), ('dom', dom_of(S.at('dom_target', i))),
                ('dom', dom_of(S.at('dom_builder', i)))]
    return []


def lemmas(S, group, i):
    """Consequences that need the invariant at other indices than i too; general.py proves them. By descent:
    an entry that maps a frame makes the frame's list not empty, a builder slot that of its owner. By the
    epoch tree: its root is not above any CPU's epoch."""
    i = wide(i)
    if group == 'entry':
        role, mfn = S.at('leaf_role', i), frame_in(S.at('npt', i))
        return [('list_lemma', Implies(And(role != R_NONE, role != R_MMIO), S.at('frame_head', mfn) != 0))]
    if group == 'cpu':
        return [('epoch_lemma', ULE(S.scalar('epoch_min'), S.at('cpu_epoch', i)))]
    if group == 'slot':
        return [('list_lemma', Implies(S.at('slot_role', i) == R_BUILDER,
                                       S.at('dom_slot_head', dom_of(S.at('slot_owner', i))) != 0))]
    return []
