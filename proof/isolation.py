# SPDX-License-Identifier: GPL-2.0-or-later
"""Pairs kept apart: of each operation, on its machine code, integrity and confidentiality.

What a domain *has* is what its view holds: the frames that it owns, its tables and their entries, the slots
through which it maps, and its own fields; not the lists that join the mappings of a frame, nor the stamps.
A pair's view is that of both its panels.

Integrity: an operation leaves the view of every live domain that it does not name (NAMED) as it was.
Confidentiality: take two states that agree on a pair's view, and otherwise differ at will.  An operation that
names this pair alone gives the same result in both, and leaves views that agree, if those facts about others
that it may tell agree too: its CHANNELS, each with its name.  And it must be called with what is the pair's
own (OWN): where the caller finds those numbers, by walks of the pair's own tables, is not proved here.

With integrity that makes every sequence of operations keep two pairs apart but for the channels.

isolation.py ELF --cache FOLDER [NAME...] proves it, two operations at a time, and ends with "N passed, N failed".
"""
import concurrent.futures
import hashlib
import json
import os
import sys
import time

import z3
from z3 import And, Or, Not, If, Implies, UGT, LShR

import invariant as inv
from elements import ElementProof
from explore import Failed
from finder import Finder
from elf import Elf
from invariant import wide, dom_of, handle_of, is_live
from lift import Unknown
from main import instructions
from state import CONSTANT, GROUPS, SCALARS, State, in_range, narrow
from theorems import OPERATIONS

# (rounds of facts as in elements.py, the solver's own steps: about 10 million a second on an idle core)
FEW = ((1, 20000000), (2, 40000000))
STEPS = 2400000000
ALL = FEW + ((None, STEPS),)

VIEW = {
    'frame': ['frame_state', 'frame_owner'],
    'table': ['table_state', 'table_level', 'table_cursor', 'table_owner', 'table_parent', 'table_base'],
    'entry': ['npt', 'leaf_role', 'leaf_perm', 'leaf_slot'],
    'slot': ['slot_role', 'slot_perm', 'slot_mapper', 'slot_owner', 'slot_mfn', 'slot_entry'],
    'dom': ['dom_state', 'dom_flags', 'dom_sealed', 'dom_incarnation', 'dom_builder', 'dom_partner', 'dom_target',
            'dom_root', 'dom_tables', 'dom_table_quota', 'dom_slots', 'dom_slot_quota'],
}


def has(S, handles, group, i):
    """Thing i of the group belongs to one of these handles."""
    i = wide(i)

    def its(handle):
        return Or(*[wide(handle) == wide(h) for h in handles])
    if group == 'frame':
        there = And(S.at('frame_state', i) == inv.OWNED, its(S.at('frame_owner', i)))
    elif group == 'table':
        there = And(S.at('table_state', i) != inv.T_FREE, its(S.at('table_owner', i)))
    elif group == 'entry':
        there = has(S, handles, 'table', LShR(i, 9))
    elif group == 'slot':
        there = And(S.at('slot_role', i) != inv.R_NONE, its(S.at('slot_mapper', i)))
    else:
        there = And(S.at('dom_state', i) != inv.D_DEAD, its(handle_of(S, i)))
    return And(in_range(S, group, i), there)


# Whose an entry is.
ENTRY_HANGS_ON = {'table_state', 'table_owner'}


def agreements(S, T, handles, group, i):
    """That the views of these handles in S and T agree about thing i, in parts."""
    there = has(S, handles, group, i)
    return [there == has(T, handles, group, i)] + [Implies(there, S.at(n, i) == T.at(n, i)) for n in VIEW[group]]


def own_table(S, a):
    return S.u('table_owner', a[0])


def dom_named(n):
    return lambda S, a: handle_of(S, a[n])


