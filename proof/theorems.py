# SPDX-License-Identifier: GPL-2.0-or-later
"""What each operation promises beyond keeping the invariant: two-state theorems, and what it may write.

A theorem is a function of (before, after, arguments, fresh) giving [(name, formula)]; it is proved at every
`ret` of a path that returned 0, where `fresh` holds one arbitrary index per group.  On every other path
nothing may have been written at all.
"""
import z3
from z3 import And, Or, Not, Implies, ULT, UGT, UGE, ULE, LShR

import invariant as inv
from invariant import v, wide, dom_of, handle_of, is_live, frame_in, lists_frame
from state import ARRAYS, SCALARS, GROUPS


def same(B, A, *names):
    """These arrays are untouched, as terms."""
    return z3.BoolVal(all(A.unchanged(n) for n in names))


def only_at(B, A, name, j, where):
    """Element j changed only if j is `where`."""
    return Or(A.at(name, j) == B.at(name, j), wide(j) == wide(where))


def everywhere(B, A, j):
    """Of every operation."""
    f = wide(j['frame'])
    return [('what becomes free was zeroed', Implies(
        And(A.at('frame_state', f) == inv.FREE, B.at('frame_state', f) != inv.FREE),
        Or(*[f == z for z in A.zeroed]))),
            ('boot does not go back', UGE(A.scalar('boot_phase'), B.scalar('boot_phase'))),
            # So no frame is RAM in that phase: at its begin none is (boot.py).
            ('no RAM while ranges can still be forbidden', Implies(
                And(A.scalar('boot_phase') == 0, B.at('frame_state', f) == inv.NOT_RAM),
                A.at('frame_state', f) == inv.NOT_RAM))]


OWNERSHIP = ('frame_state', 'frame_owner')


def unmap(B, A, a, j):
    e = a[0] << 9 | a[1]
    role, mfn, slot = B.at('leaf_role', e), frame_in(B.at('npt', e)), B.u('leaf_slot', e)
    now = B.scalar('epoch_now')
    listed = And(role != inv.R_NONE, role != inv.R_MMIO)
    return [
        ('only this entry changes, to nothing', And(only_at(B, A, 'npt', j['entry'], e), A.at('npt', e) == 0)),
        ('it was a leaf', B.at('table_level', a[0]) == 1),
        ('no frame changes owner', same(B, A, *OWNERSHIP)),
        ('the frame is stamped', Implies(listed, A.at('frame_stamp', mfn) == now)),
        ('the slot is stamped', Implies(slot != 0, And(A.at('slot_stamp', slot) == now,
                                                       A.at('slot_entry', slot) == 0))),
        ('the builder\'s stamp', Implies(role == inv.R_BUILDER,
                                         A.at('dom_stamp', dom_of(B.at('slot_owner', slot))) == now)),
        ('stamps never fall', And(UGE(A.at('frame_stamp', j['frame']), B.at('frame_stamp', j['frame'])),
                                  UGE(A.at('slot_stamp', j['slot']), B.at('slot_stamp', j['slot'])),
                                  UGE(A.at('dom_stamp', j['dom']), B.at('dom_stamp', j['dom'])))),
    ]


def table_free(B, A, a, j):
    e, t = j['entry'], j['table']
    return [
        ('it was out of every tree', And(B.at('table_state', a[0]) == inv.T_DYING,
                                         B.at('table_parent', a[0]) == 0, A.at('table_state', a[0]) == 0)),
        ('no CPU can hold a walk through it', UGT(B.scalar('epoch_min'), B.at('table_stamp', a[0]))),
        ('all its entries are zero', Implies(LShR(wide(e), 9) == a[0], A.at('npt', e) == 0)),
        ('no table hangs in it', Implies(B.at('table_parent', t) != 0, LShR(B.u('table_parent', t), 9) != a[0])),
        ('nothing becomes reachable', same(B, A, 'npt', *OWNERSHIP)),
        ('only this table changes', And(only_at(B, A, 'table_state', t, a[0]),
                                        only_at(B, A, 'table_owner', t, a[0]))),
    ]


