# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the image has the state: each array and scalar as large as state.py says, and nothing else in its place.

A proof names an element by symbol and index. That two symbols do not share memory is no part of it, and what is known
in the cache is found again by names alone: so it is looked at in each image, every time.
"""
from explore import STACK
from state import ARRAYS, GROUPS, SCALARS


def span(name):
    group, bits = ARRAYS.get(name, (None, 64))
    return (1 << GROUPS[group][0]) * bits // 8 if group else 8


def wrong(elf):
    """None or what is wrong."""
    spans = []
    for name in (*ARRAYS, *SCALARS):
        if name not in elf.symbols:
            return 'no symbol %s' % name
        address, size = elf.symbols[name]
        # What the linker script places has no size: it has address space for the largest machine.
        if size not in (0, span(name)) or size == 0 and name in SCALARS:
            return '%s is of %d bytes, not %d' % (name, size, span(name))
        if address % 8:
            return '%s is not aligned' % name
        spans.append((address, address + span(name), name))
    spans += [(a, a + size, name) for name, (a, size) in elf.symbols.items() if size and name not in ARRAYS and
              name not in SCALARS]
    if 'image_load_end' in elf.symbols:  # constants that no symbol names too
        spans.append((elf.symbols['image_start'][0], elf.symbols['image_load_end'][0], 'the loaded image'))
    spans.sort()
    state = {*ARRAYS, *SCALARS}
    end, before = 0, None
    for first, last, name in spans:
        if first < end and (name in state or before in state):
            return '%s and %s overlap' % (before, name)
        if name in state and last > STACK - 4096:
            return '%s is where the proofs have the stack' % name
        if last > end:
            end, before = last, name
    return None
