# SPDX-License-Identifier: GPL-2.0-or-later
"""A disk whose boot sector is a whole guest, there seconds after its firmware: it says READY on the serial line, answers
each character with the next one, and switches itself off when its power button is pressed.  Asleep in between, so that
it costs nobody time."""
import re

# 16-bit code at 0x7c00; COM1 as a PC has it after reset; ACPI's registers where SeaBIOS puts them.
CODE = bytes.fromhex(
    "31c08ed8"    # xor ax, ax; mov ds, ax
    "ba0206"      # mov dx, 0x602      what may set its bit: the power button
    "b80001"      # mov ax, 0x100
    "ef"          # out dx, ax
    "bef07c"      # mov si, 0x7cf0
    "baf803"      # mov dx, 0x3f8
    "fc"          # cld
    "ac"          # word: lodsb
    "ee"          # out dx, al
    "3c0a"        # cmp al, 10
    "75fa"        # jne word
    "fb"          # sti
    "f4"          # wait: hlt
    "ba0006"      # mov dx, 0x600
    "ed"          # in ax, dx
    "f6c401"      # test ah, 1
    "7511"        # jnz off
    "bafd03"      # next: mov dx, 0x3fd
    "ec"          # in al, dx
    "a801"        # test al, 1
    "74ee"        # jz wait
    "baf803"      # mov dx, 0x3f8
    "ec"          # in al, dx
    "fec0"        # inc al
    "ee"          # out dx, al
    "ebef"        # jmp next
    "ba0406"      # off: mov dx, 0x604
    "b80020"      # mov ax, 0x2000
    "ef"          # out dx, ax
    "ebfe")       # jmp $
SECTOR = CODE.ljust(0xf0, b"\0") + b"READY\r\n".ljust(0x10e, b"\0") + b"\x55\xaa"


def put(dom0, path, mib=1):
    dom0.run(f"cat >{path} && truncate -s {mib}M {path}", stdin=SECTOR)


def answers(console, word):
    """The guest lives: what is typed comes back with each character's successor."""
    console.send(word)
    console.expect(re.escape("".join(chr(ord(letter) + 1) for letter in word)), 60)