def frame_condemn(B, A, a, j):
    f, owner = j['frame'], B.at('frame_owner', a[0])
    return [
        ('only this frame changes', And(only_at(B, A, 'frame_state', f, a[0]),
                                        only_at(B, A, 'frame_owner', f, a[0]))),
        ('a live owner\'s only by its owner', Or(Not(is_live(B, owner)), wide(owner) == handle_of(B, a[1]))),
        ('from OWNED to CONDEMNED', And(B.at('frame_state', a[0]) == inv.OWNED,
                                        A.at('frame_state', a[0]) == inv.CONDEMNED,
                                        A.at('frame_owner', a[0]) == 0)),
        ('nothing becomes reachable', same(B, A, 'npt', 'leaf_role', 'leaf_slot')),
    ]


def frame_release(B, A, a, j):
    return [
        ('only this frame changes', And(only_at(B, A, 'frame_state', j['frame'], a[0]), same(B, A, 'frame_owner'))),
        ('from CONDEMNED to DIRTY', And(B.at('frame_state', a[0]) == inv.CONDEMNED,
                                        A.at('frame_state', a[0]) == inv.DIRTY)),
        ('no entry maps it', Not(lists_frame(A, wide(j['entry']), a[0]))),
        ('no CPU holds a translation to it', UGT(B.scalar('epoch_min'), B.at('frame_stamp', a[0]))),
        ('nothing becomes reachable', same(B, A, 'npt')),
    ]


def frame_scrub(B, A, a, j):
    return [
        ('only this frame changes', And(only_at(B, A, 'frame_state', j['frame'], a[0]), same(B, A, 'frame_owner'))),
        ('from DIRTY to FREE', And(B.at('frame_state', a[0]) == inv.DIRTY, A.at('frame_state', a[0]) == inv.FREE)),
        ('nothing becomes reachable', same(B, A, 'npt')),
    ]


def frame_give(B, A, a, j):
    return [
        ('only this frame changes', And(only_at(B, A, 'frame_state', j['frame'], a[0]),
                                        only_at(B, A, 'frame_owner', j['frame'], a[0]))),
        ('a zeroed frame, to a live domain', And(B.at('frame_state', a[0]) == inv.FREE,
                                                 A.at('frame_state', a[0]) == inv.OWNED,
                                                 is_live(A, A.at('frame_owner', a[0])),
                                                 wide(A.at('frame_owner', a[0])) == handle_of(B, a[1]))),
        ('no entry maps it', Not(lists_frame(A, wide(j['entry']), a[0]))),
        ('nothing becomes reachable', same(B, A, 'npt')),
    ]


def domain_kill(B, A, a, j):
    return [
        ('only this domain changes', only_at(B, A, 'dom_state', j['dom'], a[0])),
        ('it is dying', A.at('dom_state', a[0]) == inv.D_DYING),
        ('nothing becomes reachable', same(B, A, 'npt', *OWNERSHIP)),
    ]


def domain_reap(B, A, a, j):
    return [
        ('only this domain changes', only_at(B, A, 'dom_state', j['dom'], a[0])),
        ('from DYING to DEAD', And(B.at('dom_state', a[0]) == inv.D_DYING, A.at('dom_state', a[0]) == inv.D_DEAD)),
        ('no root, no builder slot on it is left', And(
            B.at('dom_root', a[0]) == 0,
            Implies(B.at('slot_role', j['slot']) == inv.R_BUILDER,
                    wide(B.at('slot_owner', j['slot'])) != handle_of(B, a[0])))),
        ('nothing becomes reachable', same(B, A, 'npt', *OWNERSHIP)),
    ]


