# SPDX-License-Identifier: GPL-2.0-or-later
"""The lifter beside this machine's processor, on every form of instruction that core/protect's linked code has.

lifter.py ELF PROCESSOR [ROUNDS]: PROCESSOR is processor.c, built.  A form is a mnemonic with the kinds and sizes of its
operands.  Of each, several instances as they lie in the image, bytes and address, are executed there and lifted, on
random registers, flags and memory; registers, memory, where it goes and each condition that the lifter answers
from the flags must be the same.  A condition that rests on a flag which the manual leaves undefined must not be answered at
all, and an instruction that the lifter does not know fails.  Ends with "N passed, N failed".
"""
import os
import random
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..'))
from capstone import x86 as cs
import z3

from elf import Elf
from lift import Flags, GPRS, PARTS, Processor, Unknown
from main import OPERATIONS
from reads import READS
from writes import code_of

CF, PF, AF, ZF, SF, OF = 1, 4, 16, 64, 128, 2048
# What AMD64 volume 3 leaves undefined; `shift` is told apart by its count.
UNDEFINED = {'bt': OF | SF | ZF | AF | PF, 'bts': OF | SF | ZF | AF | PF, 'btr': OF | SF | ZF | AF | PF,
             'btc': OF | SF | ZF | AF | PF, 'imul': SF | ZF | AF | PF, 'and': AF, 'or': AF, 'xor': AF, 'test': AF,
             'add': 0, 'sub': 0, 'cmp': 0, 'adc': 0, 'sbb': 0, 'neg': 0, 'inc': 0, 'dec': 0}
KEEPS_FLAGS = {'mov', 'movabs', 'movzx', 'movsx', 'movsxd', 'lea', 'not', 'push', 'pop', 'ret', 'call', 'jmp', 'nop',
               'xchg', 'cdqe', 'cwde'}
CONDITIONS = {'b': CF, 'e': ZF, 'be': CF | ZF, 's': SF, 'l': SF | OF, 'le': ZF | SF | OF, 'p': PF, 'o': OF}
BYTES = 64
ORDER = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi'] + ['r%d' % n for n in range(8, 16)]
WINDOW = 0x6000000000  # where data lies when the instruction leaves the choice


def holds(cc, flags):
    """A condition as the manual has it."""
    if cc[0] == 'n':
        return not holds(cc[1:], flags)
    less = bool(flags & SF) != bool(flags & OF)
    return {'b': bool(flags & CF), 'e': bool(flags & ZF), 'be': bool(flags & (CF | ZF)), 's': bool(flags & SF),
            'l': less, 'le': less or bool(flags & ZF), 'p': bool(flags & PF), 'o': bool(flags & OF)}[cc]


class Given(Flags):
    """Flags as the processor had them before."""

    def __init__(self, flags):
        super().__init__('given')
        self.flags = flags

    def cf(self):
        return z3.BoolVal(holds('b', self.flags))

    def zf(self):
        return z3.BoolVal(holds('e', self.flags))

    def sf(self):
        return z3.BoolVal(holds('s', self.flags))

    def less(self):
        return z3.BoolVal(holds('l', self.flags))


