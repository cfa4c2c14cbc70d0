# SPDX-License-Identifier: GPL-2.0-or-later
"""x86-64 to bit vectors: exactly the instructions that gcc emits for core/protect; any other one is an error.

Operands come from Capstone; the meaning is written here from the architecture manual (AMD64 volume 3) and
is part of what remains trusted.
"""
import capstone
from capstone import x86 as cs
import z3
from z3 import BitVecVal, Extract, ZeroExt, SignExt, If, And, Or, Not, ULT, ULE, UGT, UGE

GPRS = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi'] + ['r%d' % i for i in range(8, 16)]
PARTS = {}  # name: (64-bit register, bits)
for r in GPRS:
    PARTS[r] = (r, 64)
    if r[1:].isdigit():
        PARTS.update({r + 'd': (r, 32), r + 'w': (r, 16), r + 'b': (r, 8)})
    else:
        PARTS.update({'e' + r[1:]: (r, 32), r[1:]: (r, 16)})
        PARTS[r[1:] + 'l' if r[2] in 'ip' else r[1] + 'l'] = (r, 8)

decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
decoder.detail = True


class Unknown(Exception):
    """An instruction, flag or access outside the subset."""


def const(value):
    return value.as_long() if z3.is_bv_value(value) else None


class Flags:
    """The result that set the flags; each flag is made when asked for. Kinds: sub, add, logic, inc, bt."""

    def __init__(self, kind, a=None, b=None, r=None, carry=None):
        self.kind, self.a, self.b, self.r, self.carry = kind, a, b, r, carry

    def cf(self):
        if self.kind == 'sub':
            return ULT(self.a, self.b)
        if self.kind == 'add':
            return ULT(self.r, self.a)
        if self.kind == 'logic':
            return z3.BoolVal(False)
        if self.carry is not None:
            return self.carry
        raise Unknown('CF after ' + self.kind)

    def zf(self):
        if self.kind == 'sub':
            return self.a == self.b
        if self.r is None:
            raise Unknown('ZF after ' + self.kind)
        return self.r == 0

    def sf(self):
        if self.r is None:
            raise Unknown('SF after ' + self.kind)
        return self.r < 0

    def less(self):  # SF != OF
        if self.kind == 'sub':
            return self.a < self.b
        if self.kind == 'logic':
            return self.r < 0
        raise Unknown('OF after ' + self.kind)

    def condition(self, cc):
        if cc.startswith('n') and cc != 'n':
            return Not(self.condition(cc[1:]))
        if cc == 'b':
            return self.cf()
        if cc == 'ae':
            return Not(self.cf())
        if cc == 'e':
            return self.zf()
        if cc == 'be':
            return ULE(self.a, self.b) if self.kind == 'sub' else Or(self.cf(), self.zf())
        if cc == 'a':
            return Not(self.condition('be'))
        if cc == 's':
            return self.sf()
        if cc == 'l':
            return self.less()
        if cc == 'ge':
            return Not(self.less())
        if cc == 'le':
            return self.a <= self.b if self.kind == 'sub' else Or(self.less(), self.zf())
        if cc == 'g':
            return Not(self.condition('le'))
        raise Unknown('condition ' + cc)


def as_bool_bv(condition, bits):
    return If(condition, BitVecVal(1, bits), BitVecVal(0, bits))


