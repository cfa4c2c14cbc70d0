# SPDX-License-Identifier: GPL-2.0-or-later
"""Mechanical mistakes in the machine code of an operation: its proof has to reject each.

What is changed is the meaning of one instruction of the linked image, on a path that succeeds:
- a conditional jump: the check that it is, dropped (`unchecked`), or letting one value more through (`one more`);
- setcc and cmov: the condition always true, or never (`always`, `never`);
- a store to the state: dropped, of a value one larger, to the neighbouring element (`dropped`, `plus one`,
  `neighbour`); an entry or permission with its write, execute or frame bit turned (`write`, `execute`, `frame`);
- an operand in memory of an arithmetic instruction, as though it were 0 (`forgotten`), a mask with its write or execute bit
  turned (`mask write`, `mask execute`); frame_zero not called (`skipped`).
The machine code is the level because it is what the proof is about: a check that gcc merged or made a cmov has its
mistakes, and one that an inlined function brings to five operations is dropped in each. A jump that refuses more
than it should is no mistake here: that an operation can succeed is shown apart.

A mistake is rejected when on one path that succeeds the solver finds a state and arguments that satisfy all that
the proof may assume and break a goal. Which path and goal that is, hints.txt remembers: then it is one query. Where
the hint does not serve (another compiler), all goals of all paths are tried. What no goal rejects has to be in
no-bug.txt with its reason.
"""
import os
import subprocess
from collections import namedtuple

import z3

from boot import OPERATIONS as BOOT, BootProof
from confine import BlockPath, ConfineProof
from explore import Explorer, Failed, Path, bit_blasting, limit
from lift import Processor, Unknown
from prove import Proof
from state import ARRAYS, GROUPS

HERE = os.path.dirname(os.path.abspath(__file__))
HINT_STEPS, QUICK_STEPS, SEARCH_STEPS = 100000000, 1000000, (5000000, 60000000)  # the solver's; 10 million a second
BLOCK = 'the control block'
REFUSED, EMPTY = 'the path itself', 'no path succeeds'
NEGATED = {'b': 'ae', 'be': 'a', 'e': 'ne', 'l': 'ge', 'le': 'g', 's': 'ns'}
NEGATED.update({b: a for a, b in NEGATED.items()})
TURNED = {'write': 1 << 62 | 2, 'execute': 1 << 63, 'frame': 1 << 12}
TURNED_PERM = {'write': 2, 'execute': 4}

Mutation = namedtuple('Mutation', 'address kind')


class Diverged(Exception):
    """With the mistake, this path is not taken."""


class Forced:
    """Flags that make every condition the same."""

    def __init__(self, value):
        self.value = z3.BoolVal(value)

    def condition(self, _):
        return self.value


def one_more(cc, flags):
    """What the condition cc says, or that it fails by one."""
    if flags.kind == 'sub':
        a, b = flags.a, flags.b
    elif flags.kind == 'logic':
        a, b = flags.r, z3.BitVecVal(0, flags.r.size())
    else:
        return None
    beyond = {'b': a == b, 'a': a == b, 'l': a == b, 'g': a == b, 'be': a == b + 1, 'le': a == b + 1,
              'ae': a == b - 1, 'ge': a == b - 1, 'e': a == b + 1}.get(cc)
    return None if beyond is None else z3.simplify(z3.Or(flags.condition(cc), beyond))


class TraceProcessor(Processor):
    def read(self, ins, op, bits=None):
        value = super().read(ins, op, bits)
        kind = self.memory.mistake
        if kind == 'forgotten' and op.type == 3 and op is not ins.operands[0]:
            return z3.BitVecVal(0, value.size())
        if kind in ('mask write', 'mask execute') and op.type == 2:
            return z3.simplify(value ^ TURNED_PERM[kind[5:]])
        return value


