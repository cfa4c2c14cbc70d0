# SPDX-License-Identifier: GPL-2.0-or-later
"""The linked ELF: symbols and the bytes at an address."""
import struct


class Elf:
    def __init__(self, path):
        with open(path, 'rb') as f:
            self.data = data = f.read()
        if data[:6] != b'\x7fELF\x02\x01':
            raise ValueError('%s: no little-endian ELF64' % path)
        shoff, = struct.unpack_from('<Q', data, 40)
        phoff, = struct.unpack_from('<Q', data, 32)
        phentsize, phnum, shentsize, shnum = struct.unpack_from('<HHHH', data, 54)
        self.segments = []  # (address, bytes) as loaded
        for i in range(phnum):
            kind, _, off, va, _, filesz = struct.unpack_from('<IIQQQQ', data, phoff + i * phentsize)
            if kind == 1 and filesz:
                self.segments.append((va, data[off:off + filesz]))
        sections = [struct.unpack_from('<IIQQQQIIQQ', data, shoff + i * shentsize) for i in range(shnum)]
        self.symbols, self.functions = {}, {}  # name: (address, size)
        for s in sections:
            if s[1] != 2:
                continue
            strings = sections[s[6]][4]
            for at in range(s[4], s[4] + s[5], 24):
                name, info, _, shndx, value, size = struct.unpack_from('<IBBHQQ', data, at)
                start = strings + name
                text = data[start:data.index(b'\0', start)].decode()
                if shndx == 0 or not text:
                    continue
                self.symbols[text] = (value, size)
                if info & 15 == 2:
                    self.functions[text] = (value, size)

    def bytes_at(self, address, n):
        for va, data in self.segments:
            if va <= address < va + len(data):
                return data[address - va:address - va + n]
        raise ValueError('nothing is loaded at %#x' % address)
