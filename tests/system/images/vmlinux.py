#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""vmlinux.py BZIMAGE OUT: writes the ELF kernel that a bzImage carries.

The setup header tells where the compressed payload is (Linux, Documentation/arch/x86/boot.rst:
setup_sects, payload_offset, payload_length).  Its last four bytes are the unpacked length.
"""
import gzip
import lzma
import struct
import subprocess
import sys


def payload(image):
    if image[0x202:0x206] != b"HdrS":
        sys.exit("not a bzImage")
    sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (sectors + 1) * 512 + offset
    return image[start:start + length]


def unpack(data):
    size = struct.unpack("<I", data[-4:])[0]
    if data.startswith(b"\xfd7zXZ"):
        elf = lzma.LZMADecompressor().decompress(data)
    elif data.startswith(b"\x1f\x8b"):
        return gzip.decompress(data)
    elif data.startswith(b"\x28\xb5\x2f\xfd"):
        elf = subprocess.run(["zstd", "-dcq"], input=data[:-4], stdout=subprocess.PIPE, check=True).stdout
    else:
        sys.exit("payload of an unknown kind: " + data[:6].hex())
    if len(elf) != size:
        sys.exit(f"payload unpacks to {len(elf)} bytes, its header says {size}")
    return elf


def main():
    with open(sys.argv[1], "rb") as file:
        elf = unpack(payload(file.read()))
    if not elf.startswith(b"\x7fELF"):
        sys.exit("no ELF kernel inside")
    with open(sys.argv[2], "wb") as file:
        file.write(elf)


if __name__ == "__main__":
    main()