class TracePath(Path):
    """A path whose branches are known: nothing is proved on the way, all of it is a goal at the end."""

    def __init__(self, explorer):
        super().__init__(explorer)
        self.processor = TraceProcessor(self)
        self.mistake = None
        self.required = []  # (name, goal, facts and branches before it)
        self.branches = []  # (address, taken, condition, the same with one more)
        self.seen = {}      # address: instruction; for a store, the array
        self.stores = {}

    def require(self, goal, message):
        self.required.append(('%s at +%x' % (message, self.explorer.offset), goal, len(self.facts), len(self.branches)))

    def locate(self, address, bits):
        """Not yet proved, so the index is not known to fit either."""
        before = len(self.facts)
        name, index = super().locate(address, bits)
        if index is not None:
            fits = GROUPS[ARRAYS[name][0]][0]
            said = z3.Extract(index.size() - 1, fits, index) == 0 if index.size() > fits else None
            self.facts[before:] = [f for f in self.facts[before:] if said is None or not f.eq(said)]
        return name, index

    def store(self, address, bits, value):
        kind, at = self.mistake, self.stack_slot(address, bits)
        if at is None:
            self.stores[self.explorer.ins.address] = self.explorer.resolve(address)[0]
        if at is not None or kind is None:
            return super().store(address, bits, value)
        if kind == 'dropped':
            return None
        name = self.stores[self.explorer.ins.address]
        if kind == 'plus one':
            value = value + 1
        elif kind in TURNED:
            value = value ^ (TURNED[kind] if name == 'npt' else TURNED_PERM[kind])
        elif kind == 'neighbour':
            name, index = self.locate(address, bits)
            self.written.add(name)
            return self.state.store(name, z3.simplify(index ^ 1), value)
        return super().store(address, bits, z3.simplify(value))


class BlockTracePath(TracePath, BlockPath):
    """The same of the run path, whose stores go to the control block."""

    def store(self, address, bits, value):
        if self.word(address) is None:
            return super().store(address, bits, value)
        self.stores[self.explorer.ins.address] = BLOCK
        if self.mistake == 'dropped':
            return None
        if self.mistake == 'plus one':
            value = z3.simplify(value + 1)
        elif self.mistake == 'neighbour':
            address = z3.simplify(address + 8)
            self.word(address)
        return BlockPath.store(self, address, bits, value)


class Tracer(Explorer):
    kind = TracePath

    def trace(self, function, definition, script, mutation=None):
        """The path whose branches are decided by script, [(address, taken)], or a string of decisions."""
        self.script, self.next, self.mutation = script, 0, mutation
        self.base = self.elf.functions[function][0]
        path, ended = self.start(function, definition, self.kind), []
        for _ in range(2000):
            path = self.advance(path, [], ended)
            if path is None:
                return ended[0]
        raise Failed('a path of more than 2000 instructions')

    def step(self, path, ins):
        self.ins, self.offset = ins, ins.address - self.base
        path.seen[ins.address] = ins
        active = self.mutation is not None and self.mutation.address == ins.address
        path.mistake = self.mutation.kind if active else None
        flags = path.processor.flags
        if path.mistake in ('always', 'never'):
            path.processor.flags = Forced(path.mistake == 'always')
        what = super().step(path, ins)
        if path.mistake in ('always', 'never'):
            path.processor.flags = flags
        if path.mistake == 'skipped':
            return None
        path.mistake = None
        return what

    def branch(self, path, condition, target, work):
        address = self.ins.address
        fixed = z3.is_true(condition) or z3.is_false(condition)
        if self.next < len(self.script):
            expected = self.script[self.next]
            if not isinstance(expected, tuple):
                expected = (address, expected == '1') if not fixed else None
        else:
            expected = None
        if expected is not None and expected[0] == address:
            taken = expected[1]
            self.next += 1
            if fixed and taken != z3.is_true(condition):
                raise Diverged()
        elif fixed:
            taken = z3.is_true(condition)
        else:
            raise Diverged()
        if not fixed:
            cc = self.ins.mnemonic[1:]
            more = one_more(cc if taken else NEGATED[cc], path.processor.flags) if cc in NEGATED else None
            path.branches.append((address, taken, condition if taken else z3.Not(condition), more))
        if taken:
            path.address = target
        return path


class BlockTracer(Tracer):
    kind = BlockTracePath


