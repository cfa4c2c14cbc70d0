# SPDX-License-Identifier: GPL-2.0-or-later
"""Many shell lines in one login to dom0, each with what it must answer: a login costs more than most of them."""
import re
import shlex

from .output import Failed, tail

MARK = "=== line"


class Refused:
    """The command must fail, and say this; status: with which one, where that matters."""

    def __init__(self, pattern, status=None):
        self.pattern, self.status = pattern, status

    def __repr__(self):
        return f"a refusal{'' if self.status is None else f' with status {self.status}'} that says {self.pattern!r}"


def fits(expected, status, answer):
    if isinstance(expected, Refused):
        if status == 0 or expected.status not in (None, status):
            return False
        expected = expected.pattern
    elif status != 0:
        return False
    return not expected or re.search(expected, answer, re.M) is not None


def batch(dom0, lines, within=600, before="", shown=lambda line: line):
    """lines: pairs of a shell line and a regular expression, Refused, or None for nothing that matters.  All are tried,
    then what was wrong is told; returns the answers by line."""
    script = before
    for number, (line, _) in enumerate(lines):
        script += f"{{ {shown(line)}\n}} 2>&1 </dev/null; echo \"{MARK} {number} $?\"\n"
    rest = dom0.run(f"bash -c {shlex.quote(script)}", within=within)
    answers, wrong = {}, []
    for number, (line, expected) in enumerate(lines):
        end = re.search(rf"{MARK} {number} (\d+)\n", rest)
        if not end:
            raise Failed(f"`{line}` did not come to its end\n{tail(rest)}")
        answer, status, rest = rest[:end.start()], int(end.group(1)), rest[end.end():]
        answers[line] = answer
        if not fits(expected, status, answer):
            wrong.append(f"`{line}`: status {status}, expected {expected!r}, said:\n" + tail(answer, 8))
    if wrong:
        raise Failed("\n".join(wrong))
    return answers