def domain_create(B, A, a, j):
    new = handle_of(A, a[0])
    return [
        ('only a dead domain changes', And(B.at('dom_state', a[0]) == inv.D_DEAD, *[
            only_at(B, A, n, j['dom'], a[0]) for n in ARRAYS if n.startswith('dom_')])),
        ('it lives, unsealed, and has nothing', And(
            A.at('dom_state', a[0]) == inv.D_LIVE, A.at('dom_sealed', a[0]) == inv.UNSEALED, *[
                A.at(n, a[0]) == 0 for n in ('dom_partner', 'dom_target', 'dom_root', 'dom_slot_head', 'dom_tables',
                                             'dom_slots')])),
        ('kind and builder as asked, quotas no larger', And(
            A.u('dom_flags', a[0]) == a[2], A.u('dom_builder', a[0]) == handle_of(A, a[1]),
            ULE(A.u('dom_table_quota', a[0]), a[3]), ULE(A.u('dom_slot_quota', a[0]), a[4]))),
        ('its builder lives or is itself', Or(a[1] == a[0], B.at('dom_state', a[1]) == inv.D_LIVE)),
        ('the hardware domain only at boot', Implies(a[2] == inv.HARDWARE, B.scalar('boot_phase') != 3)),
        ('it owns no frame', wide(A.at('frame_owner', j['frame'])) != new),
        ('it owns no table', wide(A.at('table_owner', j['table'])) != new),
        ('it is in no slot', And(wide(A.at('slot_owner', j['slot'])) != new,
                                 wide(A.at('slot_mapper', j['slot'])) != new)),
        ('it is nobody\'s partner or builder', Implies(wide(j['dom']) != a[0], And(
            wide(A.at('dom_partner', j['dom'])) != new,
            Or(A.at('dom_state', j['dom']) == inv.D_DEAD, wide(A.at('dom_builder', j['dom'])) != new)))),
        ('nothing becomes reachable', same(B, A, 'npt', *OWNERSHIP)),
    ]


def domain_seal_end(B, A, a, j):
    e = j['entry']
    mfn = frame_in(B.at('npt', e))
    own = handle_of(B, a[0])
    return [
        ('it is sealed, after SEALING', And(B.at('dom_sealed', a[0]) != inv.UNSEALED,
                                            A.at('dom_sealed', a[0]) == inv.SEALED)),
        ('only this domain changes', only_at(B, A, 'dom_sealed', j['dom'], a[0])),
        ('its builder maps nothing of it', Not(And(
            B.at('leaf_role', e) == inv.R_BUILDER, B.at('frame_state', mfn) == inv.OWNED,
            wide(B.at('frame_owner', mfn)) == own))),
        ('its builder holds no slot on it', Not(And(B.at('slot_role', j['slot']) == inv.R_BUILDER,
                                                    wide(B.at('slot_owner', j['slot'])) == own))),
        ('no CPU holds a builder\'s translation', UGT(B.scalar('epoch_min'), B.at('dom_stamp', a[0]))),
        ('nothing becomes reachable', same(B, A, 'npt', *OWNERSHIP)),
    ]


def domain_seal_begin(B, A, a, j):
    return [
        ('a sealed domain stays so', Implies(B.at('dom_sealed', a[0]) == inv.SEALED,
                                             A.at('dom_sealed', a[0]) == inv.SEALED)),
        ('no longer unsealed', Or(A.at('dom_sealed', a[0]) == inv.SEALING, A.at('dom_sealed', a[0]) == inv.SEALED)),
        ('only this domain changes', only_at(B, A, 'dom_sealed', j['dom'], a[0])),
        ('nothing becomes reachable', same(B, A, 'npt', *OWNERSHIP)),
    ]


def domain_pair(B, A, a, j):
    return [
        ('once, unsealed, a guest', And(B.at('dom_partner', a[0]) == 0, B.at('dom_sealed', a[0]) == inv.UNSEALED,
                                        B.at('dom_flags', a[0]) == inv.GUEST)),
        ('with a plain domain', And(B.at('dom_state', a[1]) == inv.D_LIVE, B.at('dom_flags', a[1]) == 0,
                                    B.at('dom_target', a[1]) == 0)),
        ('only this partner changes', only_at(B, A, 'dom_partner', j['dom'], a[0])),
        ('the partner is the one named', wide(A.at('dom_partner', a[0])) == handle_of(B, a[1])),
        ('nothing becomes reachable', same(B, A, 'npt', *OWNERSHIP)),
    ]


def table_unlink(B, A, a, j):
    parent = B.u('table_parent', a[0])
    return [
        ('only its parent\'s entry changes, to nothing', Or(
            A.at('npt', j['entry']) == B.at('npt', j['entry']),
            And(parent != 0, wide(j['entry']) == parent, A.at('npt', j['entry']) == 0))),
        ('it is dying and stamped', And(A.at('table_state', a[0]) == inv.T_DYING,
                                        A.at('table_stamp', a[0]) == B.scalar('epoch_now'),
                                        A.at('table_parent', a[0]) == 0)),
        ('a live domain keeps its root', Implies(A.at('dom_root', j['dom']) != B.at('dom_root', j['dom']),
                                                 B.at('dom_state', j['dom']) != inv.D_LIVE)),
        ('no frame changes owner', same(B, A, *OWNERSHIP)),
    ]