class Case:
    """One path that succeeds, with its goals."""

    def __init__(self, proof, path):
        self.path = path
        self.facts = proof.explorer.base_facts + path.facts
        self.required = [r[1] for r in path.required]
        self.goals = [([], goal, text, ()) for text, goal, _, _ in path.required]
        # Of a goal on the way only what was known there counts: an access that is out of bounds reads an element
        # that its own bits do not name, and what the path asks of it later would hide the mistake.
        self.until = {id(r[1]): (len(proof.explorer.base_facts) + r[2], r[3]) for r in path.required}
        if proof.succeeds(path):
            self.goals += list(proof.at_return(path))
        else:
            self.goals.append(([], z3.BoolVal(not path.written), 'nothing written before an error', ()))
        self.goals = [g for g in self.goals if not z3.is_true(z3.simplify(g[1]))]

    def conditions(self, without=None, more=False):
        """without: the address whose condition is dropped, or weakened by one."""
        found = []
        for address, _, condition, weaker in self.path.branches:
            found.append(condition if address != without else weaker if more else z3.BoolVal(True))
        return found


def same(formulas, others):
    return len(formulas) == len(others) and all(a.eq(b) for a, b in zip(formulas, others))


class Mutants:
    def __init__(self, elf, name, successes):
        self.elf, self.name = elf, name
        if name == 'vmcb_confine':
            self.proof = ConfineProof(elf, explorer=BlockTracer)
        else:
            self.proof = (BootProof if name in BOOT else Proof)(elf, name, explorer=Tracer)
        self.definition = self.proof.definition()
        self.around = {}
        self.queries = 0
        self.cases = {}  # decisions: Case without a mistake
        for decisions in successes:
            self.cases[decisions] = Case(self.proof, self.proof.explorer.trace(name, self.definition, decisions))

    # ---- which there are ----------------------------------------------------------------------------------
    def mutations(self):
        found = {}
        for case in self.cases.values():
            path = case.path
            for address, taken, _, more in path.branches:
                jump = path.seen[address].mnemonic + (' taken' if taken else '')
                found[Mutation(address, 'unchecked ' + jump)] = True
                if more is not None:
                    found[Mutation(address, 'one more ' + jump)] = True
            for address, ins in path.seen.items():
                name, ops = ins.mnemonic, ins.operands
                kinds = []
                if name.startswith('set') or name.startswith('cmov'):
                    kinds = ['always', 'never']
                array = path.stores.get(address)
                if array:
                    kinds += ['dropped', 'plus one'] + (['neighbour'] if array in ARRAYS or array == BLOCK else [])
                    kinds += list(TURNED) if array == 'npt' else list(TURNED_PERM) if array.endswith('_perm') else []
                elif name in ('or', 'and', 'xor', 'add', 'sub', 'adc', 'sbb') and ops[1].type == 3:
                    kinds += ['forgotten']
                if name in ('and', 'test') and ops[1].type == 2:
                    kinds += ['mask write', 'mask execute']
                if name == 'call' and ops[0].imm == self.elf.symbols.get('frame_zero', (None,))[0]:
                    kinds += ['skipped']
                for kind in kinds:
                    found[Mutation(address, kind)] = True
        return sorted(found)

    def ident(self, mutation):
        """function+offset, kind: the same in every image with these instructions."""
        for name, (start, size) in self.elf.functions.items():
            if start <= mutation.address < start + size:
                return '%s+%x %s' % (name, mutation.address - start, mutation.kind)
        return '%x %s' % mutation

    # ---- whether one is rejected --------------------------------------------------------------------------
    def variants(self, mutation, only=None):
        """(decisions, case, conditions) of the paths that succeed and have the mistake."""
        for decisions, case in self.cases.items():
            if only is not None and decisions != only:
                continue
            if mutation.kind.startswith(('unchecked', 'one more')):
                way = mutation.kind.endswith(' taken')
                if any(b[0] == mutation.address and b[1] == way for b in case.path.branches):
                    yield decisions, case, case.conditions(mutation.address, mutation.kind.startswith('one more'))
            elif mutation.address in case.path.seen:
                script = [(b[0], b[1]) for b in case.path.branches]
                try:
                    wrong = Case(self.proof, self.proof.explorer.trace(self.name, self.definition, script, mutation))
                except Diverged:
                    continue
                yield decisions, wrong, wrong.conditions()

    def solver(self, facts, goal, steps):
        """The solver, when it has a model of the facts in which the goal does not hold."""
        self.queries += 1
        solver = bit_blasting()
        limit(solver, steps)
        solver.add(*facts)
        solver.add(z3.Not(goal))
        self.answer = z3.unknown
        try:
            self.answer = solver.check()
        except z3.Z3Exception:
            pass
        return solver if self.answer == z3.sat else None

    def check(self, facts, goal, steps):
        self.solver(facts, goal, steps)
        return self.answer

    def facts(self, case, conditions, goal, far):
        groups, _, text, extra = goal
        if id(goal[1]) in case.until:
            known, branches = case.until[id(goal[1])]
            return case.facts[:known] + conditions[:branches] + conditions[len(case.path.branches):]
        found = case.facts + conditions + list(extra)
        for group in groups:
            if (group, far) not in self.around:
                self.around[group, far] = self.proof.facts_for(group, far)
            found = found + self.around[group, far]
        return found + case.required

    def breaks(self, case, conditions, goal, steps):
        """sat: there is a state, with arguments, that all facts allow and that breaks the goal."""
        return self.check(self.facts(case, conditions, goal, True), goal[1], steps)

    def may_break(self, case, conditions, goal):
        """Not if few facts show that it holds, which is quick."""
        return self.check(self.facts(case, conditions, goal, False), goal[1], QUICK_STEPS) != z3.unsat

    def by_hint(self, mutation, hint):
        decisions, text = hint
        if text == EMPTY:
            return all(self.check(case.facts + conditions + case.required, z3.BoolVal(False), HINT_STEPS) == z3.unsat
                       for _, case, conditions in self.variants(mutation))
        try:
            for _, case, conditions in self.variants(mutation, decisions):
                for goal in case.goals:
                    if goal[2] == text:
                        return self.breaks(case, conditions, goal, HINT_STEPS) == z3.sat
        except (Failed, Unknown):
            return text == REFUSED
        return False

    def search(self, mutation):
        """(decisions, goal) that rejects it, or what was found instead, a text. A goal that the mistake does not
        touch still holds; the cheap ones first."""
        why, impossible, open_ = 'no path that succeeds has it', set(), None
        try:
            for steps in SEARCH_STEPS:
                again, open_ = open_, set()
                for decisions, case, conditions in self.variants(mutation):
                    if decisions in impossible:
                        continue
                    if case is not self.cases[decisions] and self.check(
                            case.facts + conditions + case.required, z3.BoolVal(False), QUICK_STEPS) == z3.unsat:
                        impossible.add(decisions)
                        continue
                    why = 'no goal breaks'
                    known, plain = {}, self.cases[decisions]
                    if case is not plain and same(conditions, plain.conditions()) and same(case.facts, plain.facts):
                        known = {g[2]: g[1] for g in plain.goals}
                    for goal in sorted(case.goals, key=lambda g: len(g[0])):
                        if goal[2] in known and known[goal[2]].eq(goal[1]):
                            continue
                        if again is not None and (decisions, goal[2]) not in again:
                            continue
                        if again is None and not self.may_break(case, conditions, goal):
                            continue
                        answer = self.breaks(case, conditions, goal, steps)
                        if answer == z3.sat:
                            return decisions, goal[2]
                        if answer == z3.unknown:
                            open_.add((decisions, goal[2]))
                if not open_:
                    break
                why = 'not decided'
        except (Failed, Unknown):  # an access or a return that is none
            return next(iter(self.cases)), REFUSED
        if len(impossible) == len(self.cases):
            return next(iter(self.cases)), EMPTY
        return why

    def search_checks(self, mutations, log):
        """{mistake: hint} of those that drop or weaken a check. All of a path in one query for each goal: a number
        says which check is missing."""
        found, which = {}, z3.BitVec('missing_check', 16)
        for decisions, case in self.cases.items():
            numbers, conditions = {}, []
            for address, taken, condition, more in case.path.branches:
                ways = [condition]
                for m in mutations:
                    if m not in found and m.address == address and m.kind.endswith(' taken') == taken:
                        number = numbers.setdefault(m, len(numbers))
                        ways.append(which == number if m.kind.startswith('unchecked') else z3.And(which == number, more))
                conditions.append(z3.Or(*ways))
            for goal in sorted(case.goals, key=lambda g: len(g[0])):
                left = [n for m, n in numbers.items() if m not in found]
                if not left:
                    break
                if not self.may_break(case, conditions + [z3.Or(*[which == n for n in left])], goal):
                    continue
                while left:
                    solver = self.solver(self.facts(case, conditions + [z3.Or(*[which == n for n in left])], goal, True),
                                         goal[1], SEARCH_STEPS[-1])
                    if solver is None:
                        break
                    number = solver.model().eval(which, model_completion=True).as_long()
                    mutation = next(m for m, n in numbers.items() if n == number)
                    found[mutation] = decisions, goal[2]
                    left.remove(number)
                    if log:
                        log('%s: %s' % (self.ident(mutation), found[mutation]))
        return found

    def run(self, hints, log=None):
        """({mistake: hint}, [what is not rejected], how many no-bug.txt has)"""
        now, left, listed, harmless = {}, [], 0, read_harmless(self.name)
        work, lines = [], {}
        for mutation in self.mutations():
            ident = self.ident(mutation)
            if ident in hints and self.by_hint(mutation, hints[ident]):
                now[ident] = hints[ident]
                continue
            lines[mutation] = source_line(self.elf, mutation.address)
            if ident not in hints and '%s | %s' % (mutation.kind, lines[mutation]) in harmless:
                listed += 1
            else:
                work.append(mutation)
        checks = [m for m in work if m.kind.startswith(('unchecked', 'one more'))]
        by_number = self.search_checks(checks, log)
        for mutation in work:
            ident = self.ident(mutation)
            if mutation in checks:
                found = by_number.get(mutation, 'no goal breaks')
            else:
                found = self.search(mutation)
            if isinstance(found, tuple):
                now[ident] = found
            else:
                left.append('%s | %s | %s (%s)' % (self.name, mutation.kind, lines[mutation], found))
            if log and (mutation not in checks or not isinstance(found, tuple)):
                log('%s: %s  [%s]' % (ident, found, lines[mutation]))
        return now, left, listed