class Memory:
    def __init__(self, at, data):
        self.at, self.data = at, bytearray(data)

    def place(self, address, bits):
        offset = z3.simplify(address).as_long() - self.at
        if not 0 <= offset <= len(self.data) - bits // 8:
            raise ValueError('the lifter goes elsewhere in memory than the test meant')
        return offset

    def load(self, address, bits):
        offset = self.place(address, bits)
        return z3.BitVecVal(int.from_bytes(self.data[offset:offset + bits // 8], 'little'), bits)

    def store(self, address, bits, value):
        offset = self.place(address, bits)
        self.data[offset:offset + bits // 8] = z3.simplify(value).as_long().to_bytes(bits // 8, 'little')


def form_of(ins):
    """Mnemonic, and each operand's kind and size; which registers they are does not matter, but same ones do."""
    kinds = []
    for op in ins.operands:
        if op.type == cs.X86_OP_REG:
            kinds.append('r%d' % (op.size * 8) + ('h' if ins.reg_name(op.reg) in ('ah', 'bh', 'ch', 'dh') else ''))
        elif op.type == cs.X86_OP_IMM:
            kinds.append('i%d' % (op.size * 8))
        else:
            m = op.mem
            parts = ['rip' if m.base and ins.reg_name(m.base) == 'rip' else 'base' if m.base else '',
                     'index*%d' % m.scale if m.index else '', 'disp' if m.disp else '']
            kinds.append('m%d[%s]' % (op.size * 8, '+'.join(p for p in parts if p)))
    regs = [op.reg for op in ins.operands if op.type == cs.X86_OP_REG]
    same = ' same' if len(regs) > 1 and len(set(regs)) == 1 else ''
    return '%s %s%s' % (ins.mnemonic, ','.join(kinds), same)


def random_value(rng):
    kind = rng.randrange(8)
    value = rng.getrandbits(64)
    if kind < 3:
        return value
    if kind == 3:
        return value & 0xff
    if kind == 4:
        return (1 << rng.randrange(65)) - rng.randrange(2) & (1 << 64) - 1
    if kind == 5:
        return -(value & 0xff) & (1 << 64) - 1
    return value >> rng.randrange(64)


def make_case(rng, ins):
    """Registers, flags, memory, such that its memory operand, if any, lies in memory that can be had."""
    regs = {r: random_value(rng) if rng.randrange(8) else 0 for r in ORDER}
    if rng.randrange(3) == 0:  # equal operands: comparisons that come out equal, and by one
        value = random_value(rng)
        for r in ORDER:
            if rng.randrange(2):
                regs[r] = value + rng.randrange(-1, 2) & (1 << 64) - 1
    at = WINDOW + 8 * rng.randrange(4096)
    regs['rsp'] = at + 16 + 8 * rng.randrange(4)
    mems = [op.mem for op in ins.operands if op.type == cs.X86_OP_MEM] if ins.mnemonic not in ('lea', 'nop') else []
    stack = ins.mnemonic in ('push', 'pop', 'call', 'ret')
    if stack and mems:
        raise ValueError('memory operand and stack: this test cannot place both')
    for m in mems:
        where = at + 16 + rng.randrange(32)
        base = ins.reg_name(m.base) if m.base else None
        index = ins.reg_name(m.index) if m.index else None
        if base == 'rip' or not (base or index):
            where = m.disp + (ins.address + ins.size if base else 0)
            at = where - 16
        elif base and index and base != index:
            regs[base] = where - m.disp - regs[index] * m.scale & (1 << 64) - 1
        elif base and index:
            regs[base] = (where - m.disp) // (1 + m.scale)
            at = regs[base] * (1 + m.scale) + m.disp - 16
        elif base:
            regs[base] = where - m.disp & (1 << 64) - 1
        else:
            where += 16 << 30 if m.disp > 1 << 32 else 0
            regs[index] = max(0, where - m.disp) // m.scale
            at = regs[index] * m.scale + m.disp - 16
    memory = b''.join(random_value(rng).to_bytes(8, 'little') for _ in range(BYTES // 8))
    flags = rng.getrandbits(12) & (CF | PF | AF | ZF | SF | OF)
    target = 0
    if ins.mnemonic == 'ret':
        target = ins.address + 64
        offset = regs['rsp'] - at
        memory = memory[:offset] + target.to_bytes(8, 'little') + memory[offset + 8:]
    elif ins.mnemonic[0] == 'j' or ins.mnemonic == 'call':
        target = ins.operands[0].imm
    return regs, flags, at, memory, target


def pack(ins, case):
    regs, flags, at, memory, target = case
    return struct.pack('<16Q2Q64s3Q16s', *(regs[r] for r in ORDER), flags, ins.address, memory, at, ins.size, target,
                       bytes(ins.bytes))


def lift(ins, case):
    """What the lifter makes of it: registers, memory, rip, flags."""
    regs, flags, at, memory, _ = case
    p = Processor(Memory(at, memory))
    p.regs = {r: z3.BitVecVal(v, 64) for r, v in regs.items()}
    p.flags = Given(flags)
    what = p.step(ins)
    rip = ins.address + ins.size
    if what is not None:
        if what[0] == 'call':
            p.push(z3.BitVecVal(rip, 64))  # as explore.py does
            rip = what[1]
        elif what[0] == 'jump':
            rip = what[1]
        elif what[0] == 'ret':
            rip = z3.simplify(what[1]).as_long()
        elif z3.is_true(what[1]):
            rip = what[2]
        elif not z3.is_false(what[1]):
            raise ValueError('a branch that is not decided')
    return {r: z3.simplify(v).as_long() for r, v in p.regs.items()}, bytes(p.memory.data), rip, p.flags


def undefined(ins, case):
    name = ins.mnemonic
    if name in ('shl', 'sal', 'shr', 'sar'):
        n = 1
        if len(ins.operands) > 1:
            n = ins.operands[1].imm if ins.operands[1].type == cs.X86_OP_IMM else case[0]['rcx']
        size = ins.operands[0].size * 8
        n &= 63 if size == 64 else 31
        return 0 if n == 0 else AF | (OF if n != 1 else 0) | (CF if n >= size and name != 'sar' else 0)
    if name in KEEPS_FLAGS or name.startswith(('set', 'cmov', 'j')) or name.endswith(' nop'):
        return 0
    if name not in UNDEFINED:
        raise Unknown('%s: UNDEFINED of lifter.py does not say which flags the manual leaves undefined' % name)
    return UNDEFINED[name]


def differs(ins, case, result):
    """None, or what is not as on the processor."""
    fields = struct.unpack('<16Q2Q64s', result)
    regs, memory, rip, flags = lift(ins, case)
    for n, r in enumerate(ORDER):
        if fields[n] != regs[r]:
            return '%s is %#x, lifted %#x' % (r, fields[n], regs[r])
    if fields[17] != rip:
        return 'goes to %#x, lifted to %#x' % (fields[17], rip)
    if fields[18] != memory:
        return 'memory differs'
    may_not = undefined(ins, case)
    for cc, on in CONDITIONS.items():
        for name in cc, 'n' + cc:
            try:
                answer = z3.simplify(flags.condition(name))
            except Unknown:
                continue
            if on & may_not:
                return 'condition %s is answered, from flags that the manual leaves undefined' % name
            if not (z3.is_true(answer) or z3.is_false(answer)):
                return 'condition %s is not decided' % name
            if z3.is_true(answer) != holds(name, fields[16]):
                return 'condition %s is %s, lifted %s' % (name, holds(name, fields[16]), answer)
    return None


def main(path, processor, rounds=24):
    elf, forms, rng = Elf(path), {}, random.Random(int(rounds))
    for ins in code_of(elf, [*OPERATIONS, *READS]):
        forms.setdefault(form_of(ins), []).append(ins)
    passed, failed, cases = 0, 0, 0
    work = []
    for form, found in sorted(forms.items()):
        chosen = [found[len(found) * n // 6] for n in range(min(6, len(found)))]
        work.append((form, [(chosen[n % len(chosen)], make_case(rng, chosen[n % len(chosen)]))
                            for n in range(int(rounds))]))
    packed = b''.join(pack(ins, case) for _, tests in work for ins, case in tests)
    run = subprocess.run([processor], input=packed, stdout=subprocess.PIPE)
    size = struct.calcsize('<16Q2Q64s')
    if run.returncode != 0 or len(run.stdout) != size * sum(len(t) for _, t in work):
        done = len(run.stdout) // size
        print('the processor stopped after %d cases' % done)
        for form, tests in work:
            if done < len(tests):
                print('at %#x: %s %s' % (tests[done][0].address, tests[done][0].mnemonic, tests[done][0].op_str))
                break
            done -= len(tests)
        return 1
    n = 0
    for form, tests in work:
        why = None
        for ins, case in tests:
            result = run.stdout[n * size:n * size + size]
            n += 1
            if why is None:
                try:
                    why = differs(ins, case, result)
                except (Unknown, ValueError) as e:
                    why = str(e)
                if why is not None:
                    print('FAILED %s: %#x: %s %s: %s' % (form, ins.address, ins.mnemonic, ins.op_str, why))
        passed, failed = passed + (why is None), failed + (why is not None)
        cases += len(tests)
    print('the lifter does what this processor does: %d of %d forms of instructions, %d cases' % (
        passed, passed + failed, cases))
    print('%d passed, %d failed' % (passed, failed))
    return failed != 0


sys.exit(main(*sys.argv[1:]))
