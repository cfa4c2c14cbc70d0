# SPDX-License-Identifier: GPL-2.0-or-later
"""What an operation writes, on each path that succeeds: at these elements only, and to the tables once.

PLACES is the frame condition: of every array that an operation may write, the elements, by its arguments and the state
before it. What is written elsewhere fails, and so does an array without a place.  The invariant says of other elements
only that they are valid: another slot's permission could become another valid one.
Hardware walks the tables while an operation runs, and the theorems speak of the state before it and the state after
it. With one store to npt, and no frame that changes owner, a walk sees one of these two.
Counts of tables and slots are exact: one less where what was counted ends, as one more where it begins (theorems.py).
Nothing below the stack pointer is relied on: an interrupt writes there.  vmcb_confine reads each element of the state
once: the lock is not held, so what it read a second time might be another root than the one that it checked.
"""
from capstone import x86
import z3
from z3 import And, If, LShR

import boot
import theorems
from confine import ConfineProof
from explore import Failed
from invariant import dom_of, frame_in, handle_of, wide
from lift import Unknown, const, decoder
from mutate import BlockTracePath, TracePath, Tracer
from prove import Proof
from state import ARRAYS, GROUPS, narrow

RUN_PATH = 'vmcb_confine'


def code_of(elf, names):
    """Instructions of these functions and of those that they call or jump to; frame_zero is no proved code."""
    work, done = list(names), set()
    while work:
        name = work.pop()
        if name in done:
            continue
        done.add(name)
        address, size = elf.functions[name]
        for ins in decoder.disasm(elf.bytes_at(address, size), address):
            yield ins
            if (ins.mnemonic == 'call' or ins.mnemonic.startswith('j')) and ins.operands[0].type == x86.X86_OP_IMM:
                work += [n for n, (a, s) in elf.functions.items()
                         if a <= ins.operands[0].imm < a + s and n != 'frame_zero']


def below_stack(elf, name):
    """An access below the stack pointer, on any path, or None; addresses are made of it in plain sight only."""
    for ins in code_of(elf, [name]):
        for op in ins.operands:
            if op.type == x86.X86_OP_MEM and x86.X86_REG_RSP in (op.mem.base, op.mem.index) and (
                    op.mem.disp < 0 or op.mem.index or ins.mnemonic == 'lea'):
                return '%#x: below the stack pointer, or of its address' % ins.address
            if op.type == x86.X86_OP_REG and op.reg == x86.X86_REG_RSP and not (
                    ins.mnemonic in ('add', 'sub') and ins.operands[1].type == x86.X86_OP_IMM):
                return '%#x: copies the stack pointer' % ins.address
    return None


def first(B, a):
    return [a[0]]


def entry(B, a):
    return [a[0] << 9 | a[1]]


def entry_and(name):
    """The entry, and its neighbour in the frame's list."""
    return lambda B, a: entry(B, a) + [B.u(name, entry(B, a)[0])]


def frame_of_entry(B, a):
    return [frame_in(B.at('npt', entry(B, a)[0]))]


def slot_of_entry(B, a):
    return [B.u('leaf_slot', entry(B, a)[0])]


MAPPING = {'npt': entry, 'leaf_role': entry, 'leaf_perm': entry, 'leaf_next': entry, 'leaf_age': entry, 'leaf_slot': entry,
           'leaf_prev': lambda B, a: [B.u('frame_head', a[2])], 'frame_head': lambda B, a: [a[2]],
           'slot_entry': lambda B, a: [a[4]]}
FIRST = dict.fromkeys([n for n in ARRAYS if n.startswith(('frame_', 'table_', 'dom_', 'slot_', 'cpu_'))], first)
PLACES = dict.fromkeys([*theorems.OPERATIONS, *boot.OPERATIONS], FIRST)
PLACES.update(dict.fromkeys(['map_own', 'map_partner', 'map_slot', 'map_mmio'], MAPPING))
PLACES.update({
    'unmap': {**MAPPING, 'leaf_next': entry_and('leaf_prev'), 'leaf_prev': entry_and('leaf_next'),
              'frame_head': frame_of_entry, 'frame_stamp': frame_of_entry,
              'slot_entry': slot_of_entry, 'slot_stamp': slot_of_entry,
              'dom_stamp': lambda B, a: [dom_of(B.at('slot_owner', slot_of_entry(B, a)[0]))]},
    'leaf_write_protect': {'npt': entry, 'frame_stamp': frame_of_entry},
    'leaf_write_allow': {'npt': entry},
    'table_alloc': {**FIRST, 'dom_tables': lambda B, a: [a[1]], 'dom_root': lambda B, a: [a[1]]},
    'table_link': {**FIRST, 'npt': lambda B, a: [a[1] << 9 | a[2]]},
    'table_unlink': {**FIRST, 'npt': lambda B, a: [B.u('table_parent', a[0])],
                     'dom_root': lambda B, a: [dom_of(B.at('table_owner', a[0]))]},
    'table_free': {**FIRST, 'dom_tables': lambda B, a: [dom_of(B.at('table_owner', a[0]))]},
    'slot_take': {**FIRST, 'slot_prev': lambda B, a: [a[0], B.u('dom_slot_head', a[2])],
                  'dom_slot_head': lambda B, a: [a[2]], 'dom_slots': lambda B, a: [a[1]]},
    'slot_drop': {**FIRST, 'slot_next': lambda B, a: [a[0], B.u('slot_prev', a[0])],
                  'slot_prev': lambda B, a: [a[0], B.u('slot_next', a[0])],
                  'dom_slot_head': lambda B, a: [dom_of(B.at('slot_owner', a[0]))],
                  'dom_slots': lambda B, a: [dom_of(B.at('slot_mapper', a[0]))]},
    'domain_pair': {**FIRST, 'dom_target': lambda B, a: [a[1]]},
    'flush_end': {**FIRST, 'epoch_min_4': lambda B, a: [LShR(a[0], 2)], 'epoch_min_16': lambda B, a: [LShR(a[0], 4)],
                  'epoch_min_64': lambda B, a: [LShR(a[0], 6)]},
    'mmio_forbid': dict.fromkeys(['forbidden_first', 'forbidden_nr'], lambda B, a: [B.scalar('forbidden_count')]),
})