# operation: the domains that it names, as handles. The others name nobody.
NAMED = {
    'unmap': [own_table], 'table_free': [own_table], 'table_unlink': [own_table], 'table_clear': [own_table],
    'table_link': [own_table, lambda S, a: S.u('table_owner', a[1])],
    'map_own': [own_table], 'map_partner': [own_table], 'map_slot': [own_table], 'map_mmio': [own_table],
    'leaf_write_protect': [own_table], 'leaf_write_allow': [own_table],
    'table_alloc': [dom_named(1)], 'frame_give': [dom_named(1)], 'frame_condemn': [dom_named(1)],
    'slot_take': [dom_named(1)], 'slot_drop': [lambda S, a: S.u('slot_mapper', a[0])],
    'domain_kill': [dom_named(0)], 'domain_seal_begin': [dom_named(0)], 'domain_seal_end': [dom_named(0)],
    'domain_pair': [dom_named(0), dom_named(1)],
    'frame_release': [], 'frame_scrub': [], 'domain_create': [], 'domain_reap': [],
    'flush_begin': [], 'flush_end': [],
}


# Longest first, so that two at a time end together.
LONG = ['map_slot', 'slot_drop', 'unmap', 'map_partner', 'map_mmio', 'map_own']
ALL_OPERATIONS = LONG + [n for n in OPERATIONS if n not in LONG]


def worn_out(S, a):
    """4 billion mappings of the frame since it was last mapped nowhere; told of what is owned only."""
    return [And(S.at('frame_state', a[2]) == inv.OWNED, S.at('leaf_age', S.u('frame_head', a[2])) == (1 << 32) - 1)]


def flushed(stamp):
    return lambda S, a: [UGT(S.scalar('epoch_min'), S.at(stamp, a[0]))]


def slot_let(S, a):
    """Slot a[4], role a[3] of a[2]: what the owner tells its builder, or whom it granted a frame."""
    builder = And(S.at('dom_builder', a[2]) == z3.Extract(31, 0, handle_of(S, a[1])),
                  S.at('dom_sealed', a[2]) == inv.UNSEALED)
    granter = And(S.at('frame_state', a[4]) == inv.OWNED, wide(S.at('frame_owner', a[4])) == handle_of(S, a[2]))
    return [S.at('dom_state', a[2]) == inv.D_LIVE, S.at('dom_incarnation', a[2]),
            If(a[3] == inv.R_BUILDER, builder, granter),
            And(a[3] == inv.R_BUILDER, S.at('slot_age', S.u('dom_slot_head', a[2])) == (1 << 32) - 1)]


def map_let(S, a):
    """Frame a[2], slot a[4]: whether its owner still lives, owns the frame, and is not sealed."""
    owner = S.at('slot_owner', a[4])
    return [And(S.at('frame_state', a[2]) == inv.OWNED, S.at('frame_owner', a[2]) == owner), is_live(S, owner),
            S.at('dom_sealed', dom_of(owner)) == inv.UNSEALED]


AGE = ('how often a frame was mapped, beyond 2^32', worn_out)
# operation: [(name, terms)]: what it may tell of others than the pair that it names.
CHANNELS = {
    'table_alloc': [('the pool of tables', lambda S, a: [S.at('table_state', a[0]) == inv.T_FREE])],
    'frame_give': [('the pool of frames', lambda S, a: [S.at('frame_state', a[0]) == inv.FREE])],
    'slot_take': [('the pool of slots', lambda S, a: [S.at('slot_role', a[0]) == inv.R_NONE]),
                  ('what the owner grants, or lets its builder do', slot_let)],
    'map_slot': [('what the owner grants, or lets its builder do', map_let), AGE],
    'map_own': [AGE], 'map_partner': [AGE],
    'map_mmio': [('the machine\'s memory map', lambda S, a: [S.at('frame_state', a[2]) == inv.NOT_RAM])],
    'slot_drop': [('all CPUs\' flushes', flushed('slot_stamp'))],
    'table_free': [('all CPUs\' flushes', flushed('table_stamp'))],
    'domain_seal_end': [('all CPUs\' flushes', flushed('dom_stamp')),
                        ('what the builder still holds', lambda S, a: [S.at('dom_slot_head', a[0]) == 0])],
}


