#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""count-lines.py FOLDER...: lines of C and assembly that are neither blank nor only comment, per folder."""
import os
import re
import sys

# A string or character literal is kept, so that a comment mark inside one is not taken for a comment.
TOKEN = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*', re.S)


def keep(match):
    token = match.group(0)
    return token if token[0] in "\"'" else "\n" * token.count("\n") + " "


def count(path):
    with open(path, encoding="utf-8") as file:
        return sum(1 for line in TOKEN.sub(keep, file.read()).splitlines() if line.strip())


def total(folder):
    return sum(count(os.path.join(where, name)) for where, _, names in os.walk(folder) for name in names
               if name.endswith((".c", ".h", ".S")))


for folder in sys.argv[1:]:
    print(f"{total(folder):6d}  {folder}")