def one_less(count, handle):
    """While who holds it is there; a count of 0 stays, which exact counts never come to."""
    def goal(B, A, a):
        holder = B.at(handle, a[0])
        d = dom_of(holder)
        was = B.at(count, d)
        return A.at(count, d) == If(And(handle_of(B, d) == wide(holder), was != 0), was - 1, was)
    return goal


EXACT = {'table_free': one_less('dom_tables', 'table_owner'), 'slot_drop': one_less('dom_slots', 'slot_mapper')}


class WatchedPath(TracePath):
    def __init__(self, explorer):
        super().__init__(explorer)
        self.published, self.read = 0, set()

    def load(self, address, bits):
        value = super().load(address, bits)
        if self.explorer.read_once and self.stack_slot(address, bits) is None and self.word(address) is None:
            name, index = self.locate(address, bits)
            if (name, index.get_id()) in self.read:
                raise Failed('+%x: reads an element of %s a second time' % (self.explorer.offset, name))
            self.read.add((name, index.get_id()))
        return value

    def store(self, address, bits, value):
        super().store(address, bits, value)
        if self.stores.get(self.explorer.ins.address) == 'npt':
            self.published += 1
            if self.published > 1:
                raise Failed('+%x: a second store to the tables: a walk can see the first' % self.explorer.offset)


class WatchedBlockPath(WatchedPath, BlockTracePath):
    pass


class Watch(Tracer):
    """Keeps nothing of the stack that is below its pointer."""
    kind, read_once = WatchedPath, False

    def kept(self, path):
        rsp = const(path.processor.regs['rsp'])
        if rsp is None:
            raise Failed('+%x: an unknown stack pointer' % self.offset)
        path.stack = path.stack.above(rsp)

    def step(self, path, ins):
        what = super().step(path, ins)
        self.kept(path)
        return what


class BlockWatch(Watch):
    kind, read_once = WatchedBlockPath, True


def proof_of(elf, name, **others):
    if name == RUN_PATH:
        return ConfineProof(elf, **others)
    return (boot.BootProof if name in boot.OPERATIONS else Proof)(elf, name, **others)


def successes_of(elf, name):
    """The decisions of each path that succeeds, where no proof has told them."""
    proof = proof_of(elf, name)
    return [p.decisions for p in proof.explorer.run(name, proof.definition()) if proof.succeeds(p)]


def check_path(proof, name, path):
    """The number of goals; Failed says which does not hold."""
    B, A, a = proof.explorer.before, path.state, proof.explorer.args
    if 'npt' in path.written and path.written & set(theorems.OWNERSHIP):
        raise Failed('maps and changes an owner in one operation')
    goals = []
    for array, writes in A.writes.items():
        bits = GROUPS[ARRAYS[array][0]][0]
        for index, _ in writes:
            if array not in PLACES[name]:
                raise Failed('no place in %s is named for it' % array)
            goals.append(('writes %s elsewhere' % array,
                          z3.Or(*[index == narrow(p, bits) for p in PLACES[name][array](B, a)])))
    if name in EXACT and path.written:
        goals.append(('the count is one less', EXACT[name](B, A, a)))
    facts = path.facts + [r[1] for r in path.required] + [condition for _, _, condition, _ in path.branches]
    for text, goal in goals:
        if not proof.explorer.proves(facts, goal):
            raise Failed(text)
    return len(goals)


def run(elf, name, successes=None):
    """(what failed or None, a remark, nothing)"""
    goals, failed = 0, below_stack(elf, name)
    if failed:
        return failed, '', []
    try:
        if successes is None:
            successes = successes_of(elf, name)
        proof = proof_of(elf, name, explorer=BlockWatch if name == RUN_PATH else Watch)
        for decisions in successes:
            path = proof.explorer.trace(name, proof.definition(), decisions)
            goals += check_path(proof, name, path)
    except (Failed, Unknown) as e:
        return str(e), '', []
    if not successes:
        return 'no path succeeds', '', []
    return None, '%d paths, %d goals, %d queries' % (len(successes), goals, proof.budget.queries), []