def own_frame(n):
    """Frame a[n] is the pair's, or nobody's."""
    return lambda S, handles, a: [Or(Not(in_range(S, 'frame', a[n])), S.at('frame_state', a[n]) != inv.OWNED,
                                     has(S, handles, 'frame', a[n]))]


def own_slot(n):
    """Slot a[n] is the pair's, so not 0, and maps nothing: the core has just taken it."""
    return lambda S, handles, a: [a[n] != 0, in_range(S, 'slot', a[n]), has(S, handles, 'slot', a[n]),
                                  S.at('slot_entry', a[n]) == 0]


# operation: [(what the caller must have made sure of, facts)]
OWN = {
    'frame_condemn': [('the frame is the pair\'s, or nobody\'s', own_frame(0))],
    'map_partner': [('the frame is the pair\'s, or nobody\'s', own_frame(2))],
    'map_slot': [('the slot is the pair\'s, and new', own_slot(4))],
}


PAIRS = [(a, z3.Const(n + '@', a.sort())) for n, a in State().arrays.items() if n not in CONSTANT] + [
    (z3.BitVec(s, 64), z3.BitVec(s + '@', 64)) for s in SCALARS if s not in CONSTANT]
renamed = {}  # id of a formula: (it, the other)


def other(formula_or_state):
    """The same of the second state: every array and scalar renamed, but for what is fixed after boot."""
    if not isinstance(formula_or_state, State):
        its = formula_or_state.get_id()
        if its not in renamed:
            renamed[its] = formula_or_state, z3.substitute(formula_or_state, *PAIRS)
        return renamed[its][1]
    S, T = formula_or_state, State()
    T.arrays = {n: z3.substitute(a, *PAIRS) for n, a in S.arrays.items()}
    T.scalars = {n: z3.substitute(s, *PAIRS) for n, s in S.scalars.items()}
    T.writes = {n: tuple((z3.substitute(i, *PAIRS), z3.substitute(x, *PAIRS)) for i, x in w)
                for n, w in S.writes.items()}
    return T


