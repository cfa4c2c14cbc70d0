# SPDX-License-Identifier: GPL-2.0-or-later
"""Proves one operation: memory safety and bounds on the way, then at each `ret` the invariant and theorems."""
import time

import z3

import ghost
import invariant
from explore import Budget, Explorer, Failed
from lift import Unknown, const
from state import GROUPS, in_range
from theorems import CUTS, OPERATIONS, everywhere


class Proof:
    def __init__(self, elf, name, log=None, explorer=Explorer, operations=OPERATIONS):
        self.name, self.log = name, log
        self.nargs, self.theorem, self.may_write, self.has_error = operations[name]
        self.budget = Budget()
        self.explorer = explorer(elf, self.budget)
        self.fresh = {g: z3.BitVec('any_' + g, bits) for g, (bits, _) in GROUPS.items()}
        self.goals = 0
        self.successes = []  # the decisions of each path that succeeds

    def definition(self):
        """Facts from the start."""
        if self.name == 'map_mmio':
            return [invariant.forbidden_definition(self.explorer.before, z3.BitVec('in_rdx', 64))]
        return []

    def run(self):
        """None when proved, else what failed. A path that succeeds has to have a model: a state that keeps the
        invariant at all that it touches, and arguments."""
        try:
            paths = self.explorer.run(self.name, self.definition())
            self.paths = len(paths)
            for path in paths:
                if self.prove_path(path):
                    self.successes.append(path.decisions)
                    if self.budget.check(self.explorer.base_facts + path.facts) != z3.sat:
                        return 'no state was found that lets it succeed on path %s' % path.decisions
            if not self.successes:
                return 'no path succeeds: the theorem would be empty'
        except (Failed, Unknown) as e:
            return str(e)
        return None

    def facts_for(self, group, far):
        """The invariant at the fresh index of a group and, far, where the clauses about it look."""
        before, j = self.explorer.before, self.fresh[group]
        facts = [in_range(before, group, j)] + self.explorer.instance(group, j)
        if far:
            for g, i in invariant.related(before, group, j):
                facts += self.explorer.instance(g, z3.simplify(self.index(g, i)))
        return facts

    def speaks_of(self, goal):
        """The groups whose fresh index occurs in the goal."""
        seen, found, work = set(), set(), [goal]
        names = {v.get_id(): g for g, v in self.fresh.items()}
        while work:
            e = work.pop()
            if e.get_id() in seen:
                continue
            seen.add(e.get_id())
            if e.get_id() in names:
                found.add(names[e.get_id()])
            work += e.children()
        return sorted(found)

    @staticmethod
    def index(group, i):
        bits = GROUPS[group][0]
        return z3.Extract(bits - 1, 0, i) if i.size() > bits else i

    def succeeds(self, path):
        """Whether it returns success; what a path that does not has to keep is seen here."""
        said = z3.simplify(z3.Extract(31, 0, path.processor.regs['rax']))
        result = const(said)
        if not path.written <= self.may_write:
            raise Failed('writes %s' % ', '.join(sorted(path.written - self.may_write)))
        if self.has_error and result is None:  # computed without a branch: what the path knows decides
            if self.explorer.proves(path.facts, said == 0):
                return True
            if not self.explorer.proves(path.facts, said != 0):
                raise Failed('the result is no constant')
            if path.written:
                raise Failed('writes before an error')
            return False
        if self.has_error and result != 0:
            if path.written:
                raise Failed('writes before the error %d' % (result - (1 << 32)))
            return False
        return True

    def at_return(self, path):
        """(groups, goal, name, extra facts) of all that holds where a path succeeds."""
        before, after = self.explorer.before, path.state
        if path.written:
            for goal in CUTS.get(self.name, lambda *_: [])(before, after, self.explorer.args):
                yield [], goal, 'a step on the way', ()
            for group, clauses in invariant.CLAUSES.items():
                for number, ((clause, old), (_, new)) in enumerate(zip(clauses(before, self.fresh[group]),
                                                                       clauses(after, self.fresh[group]))):
                    if not new.eq(old):
                        yield [group], new, 'invariant %s of any %s (%d)' % (clause, group, number), ()
            for clause, new in invariant.scalars(after):
                yield [], new, 'invariant ' + clause, ()
        for text, goal in self.theorem(before, after, self.explorer.args[:self.nargs], self.fresh) + \
                everywhere(before, after, self.fresh):
            yield self.speaks_of(goal), goal, text, ()
        for g in ghost.GHOSTS:
            if path.written:
                yield self.of_ghost(g, ghost.kept(g, self.name, before, after, self.explorer.args, self.fresh),
                                    'TLB: %s is covered' % g.name)
        if self.name in ghost.RELIES and path.written:
            g = ghost.GHOSTS[ghost.RELIES[self.name]]
            yield self.of_ghost(g, ghost.nobody_holds(self.name, before, self.explorer.args, self.fresh),
                                'TLB: nobody holds ' + g.name)

    def of_ghost(self, g, goal, text):
        """One CPU, one thing, and the handle that a builder's translation is about."""
        return ['cpu', g.group], goal, text, self.explorer.instance('dom', z3.Extract(9, 0, ghost.any_handle))

    def prove_path(self, path):
        if not self.succeeds(path):
            return False
        for groups, goal, text, extra in self.at_return(path):
            self.prove(path, groups, goal, text, extra)
            if text == 'a step on the way':
                path.facts.append(goal)
        return True

    def prove(self, path, groups, goal, text, extra=()):
        """First with few facts: most goals need no more, and dropping facts is sound for unsat. Then the
        cases: the fresh index is one that was written, or none of them."""
        self.goals += 1
        goal = z3.simplify(goal)
        if z3.is_true(goal):
            return
        start = time.process_time()
        facts = self.explorer.base_facts + path.facts + list(extra)
        for group in groups:
            facts = facts + self.facts_for(group, False)
        answer = self.budget.check(facts, goal, quick=True)
        if answer != z3.unsat:
            for group in groups:
                facts = facts + self.facts_for(group, True)
            answer = z3.unsat
            for case in self.cases(path, groups):
                answer = self.prove_case(path, facts, goal, case)
                if answer != z3.unsat:
                    break
        took = time.process_time() - start
        if self.log and took > 5:
            self.log('    %s: %s, %.1f s' % (text, answer, took))
        if answer != z3.unsat:
            raise Failed('%s: %s' % (text, 'not proved in time' if answer == z3.unknown else 'does not hold'))

    def cases(self, path, groups):
        """[{group: written index or None for all others}], every combination for at most two groups."""
        cases = [{}]
        for group in groups[:2]:
            written = path.state.written_indices(group)
            cases = [dict(c, **{group: w}) for c in cases for w in written + [None]]
        return cases

    def prove_case(self, path, facts, goal, case):
        replaced, extra = [], []
        for group, w in case.items():
            j = self.fresh[group]
            if w is None:
                extra += [j != i for i in path.state.written_indices(group)]
            else:
                replaced.append((j, w))
        if replaced:
            goal = z3.simplify(z3.substitute(goal, *replaced))
            if z3.is_true(goal):
                return z3.unsat
            facts = [z3.substitute(f, *replaced) for f in facts]
        facts = facts + extra
        # An index that the clause computes from what was written is often one that was written: said as a
        # fact of its own, once proved, it spares the solver the arithmetic inside an index.
        for group, w in case.items():
            for g, term in invariant.related(path.state, group, self.fresh[group] if w is None else w):
                term = self.index(g, term)
                for i in path.state.written_indices(g):
                    equal = z3.simplify(term == i)
                    if not z3.is_true(equal) and not z3.is_false(equal) and \
                            self.budget.check(facts, equal, quick=True) == z3.unsat:
                        facts = facts + [equal]
        return self.budget.check(facts, goal)
