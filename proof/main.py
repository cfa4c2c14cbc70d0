# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs proofs, two at a time, each in a process of its own under a CPU limit; prints each theorem.

Arguments: --symbols (of the state) | ELF --cache FOLDER [--mistakes] [--mutants FOLDER...] [NAME...]; without names every
theorem, then the mistakes of mutate.py in each operation, then the mutants; --mistakes with names: the mistakes in
these operations too, each with the path and goal that reject it.  A mutant's proof has to fail; FOLDER is what
mutants.sh built.  A proof is found again by the hash of the instructions that it
is about, of the specification and prover, and of the solver's version.
"""
import functools
import hashlib
import json
import os
import re
import resource
import sys
import tempfile
import time
import traceback

import z3

import boot
import confine
import general
import layout
import mutate
import opened
import theorems
import writes
from elements import ElementProof
from elf import Elf
from explore import Budget
from lift import decoder
from prove import Proof
from reads import READS, ReadProof
from state import ARRAYS, SCALARS

CPU_SECONDS = int(os.environ.get('PROOF_CPU_SECONDS', 1800))
JOBS = int(os.environ.get('PROOF_JOBS', 2))
HERE = os.path.dirname(os.path.abspath(__file__))


# Operations proved by elements.py. One goal of table_link took seconds in one run and did not end in another, by
# the order of the solver's facts. The two longest take half the time so.
BY_ELEMENTS = ['table_link', 'slot_drop', 'unmap']
# That a goal does not hold is seen with all facts only: the mutants of the other two are explore.py's.
MUTANTS_BY_ELEMENTS = ['table_link']


RUN_PATH = 'vmcb_confine'
OPERATIONS = [*theorems.OPERATIONS, *boot.OPERATIONS, RUN_PATH]
# What proofs are made of, of theorems about the invariant alone and of operations.
ABOUT_INVARIANT = ['explore.py', 'general.py', 'ghost.py', 'invariant.py', 'lift.py', 'state.py']
PROVER = ['elf.py', 'explore.py', 'ghost.py', 'invariant.py', 'lift.py', 'prove.py', 'state.py', 'theorems.py']
# What the search depends on besides.
MISTAKES = ['elements.py', 'finder.py', 'mutate.py']
# Those with paths that only a mistake opens; what boot calls and the run path were not looked at.
OPENED = ['slot_drop', 'table_unlink']


def hash_of(files):
    h = hashlib.sha256(z3.get_full_version().encode())
    for name in files:
        with open(os.path.join(HERE, name), 'rb') as f:
            h.update(name.encode() + b'\0' + f.read())
    return h.hexdigest()


def specification(elements=BY_ELEMENTS):
    """theorem: hash of all that its proof depends on besides the instructions."""
    by_solver, by_elements = hash_of(PROVER), hash_of(PROVER + ['elements.py'])
    by_confine, by_boot = hash_of(PROVER + ['confine.py']), hash_of(PROVER + ['boot.py'])
    by_general = hash_of(ABOUT_INVARIANT)
    return lambda name: (by_general if name in general.GENERAL else by_elements if name in elements else
                         by_confine if name == RUN_PATH else hash_of(PROVER + ['reads.py']) if name in READS else
                         by_boot if name == boot.INITIAL or name in boot.OPERATIONS else by_solver)


def function_at(elf, address):
    for name, (start, size) in elf.functions.items():
        if start <= address < start + size:
            return name
    return None


def instructions(elf, name):
    """The text of the function and of what it calls, addresses named by symbol: that does not change when
    something else in the core grows."""
    bases = sorted((elf.symbols[n][0], n) for n in list(ARRAYS) + SCALARS if n in elf.symbols)
    done, work, text = set(), [name], []

    def named(value):
        """An address within the state, else the number: a raw address costs no more than proving again."""
        inside = [n for base, n in bases if base <= value]
        if inside:
            base, size = elf.symbols[inside[-1]]
            if value < base + (size or 1 << 34):
                return '%s+%d' % (inside[-1], value - base)
        return '%#x' % value

    while work:
        function = work.pop(0)
        if function in done or function == 'frame_zero':
            continue
        done.add(function)
        address, size = elf.functions[function]
        text.append(function + ':')
        for ins in decoder.disasm(elf.bytes_at(address, size), address):
            operands = ins.op_str
            if ins.mnemonic == 'call' or ins.mnemonic.startswith('j'):
                target = int(operands, 16) if operands.startswith('0x') else None
                if target is not None:
                    where = function_at(elf, target)
                    if where is None:
                        where = 'frame_zero' if target == elf.symbols.get('frame_zero', (0,))[0] else '?'
                    elif where not in done:
                        work.append(where)
                    operands = '%s+%d' % (where, target - elf.symbols.get(where, (target,))[0])
            operands = re.sub(r'rip ([+-]) (0x[0-9a-f]+|[0-9]+)', lambda m, i=ins: named(
                i.address + i.size + (1 if m.group(1) == '+' else -1) * int(m.group(2), 0)), operands)
            operands = re.sub(r'(0x[0-9a-f]{6,})', lambda m: named(int(m.group(1), 16)), operands)
            text.append('%d %s %s' % (ins.address - address, ins.mnemonic, operands))
    return '\n'.join(text)


def key_of(elf, name, spec):
    about = name if name in general.GENERAL or name == boot.INITIAL else instructions(elf, name)
    return hashlib.sha256((spec(name) + name + '\0' + about).encode()).hexdigest()[:32]


def prove(elf, name, elements=BY_ELEMENTS):
    """(what failed or None, a remark, the decisions of each path that succeeds)"""
    if name in general.GENERAL:
        budget = Budget()
        return general.prove(name, budget), '%d queries' % budget.queries, []
    if name == boot.INITIAL:
        budget = Budget()
        return boot.prove_initial(budget), '%d queries' % budget.queries, []
    if name == RUN_PATH:
        proof = confine.ConfineProof(elf)
    elif name in READS:
        proof = ReadProof(elf, name)
    else:
        proof = (ElementProof if name in elements else boot.BootProof if name in boot.OPERATIONS else Proof)(elf, name)
    failed = proof.run()
    return failed, '%d paths, of them %d succeed, %d goals, %d queries' % (
        getattr(proof, 'paths', 0), len(proof.successes), proof.goals, proof.budget.queries), proof.successes


def mistakes(elf, name, successes, log):
    more = opened.opened(elf, name, successes) if name in OPENED else []
    return mutate.run(elf, name, successes + more, log)


class Child:
    """One proof in a process of its own."""

    def __init__(self, prove_it):
        self.file = tempfile.TemporaryFile()
        self.pid = os.fork()
        if self.pid == 0:
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
            try:
                failed, remark, successes = prove_it()
            except Exception:  # whatever it is, the theorem is not proved
                failed, remark, successes = traceback.format_exc(limit=-2).strip().replace('\n', ' | '), '', []
            os.write(self.file.fileno(), json.dumps([failed, remark, successes]).encode())
            os._exit(0)

    def ended(self, status, usage):
        self.file.seek(0)
        text = self.file.read()
        failed, remark, successes = json.loads(text) if text else (None, '', [])
        if status != 0 or not text:
            failed = 'ended by signal %d (CPU limit %d s?)' % (status & 127, CPU_SECONDS)
        return {'failed': failed, 'remark': remark, 'successes': successes, 'cpu': usage.ru_utime + usage.ru_stime,
                'peak': usage.ru_maxrss // 1024}


def run_all(tasks, cache, report):
    """tasks: (label, what proves it, key, what is kept); report(label, result, cached) for each, as they end."""
    running, queue = {}, []
    for label, prove_it, key, keeps in tasks:
        path = os.path.join(cache, key)
        if os.path.exists(path):
            with open(path) as f:
                report(label, json.load(f), True)
        else:
            queue.append((label, prove_it, path, keeps))
    while queue or running:
        while queue and len(running) < JOBS:
            task = queue.pop(0)
            child = Child(task[1])
            running[child.pid] = (child, task)
        pid, status, usage = os.wait4(-1, 0)
        child, (label, _, path, keeps) = running.pop(pid)
        result = child.ended(status, usage)
        if keeps(result):
            with open(path + '.part', 'w') as f:
                json.dump(result, f)
            os.replace(path + '.part', path)
        report(label, result, False)


def rejected(result, reason=''):
    """A proof that merely ran out of time shows nothing about the mutant, nor does one that ends elsewhere."""
    why = result['failed']
    return bool(why) and reason in why and not any(w in why for w in ('in time', 'limit', 'Traceback', 'Error'))


def look_at(elf):
    """Never taken from the cache: what is there is found by the names of the state."""
    return {'failed': layout.wrong(elf), 'remark': '%d arrays and scalars' % (len(ARRAYS) + len(SCALARS)), 'successes': [],
            'cpu': 0.0, 'peak': 0}


def key_of_writes(elf, name, successes):
    text = hash_of(PROVER + ['boot.py', 'confine.py', 'mutate.py', 'writes.py']) + name + '\0' + instructions(elf, name) + json.dumps(successes)
    return 'writes-' + hashlib.sha256(text.encode()).hexdigest()[:32]


def excused():
    """operation: how many of its mistakes no-bug.txt is meant for."""
    with open(os.path.join(HERE, 'no-bug.txt')) as f:
        return {its: int(n) for its, n in re.findall(r'^# ([a-z_]+): (\d+)$', f.read(), re.M)}


# Longest first, so that two at a time end together.
LONG = ['map_mmio', 'slot_drop', 'unmap', 'map_slot', 'domain_create', 'flush_end', 'map_partner', 'map_own',
        'table_link']


def main(argv):
    if argv == ['--symbols']:
        print('\n'.join(list(ARRAYS) + SCALARS))
        return 0
    elf, cache, names, mutants, args = Elf(argv[0]), None, [], [], iter(argv[1:])
    elf.path, tell, operations = argv[0], False, False
    for a in args:
        if a == '--cache':
            cache = next(args)
        elif a == '--mistakes':
            tell = True
        elif a == '--operations':  # all of them if no names follow
            operations = True
        elif a == '--mutants':
            mutants += list(args)
        else:
            names.append(a)
    whole = not names and not operations and not tell
    if not names and (operations or tell):
        names = LONG + [n for n in OPERATIONS if n not in LONG]
    elif whole:
        names = LONG + [n for n in [*general.GENERAL, boot.INITIAL, *READS, *OPERATIONS] if n not in LONG]
    unknown = [n for n in names if n not in [*general.GENERAL, boot.INITIAL, *READS, *OPERATIONS]]
    if unknown:
        print('error: no such theorem: %s' % ', '.join(unknown), file=sys.stderr)
        return 2
    os.makedirs(cache, exist_ok=True)
    spec, counts, total = specification(), [0, 0], len(names) + len(mutants) + 1
    successes = {}

    def report(label, good, result, cached, text):
        counts[not good] += 1
        print('[%s] %d of %d: %-6s %-48s %6.1f s %4d MiB  %s%s' % (
            time.strftime('%H:%M:%S'), sum(counts), total, 'passed' if good else 'FAILED', label, result['cpu'],
            result['peak'], text, ' (known)' if cached else ''), flush=True)

    print('Z3 %s' % z3.get_version_string())
    seen = look_at(elf)
    report('where the image has the state', not seen['failed'], seen, False, seen['failed'] or seen['remark'])

    def proved(label, r, cached):
        if label in OPERATIONS and not r['failed']:
            successes[label] = r['successes']
        report(label, not r['failed'], r, cached, r['failed'] or r['remark'])

    run_all([(n, functools.partial(prove, elf, n), key_of(elf, n, spec), lambda r: not r['failed']) for n in names],
            cache, proved)
    total += len(successes)
    run_all([('what is written by ' + n, functools.partial(writes.run, elf, n, its), key_of_writes(elf, n, its),
              lambda r: not r['failed']) for n, its in successes.items()],
            cache, lambda label, r, cached: report(label, not r['failed'], r, cached, r['failed'] or r['remark']))

    def say(text):
        print('[%s]   %s' % (time.strftime('%H:%M:%S'), text), flush=True)

    tasks = []
    for n in sorted(successes, key=lambda n: (LONG.index(n) if n in LONG else len(LONG), n)) if whole or tell else []:
        about = hash_of(MISTAKES + (['opened.py'] if n in OPENED else [])) + json.dumps(sorted(mutate.read_harmless(n)))
        key = hashlib.sha256((key_of(elf, n, spec) + about).encode()).hexdigest()[:32]
        tasks.append(('mistakes in ' + n, functools.partial(mistakes, elf, n, successes[n], say if tell else None),
                      'mistakes-' + key, lambda r: not r['failed']))
    total += len(tasks)

    def tried(label, r, cached):
        for mistake, (path, goal) in r['successes'] if tell and cached else []:  # else said as they were found
            print('  %-50s %-20s %s' % (mistake, path, goal))
        listed, meant = int(re.search(r'(\d+) in no-bug|$', r['remark']).group(1) or 0), excused().get(label.split()[-1], 0)
        if not r['failed'] and listed != meant:
            r['failed'] = 'no-bug.txt has reasons for %d mistakes and was read for %d ("# %s: %d")' % (
                meant, listed, label.split()[-1], listed)
        report(label, not r['failed'], r, cached, r['failed'] or r['remark'])

    run_all(tasks, cache, tried)
    tasks, reasons = [], {}

    def reject(label, r, cached):
        reason, text = reasons[label.split()[1]], r['failed'] or 'proved, though it is wrong'
        report(label, rejected(r, reason), r, cached, text if reason in text else 'not for "%s", but: %s' % (reason, text))

    for folder in (m.rstrip('/') for m in mutants):
        with open(os.path.join(folder, 'operation')) as f:
            operation = f.read().strip()
        with open(os.path.join(folder, 'reason')) as f:
            by, _, reason = f.read().strip().partition(' ')
        reasons[os.path.basename(folder)] = reason
        bad, label = Elf(os.path.join(folder, 'protect.elf')), 'mutant %s of %s' % (os.path.basename(folder), operation)
        if operation == 'layout':
            reject(label, look_at(bad), False)
        elif by == 'writes':
            tasks.append((label, functools.partial(writes.run, bad, operation), 'mutant-' + key_of_writes(bad, operation, None),
                          functools.partial(rejected, reason=reason)))
        else:
            tasks.append((label, functools.partial(prove, bad, operation, MUTANTS_BY_ELEMENTS),
                          'mutant-' + key_of(bad, operation, specification(MUTANTS_BY_ELEMENTS)),
                          functools.partial(rejected, reason=reason)))
    run_all(tasks, cache, reject)
    print('%d passed, %d failed' % tuple(counts))
    return counts[1] != 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
