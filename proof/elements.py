# SPDX-License-Identifier: GPL-2.0-or-later
"""Goals without arrays, for operations whose proof by explore.py's solvers does not end in every run.

An element of an array of the state becomes a variable of its own, and so does what a predicate says of an
index; a query adds, for two of one array that occur in it, that they are equal when their indices are.  That is
all that the theory of arrays says of reads, and fewer facts never prove more: a goal is first tried with those
facts only that share a variable with it, then with those that share one with them, and at last with all.
"""
import z3

from explore import Failed, limit
from lift import Unknown
from prove import Proof

# Shared by nearly all facts: what they say of each other helps no goal.
COMMON = ('live_frames', 'live_tables', 'live_slots', 'live_cpus', 'epoch_now', 'epoch_min', 'boot_phase')
# (rounds of facts, the solver's steps): the last has all facts, and the limit that explore.py has for a goal.
TRIES = ((1, 20000000), (2, 40000000), (None, 2400000000))


def read_of(e):
    """(what is read, index) if e reads an array or asks a predicate, else None."""
    if z3.is_select(e):
        if not z3.is_const(e.arg(0)) or e.arg(0).decl().kind() != z3.Z3_OP_UNINTERPRETED:
            raise Unknown('a read of an array that was written')
        return e.arg(0).decl().name(), e.arg(1)
    if z3.is_app(e) and e.decl().kind() == z3.Z3_OP_UNINTERPRETED and e.num_args() == 1:
        return e.decl().name(), e.arg(0)
    return None


class Elements:
    """Formulas with their reads replaced. Terms are kept alive, for their ids are the keys."""

    def __init__(self):
        self.variables = {}  # (what, id of the index): variable
        self.read = {}       # id of a variable: (what, index, variable)
        self.pairs = {}      # id of a read as it was: (it, variable)
        self.done, self.symbols_of, self.parts_of, self.keep = {}, {}, {}, []

    def rewrite(self, formula):
        if formula.get_id() not in self.done:
            pairs = self.replace(formula)
            self.keep.append(formula)
            self.done[formula.get_id()] = z3.simplify(z3.substitute(formula, *pairs)) if pairs else formula
        return self.done[formula.get_id()]

    def replace(self, formula):
        """Pairs (read, variable) for every read in the formula, the inner ones too."""
        seen, pairs, work = set(), [], [(formula, False)]
        while work:
            e, below = work.pop()
            if not below:
                if e.get_id() in seen:
                    continue
                seen.add(e.get_id())
                work.append((e, True))
                work += [(c, False) for c in e.children()]
                continue
            what = read_of(e)
            if what:
                if e.get_id() not in self.pairs:
                    name, index = what
                    index = z3.simplify(z3.substitute(index, *pairs)) if pairs else z3.simplify(index)
                    key = (name, index.get_id())
                    if key not in self.variables:
                        variable = z3.Const('%s#%d' % (name, len(self.variables)), e.sort())
                        self.variables[key] = variable
                        self.read[variable.get_id()] = (name, index, variable)
                    self.pairs[e.get_id()] = (e, self.variables[key])
                pairs.append(self.pairs[e.get_id()])
        return pairs

    def symbols(self, formula):
        """ids of the constants in it."""
        if formula.get_id() not in self.symbols_of:
            found, seen, work = set(), set(), [formula]
            while work:
                e = work.pop()
                if e.get_id() in seen:
                    continue
                seen.add(e.get_id())
                work += e.children()
                if z3.is_const(e) and e.decl().kind() == z3.Z3_OP_UNINTERPRETED:
                    found.add(e.get_id())
                    self.keep.append(e)
            self.keep.append(formula)
            self.symbols_of[formula.get_id()] = frozenset(found)
        return self.symbols_of[formula.get_id()]

    def parts(self, fact):
        """Its conjuncts, those below one implication too, with their reads replaced."""
        if fact.get_id() not in self.parts_of:
            if z3.is_and(fact):
                found = [p for c in fact.children() for p in self.parts(c)]
            elif z3.is_implies(fact) and z3.is_and(fact.arg(1)):
                found = [p for c in fact.arg(1).children() for p in self.parts(z3.Implies(fact.arg(0), c))]
            else:
                found = [self.rewrite(fact)]
            self.keep.append(fact)
            self.parts_of[fact.get_id()] = found
        return self.parts_of[fact.get_id()]

    def relevant(self, parts, goal, rounds):
        if rounds is None:
            return parts
        common = {z3.BitVec(n, 64).get_id() for n in COMMON}
        known, chosen, left = self.symbols(goal) - common, [], parts
        for _ in range(rounds):
            more, rest = [], []
            for p in left:
                its = self.symbols(p) - common
                (more if not its or its & known else rest).append(p)
            chosen, left = chosen + more, rest
            for p in more:
                known = known | (self.symbols(p) - common)
        return chosen

    def congruences(self, formulas):
        by_name, seen, work, found = {}, set(), list(formulas), []
        while work:
            for symbol in sorted(self.symbols(work.pop())):
                if symbol in seen or symbol not in self.read:
                    continue
                seen.add(symbol)
                name, index, variable = self.read[symbol]
                work.append(index)
                for other, its in by_name.setdefault(name, []):
                    same = z3.simplify(index == other)
                    if not z3.is_false(same):
                        found.append(z3.Implies(same, variable == its))
                by_name[name].append((index, variable))
        return found


class ElementProof(Proof):
    """As Proof, but for how a goal at `ret` is proved; accesses and branches on the way there as ever."""

    def __init__(self, elf, name, **others):
        super().__init__(elf, name, **others)
        self.elements = Elements()
        self.hard = {}  # goal: how many tries it needed on an earlier path

    def prove(self, path, groups, goal, text, extra=()):
        self.goals += 1
        goal = z3.simplify(goal)
        if z3.is_true(goal):
            return
        facts = self.explorer.base_facts + path.facts + list(extra)
        for group in groups:
            facts = facts + self.facts_for(group, True)
        parts = [p for f in facts for p in self.elements.parts(f)]
        goal, answer = self.elements.rewrite(goal), z3.unknown
        for level in range(self.hard.get(text, 0), len(TRIES)):
            rounds, steps = TRIES[level]
            answer = self.check(self.elements.relevant(parts, goal, rounds), goal, steps)
            if answer == z3.unsat:
                break
        self.hard[text] = level
        if answer != z3.unsat:
            raise Failed('%s: %s' % (text, 'not proved in time' if answer == z3.unknown else 'does not hold'))

    def check(self, facts, goal, steps):
        """unsat: the facts imply the goal."""
        self.budget.queries += 1
        formulas = facts + [z3.Not(goal)]
        formulas = formulas + self.elements.congruences(formulas)
        solver = z3.Then('simplify', 'propagate-values', 'solve-eqs', 'elim-uncnstr', 'simplify', 'qfbv').solver()
        limit(solver, steps)
        solver.add(*formulas)
        try:
            return solver.check()
        except z3.Z3Exception:
            return z3.unknown