class Processor:
    """Registers and flags; memory is the caller's: load(address, bits), store(address, bits, value)."""

    def __init__(self, memory):
        self.memory = memory
        self.regs = {}
        self.flags = None

    def copy_to(self, other):
        other.regs, other.flags = dict(self.regs), self.flags

    def get(self, name):
        reg, bits = PARTS[name]
        value = self.regs[reg]
        return value if bits == 64 else z3.simplify(Extract(bits - 1, 0, value))

    def set(self, name, value):
        reg, bits = PARTS[name]
        if bits == 32:
            value = ZeroExt(32, value)
        elif bits < 32:
            value = z3.Concat(Extract(63, bits, self.regs[reg]), value)
        self.regs[reg] = z3.simplify(value)

    def address(self, ins, op):
        m = op.mem
        if m.segment != 0:
            raise Unknown('segment')
        total = BitVecVal(m.disp & (1 << 64) - 1, 64)
        if m.base:
            base = ins.reg_name(m.base)
            total = total + (BitVecVal(ins.address + ins.size, 64) if base == 'rip' else self.get64(base))
        if m.index:
            total = total + self.get64(ins.reg_name(m.index)) * BitVecVal(m.scale, 64)
        return z3.simplify(total)

    def get64(self, name):
        if PARTS[name][1] != 64:
            raise Unknown('32-bit address')
        return self.regs[name]

    def read(self, ins, op, bits=None):
        bits = bits or op.size * 8
        if op.type == cs.X86_OP_REG:
            return self.get(ins.reg_name(op.reg))
        if op.type == cs.X86_OP_IMM:
            return BitVecVal(op.imm & (1 << bits) - 1, bits)
        return self.memory.load(self.address(ins, op), op.size * 8)

    def write(self, ins, op, value):
        if op.type == cs.X86_OP_REG:
            self.set(ins.reg_name(op.reg), value)
        else:
            self.memory.store(self.address(ins, op), op.size * 8, z3.simplify(value))

    def push(self, value):
        self.regs['rsp'] = z3.simplify(self.regs['rsp'] - 8)
        self.memory.store(self.regs['rsp'], 64, value)

    def pop(self):
        value = self.memory.load(self.regs['rsp'], 64)
        self.regs['rsp'] = z3.simplify(self.regs['rsp'] + 8)
        return value

    def step(self, ins):
        """Executes all but control transfers; gives None, or ('jump', target), ('branch', condition, target),
        ('call', target), ('ret', target)."""
        name, ops = ins.mnemonic, ins.operands
        if 'lock' in name or 'rep' in name:
            raise Unknown(name)
        if name in ('nop', 'data16') or name.endswith(' nop') or (name == 'xchg' and ops[0].reg == ops[1].reg
                                                                  and ops[0].size != 4):
            return None
        if name in ('mov', 'movabs'):
            self.write(ins, ops[0], self.read(ins, ops[1], ops[0].size * 8))
        elif name == 'movzx':
            self.write(ins, ops[0], ZeroExt((ops[0].size - ops[1].size) * 8, self.read(ins, ops[1])))
        elif name in ('movsx', 'movsxd'):
            self.write(ins, ops[0], SignExt((ops[0].size - ops[1].size) * 8, self.read(ins, ops[1])))
        elif name == 'lea':
            self.write(ins, ops[0], Extract(ops[0].size * 8 - 1, 0, self.address(ins, ops[1])))
        elif name in ('add', 'sub', 'cmp', 'and', 'or', 'xor', 'test'):
            self.arithmetic(ins, name, ops)
        elif name in ('adc', 'sbb'):
            a, b = self.read(ins, ops[0]), self.read(ins, ops[1], ops[0].size * 8)
            if name == 'sbb' and ops[0].type == cs.X86_OP_REG and ops[1].type == cs.X86_OP_REG and \
                    ops[0].reg == ops[1].reg:
                r = If(self.flags.cf(), BitVecVal(-1, a.size()), BitVecVal(0, a.size()))
                self.flags = Flags('carry', r=r, carry=self.flags.cf())
            else:
                c = as_bool_bv(self.flags.cf(), a.size())
                r = a + b + c if name == 'adc' else a - b - c
                self.flags = Flags('adc', r=r)
            self.write(ins, ops[0], r)
        elif name in ('inc', 'dec', 'neg', 'not'):
            a = self.read(ins, ops[0])
            r = {'inc': a + 1, 'dec': a - 1, 'neg': -a, 'not': ~a}[name]
            if name in ('inc', 'dec'):
                self.flags = Flags(name, r=r, carry=self.flags.cf() if self.flags else None)
            elif name == 'neg':
                self.flags = Flags('sub', BitVecVal(0, a.size()), a, r)
            self.write(ins, ops[0], r)
        elif name in ('shl', 'shr', 'sar', 'sal'):
            a = self.read(ins, ops[0])
            n = self.read(ins, ops[1]) if len(ops) > 1 else BitVecVal(1, 8)
            mask = 63 if a.size() == 64 else 31
            n = z3.simplify(n & mask)
            n = z3.simplify(ZeroExt(a.size() - n.size(), n)) if a.size() > n.size() else n
            if a.size() < 8 or n.size() != a.size():
                raise Unknown('shift width')
            r = {'shl': a << n, 'sal': a << n, 'shr': z3.LShR(a, n), 'sar': a >> n}[name]
            # With a count of zero the flags stay: nothing may ask for them after a variable shift.
            self.flags = Flags('shift', r=r) if const(n) else Flags('none')
            self.write(ins, ops[0], r)
        elif name in ('bt', 'bts', 'btr', 'btc'):
            if ops[0].type != cs.X86_OP_REG or ops[1].type != cs.X86_OP_IMM:
                raise Unknown(name)
            a, bit = self.read(ins, ops[0]), ops[1].imm % (ops[0].size * 8)
            one = BitVecVal(1 << bit, a.size())
            self.flags = Flags('bt', carry=Extract(bit, bit, a) == 1)
            if name != 'bt':
                self.write(ins, ops[0], {'bts': a | one, 'btr': a & ~one, 'btc': a ^ one}[name])
        elif name == 'imul' and len(ops) >= 2:
            a, b = self.read(ins, ops[-2]), self.read(ins, ops[-1], ops[0].size * 8)
            self.flags = Flags('none')
            self.write(ins, ops[0], a * b)
        elif name in ('cdqe', 'cwde'):
            self.set('rax' if name == 'cdqe' else 'eax',
                     SignExt(32, self.get('eax')) if name == 'cdqe' else SignExt(16, self.get('ax')))
        elif name == 'xchg' and ops[0].type == ops[1].type == cs.X86_OP_REG:
            a, b = self.read(ins, ops[0]), self.read(ins, ops[1])
            self.write(ins, ops[0], b)
            self.write(ins, ops[1], a)
        elif name.startswith('set'):
            self.write(ins, ops[0], as_bool_bv(self.flags.condition(name[3:]), 8))
        elif name.startswith('cmov'):
            b = self.read(ins, ops[1])  # a memory operand is read in either case
            self.write(ins, ops[0], If(self.flags.condition(name[4:]), b, self.read(ins, ops[0])))
        elif name == 'push':
            self.push(self.read(ins, ops[0], 64))
        elif name == 'pop':
            self.write(ins, ops[0], self.pop())
        elif name == 'ret' and not ops:
            return ('ret', self.pop())
        elif name == 'call' and ops[0].type == cs.X86_OP_IMM:
            return ('call', ops[0].imm)
        elif name == 'jmp' and ops[0].type == cs.X86_OP_IMM:
            return ('jump', ops[0].imm)
        elif name.startswith('j') and ops[0].type == cs.X86_OP_IMM:
            return ('branch', z3.simplify(self.flags.condition(name[1:])), ops[0].imm)
        else:
            raise Unknown('%s %s' % (name, ins.op_str))
        return None

    def arithmetic(self, ins, name, ops):
        a, b = self.read(ins, ops[0]), self.read(ins, ops[1], ops[0].size * 8)
        if name in ('sub', 'cmp'):
            r = a - b
            self.flags = Flags('sub', a, b, r)
        elif name == 'add':
            r = a + b
            self.flags = Flags('add', a, b, r)
        else:
            r = {'and': a & b, 'test': a & b, 'or': a | b, 'xor': a ^ b}[name]
            self.flags = Flags('logic', r=r)
        if name not in ('cmp', 'test'):
            self.write(ins, ops[0], r)