def run(elf, name, successes, hints):
    """(what failed or None, a remark, hints as they are now)"""
    mutants = Mutants(elf, name, successes)
    now, left, listed = mutants.run(hints)
    failed = '%d mistakes are neither rejected nor in no-bug.txt: %s' % (len(left), '; '.join(left)) if left else None
    return failed, '%d mistakes rejected, %d in no-bug.txt, %d queries' % (len(now), listed, mutants.queries), list(now.items())


def source_line(elf, address):
    """file: the line that the instruction comes from, by the image's debug information."""
    out = subprocess.run(['addr2line', '-e', elf.path, '%#x' % address], capture_output=True, text=True,
                         check=True).stdout.split()[0]
    path, _, number = out.rpartition(':')
    path = os.path.join(HERE, '..', 'core', 'protect', os.path.basename(path))
    if not number.isdigit() or not os.path.exists(path):
        return '?'
    with open(path) as f:
        return '%s: %s' % (os.path.basename(path), f.read().splitlines()[int(number) - 1].strip())


def read_hints():
    """operation: {mistake: (decisions, goal)}"""
    found = {}
    path = os.path.join(HERE, 'hints.txt')
    if os.path.exists(path):
        with open(path) as f:
            for line in f:
                operation, where, kind, decisions, goal = line.rstrip('\n').split('\t')
                found.setdefault(operation, {})['%s %s' % (where, kind)] = (decisions, goal)
    return found


def write_hints(hints):
    with open(os.path.join(HERE, 'hints.txt'), 'w') as f:
        for operation in sorted(hints):
            for ident, (decisions, goal) in sorted(hints[operation].items()):
                f.write('\t'.join([operation, *ident.split(' ', 1), decisions, goal]) + '\n')


def read_harmless(operation):
    """{'kind | source line'} of an operation; in no-bug.txt a reason follows, indented."""
    found = set()
    with open(os.path.join(HERE, 'no-bug.txt')) as f:
        for line in f:
            if line.strip() and not line.startswith(('#', ' ', '\t')):
                its, _, what = line.strip().partition(' | ')
                if its in (operation, '*'):
                    found.add(what)
    return found