def table_clear(B, A, a, j):
    return [
        ('only its cursor changes', only_at(B, A, 'table_cursor', j['table'], a[0])),
        ('nothing becomes reachable', same(B, A, 'npt', *OWNERSHIP)),
    ]


def table_alloc(B, A, a, j):
    return [
        ('a free table, to a live domain', And(B.at('table_state', a[0]) == inv.T_FREE,
                                               wide(A.at('table_owner', a[0])) == handle_of(B, a[1]),
                                               B.at('dom_state', a[1]) == inv.D_LIVE)),
        ('all its entries are zero', Implies(LShR(wide(j['entry']), 9) == a[0], A.at('npt', j['entry']) == 0)),
        ('only this table changes', only_at(B, A, 'table_state', j['table'], a[0])),
        ('within the quota', ULT(B.at('dom_tables', a[1]), B.at('dom_table_quota', a[1]))),
        ('it is counted', A.at('dom_tables', a[1]) == B.at('dom_tables', a[1]) + 1),
        ('nothing becomes reachable', same(B, A, 'npt', *OWNERSHIP)),
    ]


def table_link(B, A, a, j):
    e = a[1] << 9 | a[2]
    return [
        ('only this entry changes', only_at(B, A, 'npt', j['entry'], e)),
        ('it links a table of the same domain', And(B.at('table_owner', a[0]) == B.at('table_owner', a[1]),
                                                    is_live(B, B.at('table_owner', a[0])))),
        ('which holds nothing yet', Implies(LShR(wide(j['entry']), 9) == a[0], A.at('npt', j['entry']) == 0)),
        ('no frame changes owner', same(B, A, *OWNERSHIP)),
    ]


def mapping(B, A, a, j, mfn, perm):
    """Common to the four: one entry, empty before, of a live domain's own table, maps this frame so."""
    e = a[0] << 9 | a[1]
    return [
        ('only this entry changes', And(only_at(B, A, 'npt', j['entry'], e), B.at('npt', e) == 0)),
        ('it maps the frame, as asked', A.at('npt', e) == inv.leaf_value(mfn, perm)),
        ('in a table of a live domain', And(B.at('table_level', a[0]) == 1, is_live(B, B.at('table_owner', a[0])))),
        ('no frame changes owner', same(B, A, *OWNERSHIP)),
    ]


def map_own(B, A, a, j):
    return mapping(B, A, a, j, a[2], a[3]) + [
        ('its own frame', And(B.at('frame_state', a[2]) == inv.OWNED,
                              B.at('frame_owner', a[2]) == B.at('table_owner', a[0])))]


def map_partner(B, A, a, j):
    owner = B.at('frame_owner', a[2])
    return mapping(B, A, a, j, a[2], a[3] & ~v(4)) + [
        ('a frame of the domain that it is the partner of', And(
            B.at('frame_state', a[2]) == inv.OWNED, is_live(B, owner),
            B.at('dom_partner', dom_of(owner)) == B.at('table_owner', a[0])))]


def map_slot(B, A, a, j):
    s, owner, role = a[4], B.at('frame_owner', a[2]), B.at('slot_role', a[4])
    mapper = B.at('table_owner', a[0])
    return mapping(B, A, a, j, a[2], a[3] & ~v(4)) + [
        ('a frame of the slot\'s owner', And(B.at('frame_state', a[2]) == inv.OWNED, is_live(B, owner),
                                             B.at('slot_owner', s) == owner, B.at('slot_mapper', s) == mapper)),
        ('the builder\'s, unsealed', Implies(role == inv.R_BUILDER, And(
            B.at('dom_builder', dom_of(owner)) == mapper, B.at('dom_sealed', dom_of(owner)) == inv.UNSEALED))),
        ('or what was granted', Or(role == inv.R_BUILDER, And(
            role == inv.R_GRANT, B.u('slot_mfn', s) == a[2],
            (a[3] & v(2) & ~B.u('slot_perm', s)) == 0)))]


