# SPDX-License-Identifier: GPL-2.0-or-later
"""A second solver: whatever Z3 finds to be without a model while an operation is proved, cvc5 is asked too.

Each such query is what a proof rests on: a goal, an access within its bounds, a branch that cannot be taken. cvc5 gets
the formulas as they were handed to Z3, as SMT-LIB text. It says the same (agreed), does not end within its limit
(undecided), or finds a model, which fails the proof. An operation passes when cvc5 has agreed to every query.

second.py ELF [NAME...] prints one line for each operation and ends with "N passed, N failed".
"""
import os
import subprocess
import sys
import tempfile
import time

import z3

import elements
import explore
import main
from elf import Elf

SECONDS = int(os.environ.get('PROOF_SECOND_SECONDS', 60))  # CPU, for a query


class Disagreed(Exception):
    pass


class Second:
    def __init__(self):
        self.agreed, self.undecided, self.cpu = 0, 0, 0.0

    def ask(self, formulas):
        solver = z3.Solver()
        solver.add(*formulas)
        text = '(set-logic QF_AUFBV)\n' + '\n'.join(
            line for line in solver.to_smt2().split('\n') if not line.startswith('(set-info'))
        with tempfile.NamedTemporaryFile('w', suffix='.smt2') as f:
            f.write(text)
            f.flush()
            before = os.times()
            said = subprocess.run(['sh', '-c', 'ulimit -t %d; exec cvc5 "$1"' % SECONDS, 'sh', f.name],
                                  capture_output=True, text=True, check=False)
            after = os.times()
            self.cpu += after.children_user + after.children_system - before.children_user - before.children_system
            answer = said.stdout.strip().split('\n')[0]
            if answer == 'sat':
                with open('/tmp/disagreed.smt2', 'w') as kept:
                    kept.write(text)
                raise Disagreed('cvc5 finds a model where Z3 finds none: /tmp/disagreed.smt2')
            if answer == 'unsat':
                self.agreed += 1
            elif said.returncode < 0 or said.returncode > 128 or answer in ('unknown', 'timeout'):
                self.undecided += 1
            else:
                raise Disagreed('cvc5: ' + (said.stdout + said.stderr).strip()[:200])


def listen(second):
    """Every answer of Z3's goes by here."""
    by_budget, by_elements = explore.Budget.check, elements.ElementProof.check

    def budget_check(self, facts, goal=None, quick=False):
        answer = by_budget(self, facts, goal, quick)
        if answer == z3.unsat:
            second.ask(list(facts) + ([z3.Not(goal)] if goal is not None else []))
        return answer

    def elements_check(self, facts, goal, steps):
        answer = by_elements(self, facts, goal, steps)
        if answer == z3.unsat:
            formulas = facts + [z3.Not(goal)]
            second.ask(formulas + self.elements.congruences(formulas))
        return answer

    explore.Budget.check, elements.ElementProof.check = budget_check, elements_check


def run(path, names):
    elf, counts, second = Elf(path), [0, 0], Second()
    listen(second)
    version = subprocess.run(['cvc5', '--version'], capture_output=True, text=True, check=True).stdout.split('\n')[0]
    print('Z3 %s, then %s' % (z3.get_version_string(), version))
    for name in names or main.OPERATIONS:
        second.agreed, second.undecided, second.cpu = 0, 0, 0.0
        try:
            failed, remark, _ = main.prove(elf, name)
        except Disagreed as e:
            failed, remark = str(e), ''
        failed = failed or ('undecided' if second.undecided or not second.agreed else None)
        counts[bool(failed)] += 1
        print('[%s] %s %-24s cvc5 agreed to %d, undecided %d, %.1f s  %s' % (
            time.strftime('%H:%M:%S'), 'FAILED' if failed else 'passed', name, second.agreed, second.undecided,
            second.cpu, remark if failed in (None, 'undecided') else failed), flush=True)
    print('%d passed, %d failed' % tuple(counts))
    return counts[1] != 0


if __name__ == '__main__':
    sys.exit(run(sys.argv[1], sys.argv[2:]))
