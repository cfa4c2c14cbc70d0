# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs proofs, each in a process of its own under a CPU limit; prints theorem, answer, CPU seconds.

Arguments: ELF [--names | --all] [--mutants FOLDER...] [NAME...]; without names the general theorems and the five
hardest operations.  A mutant's proof has to fail; FOLDER is what mutants.sh built.
"""
import os
import resource
import sys
import traceback

import general
import theorems
from elf import Elf
from explore import Budget
from prove import Proof

CPU_SECONDS = int(os.environ.get('PROOF_CPU_SECONDS', 900))


def prove(elf, name):
    """(what failed or None, a remark)"""
    if name in general.GENERAL:
        budget = Budget()
        return general.prove(name, budget), '%d queries' % budget.queries
    proof = Proof(elf, name)
    failed = proof.run()
    return failed, '%d paths, %d goals, %d queries' % (getattr(proof, 'paths', 0), proof.goals,
                                                       proof.budget.queries)


def in_child(work):
    """(answer, remark, CPU seconds, peak MiB) of work() in a process of its own."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
        try:
            failed, remark = work()
        except Exception:  # whatever it is, the theorem is not proved
            failed, remark = traceback.format_exc(limit=-2).strip().replace('\n', ' | '), ''
        os.write(write, ('%s\n%s' % (failed or '', remark)).encode())
        os._exit(0)
    os.close(write)
    text = b''
    while chunk := os.read(read, 65536):
        text += chunk
    os.close(read)
    _, status, usage = os.wait4(pid, 0)
    failed, _, remark = text.decode().partition('\n')
    if status != 0 or not text:
        failed = 'ended by signal %d (CPU limit %d s?)' % (status & 127, CPU_SECONDS)
    return failed, remark, usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024


def main(argv):
    elf, names, mutants, args = Elf(argv[0]), [], [], iter(argv[1:])
    for a in args:
        if a == '--names':
            print('\n'.join(list(general.GENERAL) + theorems.SPIKE))
            return 0
        if a == '--all':
            names += list(general.GENERAL) + list(theorems.OPERATIONS)
        elif a == '--mutants':
            mutants += list(args)
        else:
            names.append(a)
    if not names and not mutants:
        names = list(general.GENERAL) + theorems.SPIKE
    passed = failed = 0
    for name in names:
        why, remark, cpu, peak = in_child(lambda n=name: prove(elf, n))
        print('%-6s %-45s %6.1f s  %4d MiB  %s' % ('FAILED' if why else 'passed', name, cpu, peak, why or remark),
              flush=True)
        passed, failed = passed + (not why), failed + bool(why)
    for folder in (m.rstrip('/') for m in mutants):
        with open(os.path.join(folder, 'operation')) as f:
            operation = f.read().strip()
        bad = Elf(os.path.join(folder, 'protect.elf'))
        why, _, cpu, _ = in_child(lambda: prove(bad, operation))
        # A proof that merely ran out of time shows nothing about the mutant.
        rejected = why and 'in time' not in why and 'limit' not in why and 'Traceback' not in why
        print('%-6s mutant %-38s %6.1f s  %s: %s' % ('passed' if rejected else 'FAILED', os.path.basename(folder), cpu,
                                                   operation, why or 'proved, though it is wrong'), flush=True)
        passed, failed = passed + bool(rejected), failed + (not rejected)
    print('%d passed, %d failed' % (passed, failed))
    return failed != 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