def map_mmio(B, A, a, j):
    return mapping(B, A, a, j, a[2], v(7)) + [
        ('no RAM, nothing forbidden', And(Not(inv.forbidden(B, a[2])),
                                          Or(UGE(a[2], B.scalar('live_frames')),
                                             B.at('frame_state', a[2]) == inv.NOT_RAM))),
        ('the identity', B.at('table_base', a[0]) + a[1] == a[2]),
        ('the hardware domain', B.at('dom_flags', dom_of(B.at('table_owner', a[0]))) == inv.HARDWARE)]


def slot_take(B, A, a, j):
    return [
        ('only this slot is taken', And(only_at(B, A, 'slot_role', j['slot'], a[0]),
                                        B.at('slot_role', a[0]) == inv.R_NONE)),
        ('builder, unsealed, or owner of what is granted', Or(
            And(a[3] == inv.R_BUILDER, wide(B.at('dom_builder', a[2])) == handle_of(B, a[1]),
                B.at('dom_sealed', a[2]) == inv.UNSEALED),
            And(a[3] == inv.R_GRANT, B.at('frame_state', a[4]) == inv.OWNED,
                wide(B.at('frame_owner', a[4])) == handle_of(B, a[2])))),
        ('for whom, on whom and what, as asked', And(
            wide(A.at('slot_role', a[0])) == a[3], wide(A.at('slot_mapper', a[0])) == handle_of(B, a[1]),
            wide(A.at('slot_owner', a[0])) == handle_of(B, a[2]), Or(a[3] == inv.R_BUILDER, And(
                A.u('slot_mfn', a[0]) == a[4], A.u('slot_perm', a[0]) == a[5] & ~v(4))))),
        ('for and on live domains', And(B.at('dom_state', a[1]) == inv.D_LIVE, B.at('dom_state', a[2]) == inv.D_LIVE)),
        ('within the quota', ULT(B.at('dom_slots', a[1]), B.at('dom_slot_quota', a[1]))),
        ('it is counted', A.at('dom_slots', a[1]) == B.at('dom_slots', a[1]) + 1),
        ('nothing becomes reachable', same(B, A, 'npt', *OWNERSHIP)),
    ]


def slot_drop(B, A, a, j):
    return [
        ('only this slot is dropped', And(only_at(B, A, 'slot_role', j['slot'], a[0]),
                                          A.at('slot_role', a[0]) == inv.R_NONE)),
        ('no entry uses it', Implies(And(ULT(LShR(wide(j['entry']), 9), B.scalar('live_tables')),
                                         B.at('leaf_slot', j['entry']) != 0),
                                     B.u('leaf_slot', j['entry']) != a[0])),
        ('a grant\'s is flushed', Implies(B.at('slot_role', a[0]) == inv.R_GRANT,
                                          UGT(B.scalar('epoch_min'), B.at('slot_stamp', a[0])))),
        ('nothing becomes reachable', same(B, A, 'npt', *OWNERSHIP)),
    ]


def write_change(B, A, a, j, narrower):
    e = a[0] << 9 | a[1]
    n, m = B.at('npt', e), A.at('npt', e)
    write = v(1 << 62 | 2)
    return [
        ('only this entry changes', only_at(B, A, 'npt', j['entry'], e)),
        ('the same frame, own mapping', And(n & ~write == m & ~write, B.at('leaf_role', e) == inv.R_OWN)),
        ('within what was mapped', Implies(m & write != 0, And(B.at('leaf_perm', e) & 2 != 0, not narrower))),
        ('narrowing stamps the frame', Or(not narrower, A.at('frame_stamp', frame_in(n)) == B.scalar('epoch_now'))),
        ('no frame changes owner', same(B, A, *OWNERSHIP)),
    ]


def leaf_write_protect(B, A, a, j):
    return write_change(B, A, a, j, True)


def leaf_write_allow(B, A, a, j):
    return write_change(B, A, a, j, False)


def flush_begin(B, A, a, j):
    return [
        ('its pending epoch is above every stamp', Implies(
            A.at('cpu_pending', j['cpu']) != B.at('cpu_pending', j['cpu']),
            And(wide(j['cpu']) == a[0], UGT(A.at('cpu_pending', a[0]), B.scalar('epoch_now'))))),
        ('no CPU counts as flushed', same(B, A, 'cpu_epoch')),
        ('nothing becomes reachable', same(B, A, 'npt', *OWNERSHIP)),
    ]