class Isolation(ElementProof):
    """Of one operation: explored as for its own theorem, but with these goals at each `ret`."""

    def __init__(self, elf, name):
        super().__init__(elf, name)
        self.handles = [z3.BitVec('one_panel', 32), z3.BitVec('other_panel', 32)]
        self.determined = {}

    def run(self):
        try:
            self.explored = self.explorer.run(self.name)
            self.paths = len(self.explored)
            for path in self.explored:
                if path.written:
                    self.integrity(path)
            if NAMED[self.name]:
                self.confidentiality()
        except (Failed, Unknown) as e:
            return str(e)
        return None

    @staticmethod
    def live(S, handles):
        return [is_live(S, h) for h in handles]

    @staticmethod
    def domains(S, handles):
        """The invariant of these domains."""
        return [f for h in handles for _, f in inv.CLAUSES['dom'](S, z3.Extract(9, 0, h))]

    @staticmethod
    def changed(path):
        """(group, index) of every thing of which a path writes what a view holds."""
        found = {}
        for group, arrays in VIEW.items():
            for name in arrays:
                for i, _ in path.state.writes[name]:
                    found[group, i.get_id()] = (group, i)
        return list(found.values())

    def integrity(self, path):
        """What is written is not, and does not become, that of a live domain which is not named.  So what it has
        stays as it was: the rest was not written, and an entry is had by who has its table."""
        B, A, a = self.explorer.before, path.state, self.explorer.args
        who = self.handles[:1]
        facts = path.conditions + self.live(B, who)
        facts.append(And(*[wide(h(B, a)) != wide(who[0]) for h in NAMED[self.name]]))
        for group, i in self.changed(path):
            goal = Not(Or(has(B, who, group, i), has(A, who, group, i)))
            self.goals += 1
            if not self.settle(facts, goal, FEW) and not self.settle(
                    facts + self.explorer.base_facts + path.facts + self.domains(B, who), goal, ALL):
                raise Failed('integrity: a %s of a domain that is not named may change' % group)

    def confidentiality(self):
        """Two runs, S and T, on each pair of paths that they can take together."""
        S, a = self.explorer.before, self.explorer.args
        T = self.other_before = other(S)
        self.common = self.live(S, self.handles) + self.live(T, self.handles)
        self.more = self.domains(S, self.handles) + self.domains(T, self.handles)
        self.more += self.explorer.base_facts + [other(f) for f in self.explorer.base_facts]
        for h in NAMED[self.name]:
            self.common += [Or(*[wide(h(X, a)) == wide(p) for p in self.handles]) for X in (S, T)]
        for _, terms in CHANNELS.get(self.name, []):
            self.common += [x == y for x, y in zip(terms(S, a), terms(T, a))]
        for _, terms in OWN.get(self.name, []):
            self.common += terms(S, self.handles, a) + terms(T, self.handles, a)
        for n, p in enumerate(self.explored):
            finder = None  # one for all that p is compared with: what they share becomes bits once
            for q in self.explored[n:]:  # S and T can change places
                if not self.alike(p, q) and (p is q or not self.told_apart(p, q)):
                    finder = finder or Finder(self.elements, self.common + self.more + p.conditions + p.facts)
                    self.same(p, q, finder)
        if not any(p.written and self.possible(p) for p in self.explored):
            raise Failed('confidentiality: no two runs succeed: the theorem would be empty')

    def result(self, path):
        return z3.simplify(z3.Extract(31, 0, path.processor.regs['rax'])) if OPERATIONS[self.name][3] else None

    def alike(self, p, q):
        """The same error, and nothing written."""
        return not p.written and not q.written and (self.result(p) is None or self.result(p).eq(self.result(q)))

    def possible(self, p):
        """Two runs may both take this path, with views that agree."""
        facts = self.common + self.more + p.conditions + [other(c) for c in p.conditions] + self.agreed(p, p)
        parts = [x for f in facts for x in self.elements.parts(f)]
        return self.check(parts, z3.BoolVal(False), ALL[-1][1]) == z3.sat

    def told_apart(self, p, q):
        """Where the two paths part, the condition is the same in both runs: they cannot take both."""
        n = 0
        while p.conditions[n].eq(q.conditions[n]):
            n += 1
        prefix, condition = p.conditions[:n], p.conditions[n]
        key = tuple(c.get_id() for c in prefix), min(condition.get_id(), q.conditions[n].get_id())
        if key not in self.determined:
            facts = self.common + prefix + [other(c) for c in prefix] + self.agreed(p, q)
            self.determined[key] = self.settle(facts, condition == other(condition), FEW)
        return self.determined[key]

    def agreed(self, p, q):
        """The views agree at all that either path looked at, and at the fresh indices."""
        points = [(g, i) for (g, _), i in p.touched.items()] + [(g, other(i)) for (g, _), i in q.touched.items()]
        points += [(g, self.fresh[g]) for g in VIEW]
        points += [('table', LShR(wide(i), 9)) for g, i in points if g == 'entry']
        found = {}
        for group, index in points:
            index = narrow(wide(index), GROUPS[group][0])
            if group in VIEW and (group, index.get_id()) not in found:
                found[group, index.get_id()] = (index, And(*agreements(
                    self.explorer.before, self.other_before, self.handles, group, index)))
        return [f for _, f in found.values()]

    def same(self, p, q, finder):
        """The results are the same, and the views afterwards: they agreed before, so only of what either run
        wrote is there something to show, and of the entries of a table that only now is had."""
        goals = []
        if self.result(p) is not None:
            goals.append(('the result', self.result(p) == other(self.result(q))))
        A, C = p.state, other(q.state)
        things = {(g, i.get_id()): (g, i) for g, i in
                  self.changed(p) + [(g, other(i)) for g, i in self.changed(q)]}
        near = []
        if ENTRY_HANGS_ON & (p.written | q.written):
            e = self.fresh['entry']
            things['entry', e.get_id()] = ('entry', e)
            near = self.facts_for('entry', False) + self.explorer.instance(
                'table', narrow(LShR(wide(e), 9), GROUPS['table'][0]))
        for g, i in things.values():
            goals += [('what the pair has of any ' + g, goal) for goal in agreements(A, C, self.handles, g, i)]
        facts = self.agreed(p, q) + near + [other(f) for f in q.conditions + q.facts + near]
        goals = [(text, z3.simplify(goal)) for text, goal in goals]
        self.goals += len(goals)
        self.budget.queries += 1
        answer, broken = finder.ask(facts, [goal for _, goal in goals], STEPS, False)
        if answer != z3.unsat:
            text = next((text for text, goal in goals if goal is broken), 'what it does (not decided in time)')
            raise Failed('confidentiality: %s may depend on what others have' % text)

    def check(self, facts, goal, steps):
        self.budget.queries += 1
        formulas = facts + [Not(goal)]
        solver = z3.Then('simplify', 'propagate-values', 'solve-eqs', 'elim-uncnstr', 'simplify', 'qfbv').solver()
        solver.set('rlimit', steps)
        solver.add(*formulas, *self.elements.congruences(formulas))
        try:
            return solver.check()
        except z3.Z3Exception:
            return z3.unknown

    def settle(self, facts, goal, tries):
        """True: the facts imply the goal."""
        goal = z3.simplify(goal)
        if z3.is_true(goal):
            return True
        parts = [p for f in facts for p in self.elements.parts(f)]
        goal = self.elements.rewrite(goal)
        return any(self.check(self.elements.relevant(parts, goal, rounds), goal, steps) == z3.unsat
                   for rounds, steps in tries)


