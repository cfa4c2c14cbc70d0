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
the proof may assume and break a goal (finder.py). What no goal rejects has to be in no-bug.txt with its reason.
"""
import functools
import os
import subprocess
from collections import namedtuple

import z3

from boot import OPERATIONS as BOOT, BootProof
from confine import BlockPath, ConfineProof
from elements import Elements
from explore import Explorer, Failed, Path
from finder import Finder
from lift import Processor, Unknown
from prove import Proof
from state import ARRAYS, GROUPS

HERE = os.path.dirname(os.path.abspath(__file__))
# (only small states, the solver's steps): what no-bug.txt has is searched by the first alone, on one path.
TRIES = ((True, 1000000), (True, 10000000), (False, 10000000), (False, 100000000), (False, 1000000000))
LONG = 100000000  # before a try of so many those go with which no path succeeds: nothing can be found there
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

    def conditions(self):
        return [condition for _, _, condition, _ in self.path.branches]


def same(formulas, others):
    return len(formulas) == len(others) and all(a.eq(b) for a, b in zip(formulas, others))


def subset(formulas, others):
    return {f.get_id() for f in formulas} <= {f.get_id() for f in others}


class Mutants:
    def __init__(self, elf, name, successes):
        self.elf, self.name = elf, name
        if name == 'vmcb_confine':
            self.proof = ConfineProof(elf, explorer=BlockTracer)
        else:
            self.proof = (BootProof if name in BOOT else Proof)(elf, name, explorer=Tracer)
        self.definition = self.proof.definition()
        self.elements = Elements()
        # Where forbidden ranges are told from frames there are no few frames: the core's own tables lie above them.
        self.large = ('live_frames',) if name in BOOT else ()
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
    def run(self, log=None):
        """({mistake: (decisions, goal)}, [what is not rejected], how many no-bug.txt has)"""
        found, left, listed, harmless = {}, self.mutations(), 0, read_harmless(self.name)
        lines = {m: '%s | %s' % (m.kind, source_line(self.elf, m.address)) for m in left}
        for small, steps in TRIES:
            if steps == LONG:
                found.update((m, (next(iter(self.cases)), EMPTY)) for m in left if self.stops(m))
                left = [m for m in left if m not in found]
            for decisions, case in self.cases.items():
                if not left:
                    break
                search = Search(self, case)
                for mutation in left:
                    why = search.rejects(mutation, small, steps)
                    if why:
                        found[mutation] = decisions, why
                        if log:
                            log('%s: %s %s' % (self.ident(mutation), decisions, why))
                self.queries += search.queries
                left = [m for m in left if m not in found]
                listed += len([m for m in left if lines[m] in harmless])
                left = [m for m in left if lines[m] not in harmless]
            if log:
                log('%d left after tries of %d steps' % (len(left), steps))
        return ({self.ident(m): its for m, its in sorted(found.items())},
                ['%s | %s' % (self.name, lines[m]) for m in left], listed)

    def stops(self, mutation):
        """With it no path succeeds."""
        for decisions in self.cases:
            search = Search(self, self.cases[decisions])
            try:
                wrong = search.with_mistake(mutation)
            except Diverged:
                continue
            if wrong is None:
                return False
            finder = Finder(self.elements, search.facts(wrong, ((), ())))
            if finder.ask(wrong.conditions(), [z3.BoolVal(False)], LONG, False)[0] != z3.unsat:
                return False
        return True


class Search:
    """Mistakes on one path that succeeds. Solvers live as long as it does.

    Of small states those are asked that satisfy also what is known without the mistake: then all mistakes of the path
    share their solvers.  What is found is broken all the same; what is not, is searched without that."""

    def __init__(self, mutants, plain):
        self.mutants, self.plain, self.queries, self.finders = mutants, plain, 0, {}
        self.known = {g[2]: g[1] for g in plain.goals}

    def with_mistake(self, mutation):
        """The path with it; None where the mistake is not on it."""
        if mutation.address not in self.plain.path.seen:
            return None
        script = [(b[0], b[1]) for b in self.plain.path.branches]
        return Case(self.mutants.proof, self.mutants.proof.explorer.trace(
            self.mutants.name, self.mutants.definition, script, mutation))

    def rejects(self, mutation, small, steps):
        """The name of a goal that breaks, or None."""
        path, plain = self.plain.path, self.plain
        if mutation.kind.startswith(('unchecked', 'one more')):
            way = mutation.kind.endswith(' taken')
            at = [n for n, b in enumerate(path.branches) if b[0] == mutation.address and b[1] == way]
            if not at:
                return None
            conditions = plain.conditions()
            for n in at:
                conditions[n] = path.branches[n][3] if mutation.kind.startswith('one more') else z3.BoolVal(True)
            goals = [g for g in plain.goals if id(g[1]) not in plain.until or plain.until[id(g[1])][1] > at[0]]
            return self.ask(plain, goals, small, steps, conditions)
        try:
            wrong = self.with_mistake(mutation)
            if wrong is None:
                return None
            goals = wrong.goals
            if subset(plain.conditions(), wrong.conditions()) and subset(plain.facts, wrong.facts):
                goals = [g for g in goals if g[2] not in self.known or not self.known[g[2]].eq(g[1])]
            if small or all(same(x, y) for x, y in ((wrong.facts, plain.facts), (wrong.required, plain.required))):
                return self.ask(wrong, goals, small, steps, wrong.conditions())
            alone = Search(self.mutants, wrong)
            try:
                return alone.ask(wrong, goals, small, steps, wrong.conditions())
            finally:
                self.queries += alone.queries
        except Diverged:
            return None
        except (Failed, Unknown):  # an access or a return that is none
            return REFUSED

    def facts(self, case, about):
        if about[0] == 'until':
            return case.facts[:about[1]]
        groups, extra = about
        return case.facts + case.required + [f for g in groups for f in self.mutants.proof.facts_for(g, True)] + list(extra)

    def ask(self, case, goals, small, steps, conditions):
        kinds = {}
        for goal in goals:
            groups, formula, _, extra = goal
            about = ('until', *case.until[id(formula)]) if id(formula) in case.until else (tuple(groups), tuple(extra))
            kinds.setdefault(about, []).append(goal)
        for about, its in sorted(kinds.items(), key=lambda k: (k[0][0] != 'until', len(k[0][0]))):
            if about not in self.finders:
                self.finders[about] = Finder(self.mutants.elements, self.facts(self.plain, about), self.mutants.large)
            finder = self.finders[about]
            given = conditions[:about[2]] if about[0] == 'until' else conditions
            if case is not self.plain:
                base = {f.get_id() for f in self.facts(self.plain, about)}
                given = given + [f for f in self.facts(case, about) if f.get_id() not in base]
            self.queries += 1
            _, broken = finder.ask(given, [g[1] for g in its], steps, small)
            for goal in its:
                if goal[1] is broken:
                    return goal[2]
        return None


def run(elf, name, successes, log=None):
    """(what failed or None, a remark, what rejects each)"""
    mutants = Mutants(elf, name, successes)
    found, left, listed = mutants.run(log)
    failed = '%d mistakes are neither rejected nor in no-bug.txt: %s' % (len(left), '; '.join(left)) if left else None
    return failed, '%d mistakes rejected, %d in no-bug.txt, %d queries' % (len(found), listed, mutants.queries), list(found.items())


@functools.cache
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


def read_harmless(operation):
    """{'kind | source line'} of an operation; no-bug.txt names one or more, and a reason follows, indented."""
    found = set()
    with open(os.path.join(HERE, 'no-bug.txt')) as f:
        for line in f:
            if line.strip() and not line.startswith(('#', ' ', '\t')):
                its, _, what = line.strip().partition(' | ')
                if its == '*' or operation in its.split(', '):
                    found.add(what)
    return found