def flush_end(B, A, a, j):
    return [
        ('only this CPU counts as flushed', only_at(B, A, 'cpu_epoch', j['cpu'], a[0])),
        ('epochs never fall', And(UGE(A.at('cpu_epoch', j['cpu']), B.at('cpu_epoch', j['cpu'])),
                                  UGE(A.scalar('epoch_min'), B.scalar('epoch_min')))),
        ('nothing becomes reachable', same(B, A, 'npt', *OWNERSHIP)),
    ]


def flush_end_cuts(B, A, a):
    """Up the tree: no node on the way falls, so its root does not."""
    c = a[0]
    return [UGE(A.at('cpu_epoch', c), B.at('cpu_epoch', c)),
            UGE(A.at('epoch_min_4', LShR(c, 2)), B.at('epoch_min_4', LShR(c, 2))),
            UGE(A.at('epoch_min_16', LShR(c, 4)), B.at('epoch_min_16', LShR(c, 4))),
            UGE(A.at('epoch_min_64', LShR(c, 6)), B.at('epoch_min_64', LShR(c, 6))),
            UGE(A.scalar('epoch_min'), B.scalar('epoch_min'))]


# Proved first and then used as facts.
CUTS = {'flush_end': flush_end_cuts}


def arrays(*prefixes):
    return {n for n in list(ARRAYS) + SCALARS if any(n == p or p.endswith('*') and n.startswith(p[:-1])
                                                     for p in prefixes)}


LIST = ('npt', 'leaf_*', 'frame_head')
# operation: (number of arguments, theorem, what it may write, returns an error)
OPERATIONS = {
    'unmap': (2, unmap, arrays(*LIST, 'frame_stamp', 'slot_entry', 'slot_stamp', 'dom_stamp'), True),
    'table_free': (1, table_free, arrays('table_*', 'dom_tables'), True),
    'frame_condemn': (2, frame_condemn, arrays('frame_state', 'frame_owner'), True),
    'frame_release': (1, frame_release, arrays('frame_state'), True),
    'domain_kill': (1, domain_kill, arrays('dom_state'), True),
    'domain_reap': (1, domain_reap, arrays('dom_state'), True),
    'domain_seal_end': (1, domain_seal_end, arrays('dom_sealed'), True),
    'domain_create': (5, domain_create, arrays('dom_*'), True),
    'domain_pair': (2, domain_pair, arrays('dom_partner', 'dom_target'), True),
    'domain_seal_begin': (1, domain_seal_begin, arrays('dom_sealed'), True),
    'frame_give': (2, frame_give, arrays('frame_state', 'frame_owner'), True),
    'frame_scrub': (1, frame_scrub, arrays('frame_state'), True),
    'table_alloc': (3, table_alloc, arrays('table_state', 'table_level', 'table_owner', 'dom_tables', 'dom_root'), True),
    'table_link': (3, table_link, arrays('npt', 'table_base', 'table_parent'), True),
    'table_unlink': (1, table_unlink, arrays('npt', 'table_state', 'table_parent', 'table_stamp', 'dom_root'), True),
    'table_clear': (1, table_clear, arrays('table_cursor'), True),
    'map_own': (4, map_own, arrays(*LIST), True),
    'map_partner': (4, map_partner, arrays(*LIST), True),
    'map_slot': (5, map_slot, arrays(*LIST, 'slot_entry'), True),
    'map_mmio': (3, map_mmio, arrays('npt', 'leaf_role', 'leaf_perm', 'boot_phase'), True),
    'slot_take': (6, slot_take, arrays('slot_*', 'dom_slot_head', 'dom_slots'), True),
    'slot_drop': (1, slot_drop, arrays('slot_*', 'dom_slot_head', 'dom_slots'), True),
    'leaf_write_protect': (2, leaf_write_protect, arrays('npt', 'frame_stamp'), True),
    'leaf_write_allow': (2, leaf_write_allow, arrays('npt'), True),
    'flush_begin': (1, flush_begin, arrays('epoch_now', 'cpu_pending'), False),
    'flush_end': (1, flush_end, arrays('cpu_epoch', 'epoch_min*'), False),
}
SPIKE = ['unmap', 'table_free', 'frame_condemn', 'frame_release', 'domain_kill', 'domain_reap', 'domain_seal_end']
