# SPDX-License-Identifier: GPL-2.0-or-later
"""The run path: vmcb_confine() of core/protect, which the core calls immediately before each VMRUN.

The control block is the words at the address that is its second argument; nothing of the state lies in it (it is a
page of the core's: the caller's duty).  Proved on the machine code: after success the block's nested root is the
root that the invariant names for the domain, nested paging is on, the ASID is a guest's, every intercept that
protection needs is set, interrupts are not the guest's to mask, AVIC and virtual GIF are off, and no other word has changed;
after an error none has.
"""
import z3
from z3 import And, Implies

import invariant as inv
from explore import Budget, Explorer, Failed, Path
from invariant import v
from lift import Unknown, const

# APM 2, appendix B: word of the block, and what vmcb_confine may write there.
INTERCEPT_1, INTERCEPT_2, ASID, INTR_CONTROL, NESTED, ROOT, CLEAN = 0x08, 0x10, 0x58, 0x60, 0x90, 0xb0, 0xc0
MAY_WRITE = {INTERCEPT_1, INTERCEPT_2, INTR_CONTROL, NESTED, ROOT, CLEAN}
V_INTR_MASKING, WITH_IT = 1 << 24, 0xff << 24  # virtual GIF and NMI, x2AVIC, AVIC: bits 25, 26, 30, 31
DB, AC = 1, 17                                                                 # exceptions
INTR, NMI, INIT, INVD, INVLPGA, IOIO, MSR, SHUTDOWN = 0, 1, 3, 22, 26, 27, 28, 31    # intercepts, first word
VMRUN, VMLOAD, VMSAVE, STGI, CLGI, SKINIT, XSETBV = 0, 2, 3, 4, 5, 6, 13            # second word
NEEDS_1 = sum(1 << b for b in (DB, AC)) | sum(1 << 32 + b for b in (INTR, NMI, INIT, INVD, INVLPGA, IOIO, MSR, SHUTDOWN))
NEEDS_2 = sum(1 << b for b in (VMRUN, VMLOAD, VMSAVE, STGI, CLGI, SKINIT, XSETBV))


class BlockPath(Path):
    """Knows the control block besides the state."""

    def __init__(self, explorer):
        super().__init__(explorer)
        self.block, self.changed = {}, set()

    def fork(self):
        other = super().fork()
        other.__class__ = BlockPath
        other.block, other.changed = dict(self.block), set(self.changed)
        return other

    def word(self, address):
        """(word of the block, bit of it) or None: another address."""
        offset = const(z3.simplify(address - z3.BitVec('in_rsi', 64)))
        if offset is None:
            return None
        if offset >= 4096:
            raise Failed('%#x: access beyond the control block' % self.address)
        word = offset & ~7
        if word not in self.block:
            self.block[word] = z3.BitVec('block_%x' % word, 64)
        return word, (offset & 7) * 8

    def load(self, address, bits):
        where = self.word(address)
        if where is None:
            return super().load(address, bits)
        word, low = where
        if low % bits:
            raise Failed('%#x: access across words of the control block' % self.address)
        return z3.Extract(low + bits - 1, low, self.block[word])

    def store(self, address, bits, value):
        where = self.word(address)
        if where is None:
            return super().store(address, bits, value)
        word, low = where
        if low % bits:
            raise Failed('%#x: access across words of the control block' % self.address)
        old = self.block[word]
        parts = [z3.Extract(63, low + bits, old)] if low + bits < 64 else []
        parts += [value] + ([z3.Extract(low - 1, 0, old)] if low else [])
        self.block[word] = z3.simplify(z3.Concat(*parts)) if len(parts) > 1 else value
        self.changed.add(word)


class BlockExplorer(Explorer):
    def start(self, function, assume, kind=BlockPath):
        return super().start(function, assume, kind)


def goals(before, block, args):
    """What holds of the block after success."""
    dom = args[0]
    root = before.u('dom_root', dom)
    was = lambda word: z3.BitVec('block_%x' % word, 64)
    now = lambda word: block.get(word, was(word))
    return [
        ('its root is the one that the invariant names', And(
            z3.ULT(dom, v(1024)), root != 0, now(ROOT) == (v(inv.TABLE_MFN) + root) << 12)),
        ('a live table of level 4, of the domain as it is', And(
            before.at('table_state', root) == inv.T_LIVE, before.at('table_level', root) == 4,
            inv.wide(before.at('table_owner', root)) == inv.handle_of(before, dom))),
        ('nested paging is on, nothing else', now(NESTED) == 1),
        ('the ASID is not the host\'s', z3.Extract(31, 0, now(ASID)) != 0),
        ('intercepts of the first word', now(INTERCEPT_1) == was(INTERCEPT_1) | v(NEEDS_1)),
        ('intercepts of the second word', now(INTERCEPT_2) == was(INTERCEPT_2) | v(NEEDS_2)),
        ('interrupts end the guest, no AVIC', now(INTR_CONTROL) == was(INTR_CONTROL) & v(~WITH_IT) | v(V_INTR_MASKING)),
        ('hardware reads all of it', now(CLEAN) == 0),
    ]


class ConfineProof:
    """What mutate.py asks of a proof too: the explorer, which paths succeed, their goals."""

    def __init__(self, elf, explorer=BlockExplorer):
        self.budget = Budget()
        self.explorer = explorer(elf, self.budget)
        self.successes, self.goals, self.paths = [], 0, 0

    @staticmethod
    def definition():
        return []

    @staticmethod
    def facts_for(_group, _far):
        return []

    @staticmethod
    def succeeds(path):
        if path.written:
            raise Failed('writes %s' % ', '.join(sorted(path.written)))
        result = const(z3.simplify(z3.Extract(31, 0, path.processor.regs['rax'])))
        if result is None:
            raise Failed('the result is no constant')
        if result != 0 and path.changed:
            raise Failed('changes the control block before an error')
        if not path.changed <= MAY_WRITE:
            raise Failed('changes words %s of the control block' % sorted(path.changed - MAY_WRITE))
        return result == 0

    def at_return(self, path):
        """(groups, goal, name, extra facts) as of any operation."""
        before, args = self.explorer.before, self.explorer.args
        near = [f for g, i in inv.related(before, 'dom', args[0]) for f in self.explorer.instance(g, i)]
        for text, goal in goals(before, path.block, args):
            yield [], goal, text, near

    def run(self):
        try:
            explored = self.explorer.run('vmcb_confine')
            self.paths = len(explored)
            for path in explored:
                if not self.succeeds(path):
                    continue
                for _, goal, text, near in self.at_return(path):
                    self.goals += 1
                    if not self.explorer.proves(path.facts + near, goal):
                        raise Failed(text)
                if self.budget.check(self.explorer.base_facts + path.facts + near) != z3.sat:
                    raise Failed('no state was found that lets it succeed')
                self.successes.append(path.decisions)
            if not self.successes:
                raise Failed('no path succeeds: the theorem would be empty')
        except (Failed, Unknown) as e:
            return str(e)
        return None