def prove(path, name):
    """(what failed or None, a remark, CPU seconds): runs in a process of its own."""
    start = time.process_time()
    try:
        proof = Isolation(Elf(path), name)
        failed = proof.run()
        remark = '%d paths, %d goals, %d queries' % (getattr(proof, 'paths', 0), proof.goals, proof.budget.queries)
    except Exception as e:  # whatever it is, the theorem is not proved
        failed, remark = '%s: %s' % (type(e).__name__, e), ''
    return failed, remark, time.process_time() - start


def key_of(elf, name):
    h = hashlib.sha256(z3.get_full_version().encode())
    here = os.path.dirname(os.path.abspath(__file__))
    for module in ('elf', 'elements', 'explore', 'finder', 'invariant', 'isolation', 'lift', 'prove', 'state', 'theorems'):
        with open(os.path.join(here, module + '.py'), 'rb') as f:
            h.update(f.read())
    h.update((name + instructions(elf, name)).encode())
    return 'isolation-' + h.hexdigest()[:32]


def main(path, flag, cache, *names):
    assert flag == '--cache'
    elf, counts, work = Elf(path), [0, 0], {}
    os.makedirs(cache, exist_ok=True)

    def report(name, failed, remark, cpu, known=''):
        counts[bool(failed)] += 1
        print('[%s] %d of %d: %s %-48s %6.1f s  %s%s' % (
            time.strftime('%H:%M:%S'), sum(counts), len(names or ALL_OPERATIONS), 'FAILED' if failed else 'passed',
            'pairs apart: ' + name, cpu, failed or remark, known), flush=True)

    with concurrent.futures.ProcessPoolExecutor(int(os.environ.get('PROOF_JOBS', 2))) as pool:
        for name in names or ALL_OPERATIONS:
            file = os.path.join(cache, key_of(elf, name))
            if os.path.exists(file):
                with open(file) as f:
                    report(name, None, *json.load(f), ' (known)')
            else:
                work[pool.submit(prove, path, name)] = name, file
        for done in concurrent.futures.as_completed(work):
            name, file = work[done]
            failed, remark, cpu = done.result()
            if not failed:
                with open(file + '.part', 'w') as f:
                    json.dump([remark, cpu], f)
                os.replace(file + '.part', file)
            report(name, failed, remark, cpu)
    print('%d passed, %d failed' % tuple(counts))
    return counts[1] != 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
