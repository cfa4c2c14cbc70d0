# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's packages that only some tests want on the outer machine: installed when one of these runs."""
import os
import subprocess

from .output import Failed

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))


def need(packages):
    script = f'. "{TOP}/build-aux/lib.sh"; need_packages {packages}'
    if subprocess.run(["bash", "-c", script], stdin=subprocess.DEVNULL, check=False).returncode:
        raise Failed(f"not to be installed: {packages}")
