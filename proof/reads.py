# SPDX-License-Identifier: GPL-2.0-or-later
"""What the core reads of the state (core/protect/read.c), on the machine code: each gives the element that it is named for,
0 for an index that is out of range, and writes nothing.
"""
from z3 import And, If, ULT

import invariant as inv
from invariant import v, wide
from prove import Proof
from state import in_range


def element(group, name):
    return 1, lambda S, a: If(in_range(S, group, a[0]), S.u(name, a[0]), v(0))


def entry_value(S, a):
    return If(And(ULT(a[0], S.scalar('live_tables')), ULT(a[1], v(512))), S.u('npt', a[0] << 9 | a[1]), v(0))


def handle(S, a):
    return If(And(ULT(a[0], v(1024)), S.at('dom_state', a[0]) != inv.D_DEAD), inv.handle_of(S, a[0]), v(0))


# function: (number of arguments, what it gives)
READS = {
    'frame_state_of': element('frame', 'frame_state'), 'frame_owner_of': element('frame', 'frame_owner'),
    'frame_newest_entry': element('frame', 'frame_head'), 'entry_older': element('entry', 'leaf_next'),
    'entry_value': (2, entry_value), 'entry_role': element('entry', 'leaf_role'), 'entry_slot': element('entry', 'leaf_slot'),
    'table_state_of': element('table', 'table_state'), 'table_owner_of': element('table', 'table_owner'),
    'table_level_of': element('table', 'table_level'), 'table_parent_entry': element('table', 'table_parent'),
    'domain_handle': (1, handle), 'domain_root_table': element('dom', 'dom_root'),
    'domain_sealed': element('dom', 'dom_sealed'), 'domain_builder_slot': element('dom', 'dom_slot_head'),
    'slot_entry_of': element('slot', 'slot_entry'), 'slot_role_of': element('slot', 'slot_role'),
    'table_mfn': (1, lambda S, a: v(inv.TABLE_MFN) + a[0]),
    'mfn_table': (1, lambda S, a: If(ULT(a[0] - v(inv.TABLE_MFN), S.scalar('live_tables')), a[0] - v(inv.TABLE_MFN), v(0))),
}


class ReadProof(Proof):
    def __init__(self, elf, name):
        nargs, self.gives = READS[name]
        super().__init__(elf, name, operations={name: (nargs, None, set(), False)})

    def at_return(self, path):
        yield [], wide(path.processor.regs['rax']) == self.gives(self.explorer.before, self.explorer.args), \
            'what it gives', ()
