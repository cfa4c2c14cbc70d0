# SPDX-License-Identifier: GPL-2.0-or-later
"""Symbolic execution of one function, path by path, from an arbitrary state that satisfies the invariant.

Every load and store is proved to lie, aligned, in one element of one array within its live size, or in the
function's own stack frame.  The index of each access is *touched*: the invariant is assumed there, and only
there.  At `ret` the stack pointer, the return address and the callee-saved registers are the caller's.
"""
import z3

import invariant
from lift import Processor, Unknown, decoder, GPRS, const
from stack import Stack
from state import State, ARRAYS, SCALARS, GROUPS, CONSTANT, in_range, narrow

RETURN = 0x7ffffffffff0  # stands for the caller's return address
STACK = 0x7ff000000000   # any place apart from the arrays; no address is ever made of it but by rsp
CALLEE_SAVED = ['rbx', 'rbp', 'r12', 'r13', 'r14', 'r15']
ARGUMENTS = ['rdi', 'rsi', 'rdx', 'rcx', 'r8', 'r9']


class Failed(Exception):
    pass


def bit_blasting():
    """Arrays become functions, functions become bit vectors and their congruences, these a SAT problem.
    Z3's general solver loses itself in the many instances; this does most goals in a few hundredths."""
    simplify = z3.With('simplify', expand_select_store=True, blast_select_store=True)
    return z3.Then(simplify, 'propagate-values', 'solve-eqs', 'elim-uncnstr', 'bvarray2uf', 'ackermannize_bv',
                   'qfbv').solver()


def limit(solver, steps):
    """The solver's own steps, about 10 million a second on an idle core: the same on a busy machine. Time, which
    is for what it does not count, is far away."""
    solver.set('rlimit', steps)
    solver.set('timeout', 3600 * 1000)


