# SPDX-License-Identifier: GPL-2.0-or-later
"""What breaks a theorem, said to whoever wrote the operation: arguments, a state, what was written there.

explain.py ELF NAME; prove.sh calls it for each operation whose theorem does not hold.

The state shows what the operation looked at and what the broken statement speaks of; the rest of it is anything.
It keeps the invariant at all these places, which is what the proof assumes; whether a machine comes to be in it is
not said.
"""
import glob
import os
import re
import sys

import z3

from elf import Elf
from explore import Failed, bit_blasting
from prove import Proof
from state import ARRAYS, GROUPS

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
WORDS = {
    'frame_state': ['NOT_RAM', 'DIRTY', 'FREE', 'OWNED', 'CONDEMNED'],
    'leaf_role': ['NONE', 'OWN', 'PARTNER', 'BUILDER', 'GRANT', 'MMIO'],
    'slot_role': ['NONE', 'OWN', 'PARTNER', 'BUILDER', 'GRANT', 'MMIO'],
    'table_state': ['FREE', 'LIVE', 'DYING'], 'dom_state': ['DEAD', 'LIVE', 'DYING'],
    'dom_sealed': ['UNSEALED', 'SEALING', 'SEALED'],
}
HANDLES = ('frame_owner', 'table_owner', 'slot_mapper', 'slot_owner', 'dom_builder', 'dom_partner', 'dom_target')


def sources():
    for path in sorted(glob.glob(os.path.join(TOP, 'core', 'protect', '*.[ch]'))):
        with open(path) as f:
            yield f.read()


def argument_names(operation):
    for text in sources():
        found = re.search(r'\b(?:int|void)\s+%s\(([^)]*)\)' % re.escape(operation), text)
        if found:
            return [re.sub(r'.*\W', '', a.strip()) for a in found.group(1).split(',')]
    return []


def clause_in_words(name):
    for text in sources():
        found = re.search(r'\bINV_%s,\s*/\*\s*(.*?)\s*\*/' % name.upper(), text, re.S)
        if found:
            return re.sub(r'\s+', ' ', found.group(1))
    return None


def said(name, value):
    if name in WORDS and value < len(WORDS[name]):
        return WORDS[name][value]
    if name in HANDLES and value:
        return '%#x (domain %d, incarnation %d)' % (value, value & 1023, value >> 10)
    return '%#x' % value


def reads_of(formulas):
    """Every element of the state before that occurs: (array, index)."""
    seen, found, work = set(), [], list(formulas)
    while work:
        e = work.pop()
        if e.get_id() in seen:
            continue
        seen.add(e.get_id())
        work += e.children()
        if z3.is_select(e) and z3.is_const(e.arg(0)) and e.arg(0).decl().name() in ARRAYS:
            found.append((e.arg(0).decl().name(), e))
    return found


def model_of(facts, goal, small):
    """A model in which all facts are true and the goal is not, seen to be one, with small numbers where there is
    such a one; else None."""
    for make, more in ((bit_blasting, small), (bit_blasting, []), (z3.Solver, [])):
        solver = make()
        solver.set('rlimit', 200000000)  # its own steps: the same on a busy machine
        solver.add(*facts, *more)
        solver.add(z3.Not(goal))
        try:
            if solver.check() != z3.sat:
                continue
            model = solver.model()
        except z3.Z3Exception:
            continue

        def value(e, model=model):
            return model.eval(e, model_completion=True)
        if z3.is_false(value(goal)) and all(z3.is_true(value(f)) for f in facts):
            return value
    return None


def message(proof, path, facts, goal, text):
    """Lines; the first says what, and is all when no state is found."""
    clause = re.match(r'invariant (\w+)', text)
    lines = ['%s: does not hold' % text]
    if clause and clause_in_words(clause.group(1)):
        lines.append('  %s breaks the invariant %s: "%s"' % (
            proof.name, clause.group(1), clause_in_words(clause.group(1))))
    else:
        lines.append('  %s does not do what its theorem says: "%s"' % (proof.name, text))
    of = sorted(g for g in GROUPS if re.search(r'\bany_%s\b' % g, goal.sexpr()))
    reads = reads_of(path.conditions + [goal] + [i for w in path.state.writes.values() for i, _ in w])
    small = [z3.ULT(x, 1 << min(x.size() - 1, 11)) for x in
             proof.explorer.args[:proof.nargs] + [proof.fresh[g] for g in of] + [e.arg(1) for _, e in reads]]
    small += [z3.ULT(e, 8) for n, e in reads if n == 'dom_incarnation']
    value = model_of(facts, goal, small)
    if value is None:
        return lines[0]

    def number(e):
        return value(e).as_long()

    names = argument_names(proof.name) or ['argument %d' % n for n in range(proof.nargs)]
    lines.append('  called as %s(%s)' % (proof.name, ', '.join(
        '%s = %#x' % (n, number(a)) for n, a in zip(names, proof.explorer.args))))
    for group in of:
        lines.append('  it is broken for %s %#x' % (group, number(proof.fresh[group])))
    before = {}
    for name, e in reads:
        before[name, number(e.arg(1))] = number(e)
    after = {}
    for name, writes in path.state.writes.items():
        for i, v in writes:
            after[name, number(i)] = number(v)
            before.setdefault((name, number(i)), number(z3.Select(proof.explorer.before.arrays[name], i)))
    lines.append('  in a state with')
    lines += ['    %s[%#x] = %s' % (n, i, said(n, x)) for (n, i), x in sorted(before.items())]
    changed = [k for k in sorted(after) if after[k] != before[k]]
    lines.append('  it writes')
    lines += ['    %s[%#x] = %s' % (n, i, said(n, after[n, i])) for n, i in changed] or ['    nothing new']
    return '\n'.join(lines)


def of(proof):
    """Runs the proof of an operation again, up to the goal that does not hold; what failed, explained."""
    plain = proof.prove

    def prove(path, groups, goal, text, extra=()):
        try:
            plain(path, groups, goal, text, extra)
        except Failed as e:
            if 'does not hold' not in str(e):
                raise
            facts = proof.explorer.base_facts + path.facts + list(extra)
            facts += [f for g in groups for f in proof.facts_for(g, True)]
            raise Failed(message(proof, path, facts, goal, text)) from e

    proof.prove = prove
    return proof.run()


if __name__ == '__main__':
    print(of(Proof(Elf(sys.argv[1]), sys.argv[2])))
