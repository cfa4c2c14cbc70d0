#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs system tests in the emulated machine.  Tests share one boot of dom0 as long as each leaves it as it found it:
a test that fails, or leaves a domain behind, costs the next one a new boot."""
import argparse
import importlib
import json
import os
import shutil
import signal
import sys
import time
import traceback

from bed.dom0 import Dom0
from bed.images import image
from bed.machine import Images, Setup
from bed.output import Failed
from bed.payload import make_payload

ORDER = ["boot-errors", "thin-dom0", "dom0-traps", "thin-pvh", "xl-verbs", "thin-pair", "thin-virsh", "dom0-boot",
         "dom0-smp", "dom0-io", "dom0-hostile", "dom0-end"]


def say(text):
    print(time.strftime("[%H:%M:%S] ") + text, file=sys.stderr, flush=True)


class Bed:
    """What a test is given."""

    def __init__(self, images, logs, payload, verbose, root=None, cpus=1, seed=None):
        self.cpus = cpus
        self.images, self.logs, self.payload, self.verbose, self.root = images, logs, payload, verbose, root
        # Higher counts and more machines: ./check --full says so.
        self.full = os.environ.get("full") == "yes"
        self.seed = seed
        self.stock_xen = images.stock_xen
        self.running = None
        self.boots = 0

    def dom0(self, setup=Setup()):
        """dom0 on such a machine: the one that runs, when it is."""
        if self.running is not None and self.running.machine.setup != setup:
            self.stop()
        if self.running is None:
            self.boots += 1
            folder = os.path.join(self.logs, f"{setup.name}-{self.boots}")
            self.running = Dom0(self.images, folder, self.payload, self.verbose, self.cpus, setup)
            say(f"booting dom0 (serial line: {folder}/serial.log)")
            start = time.monotonic()
            self.running.boot()
            seconds = time.monotonic() - start
            self.figure(f"boot of dom0 to ssh: {seconds:.0f} s")
            say(f"dom0 is up after {seconds:.0f} s")
        return self.running

    def left_behind(self):
        """What a test that passed has left in dom0, or broken in the core; None when nothing."""
        if self.running is None:
            return None
        others = [name for name in self.running.domains() if name != "Domain-0"]
        if others:
            return f"domains left behind: {' '.join(others)}"
        if not self.stock_xen:
            said = self.running.ask_core("i", r"\(core\) the protection layer's invariant .*").splitlines()[0]
            if " holds" not in said:
                return f"the core says: {said}"
        return None

    def kernel_version(self):
        """Of the kernel in dom0's image."""
        with open(f"{self.images.dom0}/version", encoding="ascii") as file:
            return file.read().strip()

    def figure(self, text):
        """A measured fact, for doc/status.md."""
        with open(os.path.join(self.logs, "figures.txt"), "a", encoding="utf-8") as file:
            file.write(text.rstrip() + "\n")

    def stop(self):
        if self.running is not None:
            self.running.stop()
            self.running = None


class Durations:
    """How long each test took last time on this machine, for saying how long is left."""

    def __init__(self, path):
        self.path = path
        try:
            with open(path, encoding="ascii") as file:
                self.seconds = json.load(file)
        except (OSError, ValueError):
            self.seconds = {}

    def left(self, names):
        known = [self.seconds.get(name) for name in names]
        if None in known:
            return "not known yet"
        return f"about {sum(known) / 60:.0f} min"

    def store(self, name, seconds):
        self.seconds[name] = seconds
        with open(self.path, "w", encoding="ascii") as file:
            json.dump(self.seconds, file)


def run_one(bed, name):
    """None when the test passed, else why not."""
    try:
        importlib.import_module("cases." + name.replace("-", "_")).run(bed)
        return bed.left_behind()
    except Failed as why:
        return str(why)
    except Exception:  # pylint: disable=broad-except
        return traceback.format_exc()


def run_all(bed, names, durations, keep):
    passed = failed = 0
    for number, name in enumerate(names):
        say(f"{name} ({number + 1} of {len(names)}, left: {durations.left(names[number:])})")
        start = time.monotonic()
        why = run_one(bed, name)
        took = time.monotonic() - start
        if why is None:
            passed += 1
            durations.store(name, took)
            bed.figure(f"{name}: {took:.0f} s")
            say(f"{name}: passed in {took:.0f} s")
        else:
            failed += 1
            say(f"{name}: FAILED after {took:.0f} s: {why}")
            if bed.running:
                say(f"what dom0 says about it: {bed.running.diagnosis()}")
            if not (keep and number == len(names) - 1):
                bed.stop()
    return passed, failed


def main():
    # Ended from outside, it still ends the machine that it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("error: ended by a signal"))
    parse = argparse.ArgumentParser()
    parse.add_argument("tests", nargs="*", help="names; all without any")
    parse.add_argument("--build", default=".", help="build folder: logs go there")
    parse.add_argument("--root", help="what `make install DESTDIR=` gave; its core is the one that runs")
    parse.add_argument("--core", help="another core than the installed one; without --root nothing of ours is in dom0")
    parse.add_argument("--stock-xen", action="store_true", help="try the harness and the images on stock Xen 4.17")
    parse.add_argument("--keep", action="store_true", help="leave the last machine running and say how to log in")
    parse.add_argument("--verbose", action="store_true", help="dom0's kernel messages too")
    parse.add_argument("--cpus", type=int, default=1, help="processors of the machine")
    parse.add_argument("--list", action="store_true")
    parse.add_argument("--seed", type=int, help="of random calls, for another run than the one that ./check makes")
    args = parse.parse_args()

    names = args.tests or ORDER
    unknown = [name for name in names if name not in ORDER]
    if unknown:
        sys.exit(f"no system test {' '.join(unknown)}; there are: {' '.join(ORDER)}")
    if args.stock_xen:
        names = [n for n in names if getattr(importlib.import_module("cases." + n.replace("-", "_")), "ON_STOCK_XEN", False)]
    if args.list:
        print("\n".join(names))
        return 0

    logs = os.path.join(os.path.abspath(args.build), "system-logs")
    shutil.rmtree(logs, ignore_errors=True)
    os.makedirs(logs)
    if not (args.root or args.core or args.stock_xen):
        sys.exit("one of --root, --core and --stock-xen is needed")
    payload = None
    core = args.core or (image("xen") + "/xen" if args.stock_xen else os.path.join(args.root, "boot/diptych-core"))
    if args.root:
        payload = os.path.join(logs, "payload.tar")
        make_payload(args.root, payload)
    bed = Bed(Images(image("dom0"), image("guest"), core, args.stock_xen), logs, payload, args.verbose,
              args.root, args.cpus, args.seed)
    durations = Durations(os.path.join(os.path.abspath(args.build), "system-durations.json"))

    try:
        passed, failed = run_all(bed, names, durations, args.keep)
        if args.keep and bed.running:
            say(f"log in by: {bed.running.leave()}")
            bed.running = None
    finally:
        bed.stop()
    if failed:
        say(f"logs: {logs}")
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