class Budget:
    """Solver calls, each under a limit; counts them and how often the second solver was needed."""

    def __init__(self, steps=2400000000):
        self.steps, self.queries, self.second = steps, 0, 0

    def check(self, facts, goal=None, quick=False):
        """unsat, sat or unknown of the facts and not the goal. quick: one solver, a fifteenth of the limit."""
        self.queries += 1
        for make in (bit_blasting,) if quick else (bit_blasting, z3.Solver):
            solver = make()
            limit(solver, self.steps // 15 if quick else self.steps)
            solver.add(*facts)
            if goal is not None:
                solver.add(z3.Not(goal))
            try:
                answer = solver.check()
            except z3.Z3Exception:
                answer = z3.unknown
            if answer != z3.unknown:
                return answer
            self.second += 1
        return answer


class Path:
    """One path: registers, memory, what is known (facts) and where the invariant was instantiated."""

    def __init__(self, explorer):
        self.explorer = explorer
        self.processor = Processor(self)
        self.state = None
        self.stack = Stack()
        self.facts = []
        self.conditions = []
        self.touched = {}
        self.proved = {}  # accesses shown to be in range; keeps the terms alive, whose ids are the keys
        self.written = set()
        self.address = None
        self.decisions = ''  # a letter for each branch that was open: 1 taken
        self.calls = 0

    def fork(self):
        other = Path(self.explorer)
        self.processor.copy_to(other.processor)
        other.state = self.state.copy()
        other.stack, other.facts = self.stack.copy(), list(self.facts)
        other.conditions, other.touched = list(self.conditions), dict(self.touched)
        other.written, other.address, other.calls = set(self.written), self.address, self.calls
        other.proved, other.decisions = dict(self.proved), self.decisions
        return other

    def assume(self, condition, taken):
        self.decisions += str(int(taken))
        self.facts.append(condition)
        self.conditions.append(condition)

    def instantiate(self, group, index):
        index = narrow(index, GROUPS[group][0])
        key = (group, index.get_id())
        if key in self.touched:
            return
        self.touched[key] = index
        self.facts += self.explorer.instance(group, index)

    def require(self, goal, message):
        """What has to hold here, on this path."""
        if not self.explorer.proves(self.facts, goal):
            raise Failed('%#x: %s' % (self.address, message))

    # ---- memory ------------------------------------------------------------------------------
    def stack_slot(self, address, bits):
        n = const(address)
        if n is None or not STACK - self.explorer.stack_bytes <= n < STACK + 8:
            return None
        if bits not in (32, 64) or n % (bits // 8):
            raise Unknown('stack access of %d bits at %#x' % (bits, n))
        return n

    def locate(self, address, bits):
        """(symbol, index or None for a scalar): the element that the access lies in, proved."""
        name, terms, offset = self.explorer.resolve(address)
        if name in SCALARS:
            if terms or offset or bits != 64:
                raise Failed('access beyond %s' % name)
            return name, None
        group, width = ARRAYS[name]
        size = width // 8
        if bits > width or offset % size or any(c % size for c, _ in terms):
            raise Failed('access to %s of %d bits, not aligned to an element' % (name, bits))
        index = z3.BitVecVal(offset // size & (1 << 64) - 1, 64)
        for c, t in terms:
            index = index + t * z3.BitVecVal(c // size, 64)
        index = z3.simplify(index)
        key = (name, index.get_id())
        if key not in self.proved:
            self.require(in_range(self.explorer.before, group, index),
                         'access to %s is not within its bounds' % name)
            self.proved[key] = index
            bits = GROUPS[group][0]
            if index.size() > bits:  # said plainly, it saves the solver the arithmetic
                self.facts.append(z3.Extract(index.size() - 1, bits, index) == 0)
        self.instantiate(group, index)
        return name, index

    def load(self, address, bits):
        slot = self.stack_slot(address, bits)
        if slot is not None:
            value = self.stack.load(slot, bits)
            if value is None:
                raise Failed('%#x: reads the stack before it was written' % self.address)
            return value
        name, index = self.locate(address, bits)
        if index is None:
            return self.state.scalar(name)
        value = self.state.at(name, index)
        return value if bits == value.size() else z3.Extract(bits - 1, 0, value)

    def store(self, address, bits, value):
        slot = self.stack_slot(address, bits)
        if slot is not None:
            if slot >= STACK:
                raise Failed('%#x: writes its return address' % self.address)
            self.stack.store(slot, bits, value)
            return
        name, index = self.locate(address, bits)
        if name in self.explorer.constant:
            raise Failed('%#x: writes %s' % (self.address, name))
        self.written.add(name)
        if index is None:
            self.state.set_scalar(name, value)
            return
        if bits != ARRAYS[name][1]:
            raise Failed('%#x: writes part of an element of %s' % (self.address, name))
        self.state.store(name, index, value)


class Explorer:
    def __init__(self, elf, budget, stack_bytes=128):
        self.elf, self.budget, self.stack_bytes = elf, budget, stack_bytes
        self.constant = CONSTANT
        self.before = State()
        self.bases = sorted((elf.symbols[n][0], n) for n in list(ARRAYS) + SCALARS if n in elf.symbols)
        self.instances = {}
        self.base_facts = [f for _, f in invariant.scalars(self.before)]

    def instance(self, group, index):
        key = (group, index.get_id())
        if key not in self.instances:
            clauses = invariant.CLAUSES.get(group)
            facts = []
            if clauses:
                holds = z3.And(*[f for _, f in clauses(self.before, index) + invariant.lemmas(self.before, group, index)])
                facts = [z3.Implies(in_range(self.before, group, index), holds)]
            self.instances[key] = (index, facts)
        return self.instances[key][1]

    def resolve(self, address):
        """address = base of a symbol + sum of coefficient * term + offset; the coefficients are modulo 2^64."""
        terms, total = [], 0

        def walk(e, factor):
            nonlocal total
            e_const = const(e)
            if e_const is not None:
                total += factor * e_const
            elif z3.is_app_of(e, z3.Z3_OP_BADD):
                for c in e.children():
                    walk(c, factor)
            elif z3.is_app_of(e, z3.Z3_OP_BMUL) and const(e.arg(0)) is not None and e.num_args() == 2:
                walk(e.arg(1), factor * const(e.arg(0)))
            elif z3.is_app_of(e, z3.Z3_OP_BSHL) and const(e.arg(1)) is not None:
                walk(e.arg(0), factor << const(e.arg(1)))
            elif z3.is_app_of(e, z3.Z3_OP_CONCAT):
                # What simplify makes of shifts and of a base above the bits of a zero-extended index.
                shift = e.size()
                for part in e.children():
                    shift -= part.size()
                    if const(part) is not None:
                        total += factor * const(part) << shift
                    elif z3.is_app_of(part, z3.Z3_OP_EXTRACT) and part.params() == [63 - shift, 0] and \
                            part.arg(0).size() == 64:
                        walk(part.arg(0), factor << shift)  # x << shift, whose high bits fall off
                    else:
                        term = z3.ZeroExt(64 - part.size(), part) if part.size() < 64 else part
                        terms.append(((factor << shift) & (1 << 64) - 1, term))
            else:
                terms.append((factor & (1 << 64) - 1, e))

        walk(z3.simplify(address), 1)
        total &= (1 << 64) - 1
        name, base = None, 0
        for at, symbol in self.bases:
            if at <= total:
                name, base = symbol, at
        if name is None:
            raise Failed('address %s is of no known symbol' % address)
        offset = total - base
        group, width = ARRAYS.get(name, (None, 64))
        limit = (1 << GROUPS[group][0]) * width // 8 if group else 8
        if offset >= limit:
            raise Failed('address %s is beyond %s' % (z3.simplify(address), name))
        return name, terms, offset

    def proves(self, facts, goal):
        goal = z3.simplify(goal)
        if z3.is_true(goal):
            return True
        return self.budget.check(self.base_facts + facts, goal) == z3.unsat

    def feasible(self, facts):
        return self.budget.check(self.base_facts + facts) != z3.unsat

    def start(self, function, assume, kind=Path):
        """At the first instruction."""
        start = kind(self)
        start.state = self.before.copy()
        for reg in GPRS:
            start.processor.regs[reg] = z3.BitVec('in_' + reg, 64)
        start.processor.regs['rsp'] = z3.BitVecVal(STACK, 64)
        start.stack.store(STACK, 64, z3.BitVecVal(RETURN, 64))
        start.address = self.elf.functions[function][0]
        self.args = [start.processor.regs[r] for r in ARGUMENTS]
        start.facts += list(assume)
        return start

    def run(self, function, assume=()):
        """All paths of the function; each ended at its `ret`. Raises Failed or Unknown."""
        work, ended = [self.start(function, assume)], []
        while work:
            path = work.pop()
            steps = 0
            while path is not None:
                steps += 1
                if steps > 2000:
                    raise Failed('a path of more than 2000 instructions')
                path = self.advance(path, work, ended)
        return ended

    def advance(self, path, work, ended):
        code = self.elf.bytes_at(path.address, 16)
        ins = next(decoder.disasm(code, path.address), None)
        if ins is None:
            raise Unknown('bytes at %#x' % path.address)
        try:
            what = self.step(path, ins)
        except Unknown as e:
            raise Unknown('%#x: %s' % (ins.address, e)) from e
        path.address = ins.address + ins.size
        if what is None:
            return path
        if what[0] == 'jump':
            path.address = what[1]
            return path
        if what[0] == 'call':
            if what[1] == self.elf.symbols.get('frame_zero', (None,))[0]:
                self.frame_zero(path)
                return path
            path.processor.push(z3.BitVecVal(path.address, 64))
            path.calls += 1
            path.address = what[1]
            return path
        if what[0] == 'ret':
            target = const(what[1])
            if target != RETURN:
                if target is None:
                    raise Failed('%#x: returns to somewhere' % ins.address)
                path.address = target
                return path
            self.check_return(path)
            ended.append(path)
            return None
        return self.branch(path, what[1], what[2], work)

    def step(self, path, ins):
        return path.processor.step(ins)

    def branch(self, path, condition, target, work):
        """Both ways where both can be; the one not taken goes on as this path."""
        if z3.is_true(condition) or z3.is_false(condition):
            if z3.is_true(condition):
                path.address = target
            return path
        other = path.fork()
        path.assume(z3.Not(condition), False)
        other.assume(condition, True)
        other.address = target
        if self.feasible(other.facts):
            work.append(other)
        return path if self.feasible(path.facts) else None

    def frame_zero(self, path):
        """The primitive: zeroes frame rdi, which must be RAM that nothing maps; clobbers as the ABI allows."""
        mfn = path.processor.regs['rdi']
        S = path.state
        goal = z3.And(in_range(self.before, 'frame', mfn), S.u('frame_head', mfn) == 0,
                      S.at('frame_state', mfn) == invariant.DIRTY)
        path.instantiate('frame', mfn)
        path.require(goal, 'zeroes a frame that may be in use')
        S.zeroed += (mfn,)
        for reg in GPRS:
            if reg not in CALLEE_SAVED + ['rsp']:
                path.processor.regs[reg] = z3.BitVec('zero_%s_%d' % (reg, path.calls), 64)
        path.processor.flags = None

    def check_return(self, path):
        regs = path.processor.regs
        if const(regs['rsp']) != STACK + 8:
            raise Failed('returns with another stack pointer')
        for reg in CALLEE_SAVED:
            if not regs[reg].eq(z3.BitVec('in_' + reg, 64)):
                raise Failed('does not preserve ' + reg)
