# SPDX-License-Identifier: GPL-2.0-or-later
"""The protection layer's state as the prover sees it: which symbol holds what, indexed by what.

A symbol that is not listed here cannot be touched by a proved operation: the access fails the proof.
"""
import z3

# group: (bits of an index, scalar that bounds it or None when the array is never larger than its bits)
GROUPS = {
    'frame': (26, 'live_frames'),
    'table': (19, 'live_tables'),
    'entry': (28, 'live_tables'),  # bound on entry >> 9
    'slot': (20, 'live_slots'),
    'dom': (10, None),
    'cpu': (8, None),
    'min4': (6, None),
    'min16': (4, None),
    'min64': (2, None),
    'forbid': (4, None),
}

ARRAYS = {  # symbol: (group, bits of an element)
    'npt': ('entry', 64),
    'frame_state': ('frame', 8), 'frame_owner': ('frame', 32), 'frame_head': ('frame', 32),
    'frame_stamp': ('frame', 64),
    'table_state': ('table', 8), 'table_level': ('table', 8), 'table_cursor': ('table', 16),
    'table_owner': ('table', 32), 'table_parent': ('table', 32), 'table_base': ('table', 64),
    'table_stamp': ('table', 64),
    'leaf_role': ('entry', 8), 'leaf_perm': ('entry', 8), 'leaf_next': ('entry', 32),
    'leaf_prev': ('entry', 32), 'leaf_age': ('entry', 32), 'leaf_slot': ('entry', 32),
    'slot_role': ('slot', 8), 'slot_perm': ('slot', 8), 'slot_mapper': ('slot', 32),
    'slot_owner': ('slot', 32), 'slot_mfn': ('slot', 32), 'slot_entry': ('slot', 32),
    'slot_next': ('slot', 32), 'slot_prev': ('slot', 32), 'slot_age': ('slot', 32),
    'slot_stamp': ('slot', 64),
    'dom_state': ('dom', 8), 'dom_flags': ('dom', 8), 'dom_sealed': ('dom', 8),
    'dom_incarnation': ('dom', 32), 'dom_builder': ('dom', 32), 'dom_partner': ('dom', 32),
    'dom_target': ('dom', 32), 'dom_root': ('dom', 32), 'dom_slot_head': ('dom', 32),
    'dom_tables': ('dom', 32), 'dom_table_quota': ('dom', 32), 'dom_slots': ('dom', 32),
    'dom_slot_quota': ('dom', 32), 'dom_stamp': ('dom', 64),
    'cpu_pending': ('cpu', 64), 'cpu_epoch': ('cpu', 64),
    'epoch_min_4': ('min4', 64), 'epoch_min_16': ('min16', 64), 'epoch_min_64': ('min64', 64),
    'forbidden_first': ('forbid', 64), 'forbidden_nr': ('forbid', 64),
}
SCALARS = ['live_frames', 'live_tables', 'live_slots', 'live_cpus', 'boot_phase', 'forbidden_count',
           'epoch_now', 'epoch_min']
# Fixed once boot is over: a proved operation that writes one of them fails.
CONSTANT = {'live_frames', 'live_tables', 'live_slots', 'live_cpus', 'forbidden_count',
            'forbidden_first', 'forbidden_nr'}


def narrow(index, bits):
    """An index as the array's sort has it; the caller has proved, or the invariant says, that it fits."""
    if index.size() > bits:
        return z3.simplify(z3.Extract(bits - 1, 0, index), mul2concat=True)
    if index.size() < bits:
        return z3.ZeroExt(bits - index.size(), index)
    return index


def wide(value):
    return z3.ZeroExt(64 - value.size(), value) if value.size() < 64 else value


class State:
    """Scalars, and arrays as what was written, newest last, over what was there: a read is an if-then-else
    over the writes, so that the solver meets no store."""

    def __init__(self):
        self.scalars = {s: z3.BitVec(s, 64) for s in SCALARS}
        self.arrays = {name: z3.Array(name, z3.BitVecSort(GROUPS[group][0]), z3.BitVecSort(bits))
                       for name, (group, bits) in ARRAYS.items()}
        self.writes = {name: () for name in ARRAYS}
        self.zeroed = ()  # frames whose contents the primitive zeroed

    def copy(self):
        other = State.__new__(State)
        other.scalars, other.arrays, other.writes = dict(self.scalars), self.arrays, dict(self.writes)
        other.zeroed = self.zeroed
        return other

    def scalar(self, name):
        return self.scalars[name]

    def at(self, name, index):
        """Element, in its own width."""
        index = narrow(index, GROUPS[ARRAYS[name][0]][0])
        value = z3.Select(self.arrays[name], index)
        for i, v in self.writes[name]:
            if i.eq(index):
                value = v
            else:
                value = z3.If(index == i, v, value)
        return value

    def u(self, name, index):
        """Element as 64 bits."""
        return wide(self.at(name, index))

    def store(self, name, index, value):
        index = narrow(index, GROUPS[ARRAYS[name][0]][0])
        kept = tuple(w for w in self.writes[name] if not w[0].eq(index))
        self.writes[name] = kept + ((index, value),)

    def set_scalar(self, name, value):
        self.scalars[name] = value

    def unchanged(self, name):
        if name in self.scalars:
            return self.scalars[name].eq(z3.BitVec(name, 64))
        return not self.writes[name]

    def written_indices(self, group):
        found = {i.get_id(): i for name, w in self.writes.items() if ARRAYS[name][0] == group for i, _ in w}
        return list(found.values())


def in_range(state, group, index):
    """The bound that an access must be proved to keep."""
    bits, bound = GROUPS[group]
    index = wide(index)
    if bound is None:
        return z3.ULT(index, z3.BitVecVal(1 << bits, 64))
    if group == 'entry':
        index = z3.LShR(index, 9)
    return z3.ULT(index, state.scalar(bound))
