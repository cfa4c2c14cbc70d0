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
import threading
import time
import traceback

from bed.dom0 import Dom0
from bed import emulator
from bed.images import image
from bed.machine import Images, Setup
from bed.output import Failed
from bed.payload import make_payload

# Each row runs in its order on one lane and shares boots where its tests' machines are alike; long rows first.
ROWS = [
    ["virsh-verbs", "virsh-cycles", "virsh-remote", "virt-manager"],
    ["pair-smp", "pair-uefi", "pair-hostile"],
    ["boot-errors"],
    ["thin-dom0", "dom0-traps", "thin-pvh", "xl-verbs", "thin-pair", "thin-virsh"],
    ["xl-debian", "xl-side", "xl-many", "pvh-hostile", "xl-cycles", "sealing"],
    ["dxl-verbs", "dxl-errors", "pair-screen", "pair-xapic", "pair-avx"],
    ["dom0-io"],
    ["dom0-smp", "xl-sched"],
    ["dom0-kernel"],
    ["pvh-other"],
    ["dom0-boot"],
    ["dom0-hostile"],
    ["dom0-end"],
]
ORDER = [name for row in ROWS for name in row]
# Run only when named, as tests/full.py does: too long for ./check.
NAMED_ONLY = ["packages-boot", "start-times", "virsh-five", "pair-systems", "pairs-hour"]


def say(text):
    print(time.strftime("[%H:%M:%S] ") + text, file=sys.stderr, flush=True)


class Bed:
    """What a test is given."""

    def __init__(self, images, logs, payload, verbose, root=None, cpus=0, seed=None, lane=0):
        # cpus: as asked for, 0 when nobody did.
        self.cpus, self.cpus_asked, self.lane = cpus or 1, cpus, lane
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
            folder = os.path.join(self.logs, f"{setup.name}-{self.lane}.{self.boots}")
            self.running = Dom0(self.images, folder, self.payload_of(setup.dom0 or self.images.dom0), self.verbose, self.cpus, setup)
            say(f"booting dom0 (serial line: {folder}/serial.log)")
            start = time.monotonic()
            self.running.boot()
            seconds = time.monotonic() - start
            self.figure(f"boot of dom0 to ssh: {seconds:.0f} s")
            say(f"dom0 is up after {seconds:.0f} s")
        return self.running

    def payload_of(self, dom0):
        """With what an image brings that has no disk of its own."""
        if not os.path.isdir(f"{dom0}/over"):
            return self.payload
        path = os.path.join(self.logs, f"payload-{os.path.basename(dom0)}-{self.lane}.tar")
        if not os.path.exists(path):
            make_payload(self.root, path, roots=[f"{dom0}/over"])
        return path

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

    def __init__(self, path, lanes):
        self.path, self.lanes, self.lock = path, lanes, threading.Lock()
        try:
            with open(path, encoding="ascii") as file:
                self.seconds = json.load(file)
        except (OSError, ValueError):
            self.seconds = {}

    def left(self, names):
        known = [self.seconds.get(name) for name in names]
        if None in known:
            return "not known yet"
        return f"about {sum(known) / self.lanes / 60:.0f} min"

    def store(self, name, seconds):
        with self.lock:
            self.seconds[name] = seconds
            self.write()

    def write(self):
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


class Run:
    """Lanes, each with a machine of its own, take rows until none is left."""

    def __init__(self, rows, durations, keep):
        self.rows, self.durations, self.keep = list(rows), durations, keep
        self.names = [name for row in rows for name in row]
        self.passed, self.failed = [], []
        self.lock = threading.Lock()

    def all(self, beds):
        # Daemons: a signal ends main(), which stops the machines; nobody waits for a test then.
        lanes = [threading.Thread(target=self.lane, args=(bed,), daemon=True) for bed in beds]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()

    def lane(self, bed):
        while True:
            with self.lock:
                if not self.rows:
                    break
                row = self.rows.pop(0)
            for name in row:
                self.one(bed, name)
        if not self.keep:
            bed.stop()

    def one(self, bed, name):
        done = self.passed + self.failed
        left = self.durations.left([other for other in self.names if other not in done])
        say(f"{name} ({len(self.names)} in all, left: {left})")
        start = time.monotonic()
        why = run_one(bed, name)
        took = time.monotonic() - start
        if why is None:
            self.passed.append(name)
            self.durations.store(name, took)
            bed.figure(f"{name}: {took:.0f} s")
            say(f"{name}: passed in {took:.0f} s")
            return
        self.failed.append(name)
        say(f"{name}: FAILED after {took:.0f} s: {why}")
        if bed.running:
            say(f"what dom0 says about it: {bed.running.diagnosis()}")
        if not (self.keep and name == self.names[-1]):
            bed.stop()


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
    parse.add_argument("--cpus", type=int, default=0, help="processors of the machine (1, or as many as a test wants)")
    parse.add_argument("--lanes", type=int, default=1, help="as many machines at once")
    parse.add_argument("--kernel", metavar="SUITE", help="dom0 with the kernel of another of Debian's suites: bookworm-backports, bullseye")
    parse.add_argument("--bed", choices=emulator.BEDS, default="qemu7", help="the emulator: Debian 12's QEMU, or Debian 13's")
    parse.add_argument("--list", action="store_true")
    parse.add_argument("--seed", type=int, help="of random calls, for another run than the one that ./check makes")
    args = parse.parse_args()
    emulator.choose(args.bed)

    names = args.tests or ORDER
    unknown = [name for name in names if name not in ORDER + NAMED_ONLY]
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
    chosen = [row for row in ([name for name in row if name in names] for row in ROWS) if row]
    if args.tests:  # in the order given
        chosen = [names] if args.lanes == 1 else chosen
    lanes = min(args.lanes, len(chosen))
    images = Images(image("kernel", args.kernel) if args.kernel else image("dom0"), image("guest"), core, args.stock_xen)
    beds = [Bed(images, logs, payload, args.verbose, args.root, args.cpus, args.seed, lane) for lane in range(lanes)]
    run = Run(chosen, Durations(os.path.join(os.path.abspath(args.build), "system-durations.json"), lanes), args.keep)

    try:
        run.all(beds)
        for bed in beds:
            if args.keep and bed.running:
                say(f"log in by: {bed.running.leave()}")
                bed.running = None
    finally:
        for bed in beds:
            bed.stop()
    if run.failed:
        say(f"failed: {' '.join(run.failed)}; logs: {logs}")
    print(f"{len(run.passed)} passed, {len(run.failed)} failed")
    return 0 if run.passed and not run.failed else 1


if __name__ == "__main__":
    sys.exit(main())
