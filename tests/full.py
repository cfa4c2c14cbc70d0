#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What ./check --full runs beyond one pass of every test: both emulators, 1, 2 and 4 CPUs, three kernels of dom0, GRUB on
BIOS and UEFI, gigabytes, a thousand million fuzz steps.  It takes a night and may be stopped: a part that has passed on
these very files is not repeated; what it said, when and of which files is kept in the cache and in doc/full-check.md, so that a
committed page is taken up on another machine.

  full.py --build DIR [--list] [--minutes N] [PART...]     parts by name or its beginning; N: begins none after that time

After each part doc/full-check.md is written anew.  Ends with "N passed, N failed".
"""
import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CACHE = os.environ.get("DIPTYCH_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "diptych")
SUMMARY = os.path.join(TOP, "doc/full-check.md")
FUZZ_PARTS, FUZZ_STEPS = 10, 100_000_000
GUESTS = "thin-dom0 dom0-traps thin-pvh xl-verbs thin-pair thin-virsh sealing"
STOCK = [
    ("xl-cycles", "300 PVH guests made and destroyed, killed in the middle"),
    ("xl-many", "60 PVH guests at once on 12 GiB"),
    ("xl-side", "three Debians side by side on 1 and on 2 vCPUs: cloud kernel, 6.1, 6.12; root on file and on disk; 128 MiB each way at once"),
    ("xl-debian", "a Debian from its own disk by pygrub, 1 GiB each way"),
    ("pvh-hostile", "hostile PVH guest, a million calls"),
]
PAIRS = [
    ("packages-boot", "packages installed beside Xen, booted through GRUB, purged", "packages-boot"),
    ("start-times", "virsh start beside dxl create, in virtual time", "start-times"),
    ("virsh", "100 cycles by virsh, kills of libvirtd; virt-install from a CD and with UEFI; five pairs at once",
     "virsh-cycles virsh-remote virsh-five"),
    ("pairs-systems", "memtest86+, UEFI's shell, GRUB's, iPXE, boot from the network, Debian's installer", "pair-screen pair-systems"),
    ("pairs-hour", "five Debians, each a pair, at work side by side for an hour", "pairs-hour"),
    ("pairs-verbs", "dxl's verbs; its errors, with 40 kills", "dxl-verbs dxl-errors"),
    ("pairs-smp", "pairs on 2 CPUs, UEFI, hostile guests", "pair-smp pair-uefi pair-hostile"),
    ("pairs-qemu10", "the same by QEMU 10.0 but for the hostile guests", "--bed qemu10 pair-smp pair-uefi"),
]

HEAD = """# `./check --full`

Written by `tests/full.py`, which `./check --full` runs, after each part. A part that has passed on the same files is not
repeated. The last column is a hash of the files that it ran on; those that lie beside this page (documents apart) had `{tree}`
when it was written.

| part | what | result | when | minutes | files |
|---|---|---|---|---|---|
"""
ROW = re.compile(r"\| `(\S+)` \| .* \| (\d+) passed, (\d+) failed(?:: (.*))? \| (\d{4}-\d\d-\d\d) \| (\d+) \| `(\w+)` \|")


def parts():
    """name, what a reader calls it, command; {build} is the build folder, {work} one for the part."""
    run = "tests/system/run.py --root {build}/system-root --build {work} "
    found = []
    for bed, name in (("qemu7", "QEMU 7.2"), ("qemu10", "QEMU 10.0")):
        on = run + f"--bed {bed} "
        found += [
            (f"{bed}-guests", f"{name}: dom0, its traps, guests and pairs by xl, dxl and virsh", on + GUESTS),
            (f"{bed}-boot", f"{name}: GRUB on BIOS and UEFI; boots that must fail", on + "dom0-boot boot-errors"),
            (f"{bed}-smp", f"{name}: dom0 and a guest on 2 and 4 CPUs", on + "dom0-smp"),
            (f"{bed}-end", f"{name}: reboot, power-off, crash; hostile dom0", on + "dom0-end dom0-hostile"),
            (f"{bed}-hostile-7", f"{name}: hostile dom0, other random calls", on + "--seed 7 dom0-hostile"),
            (f"{bed}-io-1", f"{name}: 1 GiB over every device, 1 CPU", on + "--cpus 1 dom0-io"),
            (f"{bed}-io-2", f"{name}: the same on 2 CPUs", on + "--cpus 2 dom0-io"),
        ]
        for cpus in (2, 4):
            found.append((f"{bed}-guests-{cpus}", f"{name}: guests and pairs on {cpus} CPUs",
                          on + f"--cpus {cpus} thin-dom0 thin-pvh thin-pair thin-virsh"))
        for suite, kernel in (("bookworm-backports", "6.12"), ("bullseye", "5.10.223")):
            found.append((f"{bed}-kernel-{kernel}", f"{name}: kernel {kernel} in dom0 and in a PVH guest",
                          on + f"--kernel {suite} thin-dom0 dom0-smp thin-pvh"))
    for name, what in STOCK:
        found.append((name, what, run + name))
        found.append((f"qemu10-{name}", f"QEMU 10.0: {what}", run + f"--bed qemu10 {name}"))
    for name, what, tests in PAIRS:
        found.append((name, what, run + tests))
    found.append(("libvirt-11.3", "the driver in the libvirt of Debian 12's backports, on a double",
                  "env DIPTYCH_LIBVIRT=11.3 libvirt-driver/tests/run.sh"))
    prove = "proof/prove.sh {build}/core/diptych-core "
    for by, name in (("gcc-12-Os", "gcc 12 -Os"), ("gcc-12-O3", "gcc 12 -O3"), ("clang-14", "clang 14")):
        found.append((f"proof-{by}", f"the proof of every operation as {name} makes it", prove + f"--by {by}"))
    found.append(("proof-cvc5", "what Z3 found without a model, asked of cvc5 too", prove + "--second"))
    for number in range(FUZZ_PARTS):
        found.append((f"fuzz-{number}", f"{FUZZ_STEPS:,} fuzz steps on each of two worlds",
                      f"tests/fuzz/run.sh {{build}}/full-fuzz {FUZZ_STEPS} {1 + number * 1_000_000}"))
    return found


def tree_key():
    """A hash of all files of ours but documents."""
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=TOP, capture_output=True, text=True,
                           check=True).stdout.split("\n")
    digest = hashlib.sha256()
    for name in sorted(set(files)):
        path = os.path.join(TOP, name)
        if name and not name.endswith(".md") and os.path.isfile(path):
            with open(path, "rb") as file:
                digest.update(name.encode() + b"\0" + hashlib.sha256(file.read()).digest())
    return digest.hexdigest()[:16]


class Results:
    """One file for each part that has ended, by name; the last one counts, and says of which tree it is.  What the cache has not
    is taken from the page."""

    def __init__(self):
        self.folder, self.page = os.path.join(CACHE, "full"), {}
        os.makedirs(self.folder, exist_ok=True)
        if os.path.exists(SUMMARY):
            with open(SUMMARY, encoding="utf-8") as file:
                for name, passed, failed, why, date, minutes, tree in ROW.findall(file.read()):
                    self.page[name] = {"tree": tree, "date": date, "seconds": int(minutes) * 60, "passed": int(passed),
                                       "failed": int(failed), "why": why}

    def get(self, name):
        try:
            with open(f"{self.folder}/{name}.json", encoding="utf-8") as file:
                return json.load(file)
        except (OSError, ValueError):
            return self.page.get(name)

    def put(self, name, result):
        with open(f"{self.folder}/{name}.new", "w", encoding="utf-8") as file:
            json.dump(result, file)
        os.replace(f"{self.folder}/{name}.new", f"{self.folder}/{name}.json")

    def passed(self, name, tree):
        result = self.get(name)
        return bool(result and result["tree"] == tree and result["failed"] == 0 and result["passed"] > 0)


def run(name, command, build, tree):
    work = os.path.join(build, "full", name)
    os.makedirs(work, exist_ok=True)
    log, start = f"{work}/log", time.time()
    with open(log, "wb") as file:
        status = subprocess.run(command.format(build=build, work=work).split(), cwd=TOP, stdin=subprocess.DEVNULL, stdout=file,
                                stderr=file, env={"DIPTYCH_PATIENCE": "3", **os.environ, "full": "yes"}, check=False).returncode
    with open(log, encoding="utf-8", errors="replace") as file:
        said = file.read()
    counted = re.findall(r"^(\d+) passed, (\d+) failed$", said, re.M)
    passed, failed = map(int, counted[-1]) if counted else (0, 1)
    failures = re.findall(r"^\[[0-9:]{8}\] (\S+: FAILED after \d+ s: .*)$|^(fuzz .*FAILED.*)$", said, re.M)
    return {"tree": tree, "date": time.strftime("%Y-%m-%d", time.localtime(start)), "seconds": int(time.time() - start),
            "passed": passed, "failed": max(failed, int(status != 0)), "log": log,
            "why": "; ".join(a or b for a, b in failures).replace(work + "/", "")[:300]}


def write_summary(results, tree):
    with open(SUMMARY, "w", encoding="utf-8") as file:
        file.write(HEAD.format(tree=tree))
        for name, what, _ in parts():
            result = results.get(name)
            if not result:
                file.write(f"| `{name}` | {what} | not run yet | | | |\n")
                continue
            said = f"{result['passed']} passed, {result['failed']} failed" + (f": {result['why']}" if result["why"] else "")
            file.write(f"| `{name}` | {what} | {said.replace('|', '/')} | {result['date']} | {result['seconds'] // 60} | `{result['tree']}` |\n")


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("parts", nargs="*")
    parse.add_argument("--build", required=True)
    parse.add_argument("--list", action="store_true")
    parse.add_argument("--minutes", type=float, default=float("inf"))
    args = parse.parse_args()
    build, results, tree = os.path.abspath(args.build), Results(), tree_key()
    chosen = [part for part in parts() if not args.parts or any(part[0].startswith(word) for word in args.parts)]
    if not chosen:
        sys.exit(f"error: no part begins like that; there are: {' '.join(name for name, *_ in parts())}")
    end, passed, failed, left = time.time() + args.minutes * 60, 0, 0, 0
    for number, (name, what, command) in enumerate(chosen):
        if args.list:
            print(f"{name}: {what}{' (passed)' if results.passed(name, tree) else ''}")
            continue
        if results.passed(name, tree):
            passed += 1
            continue
        if time.time() > end:
            left += 1
            continue
        print(time.strftime("[%H:%M:%S] ") + f"{name}: {what} ({number + 1} of {len(chosen)}; log: {build}/full/{name}/log)",
              file=sys.stderr, flush=True)
        result = run(name, command, build, tree)
        results.put(name, result)
        write_summary(results, tree)
        good = result["failed"] == 0 and result["passed"] > 0
        passed, failed = passed + good, failed + (not good)
        if not good:
            print(time.strftime("[%H:%M:%S] ") + f"{name}: FAILED: {result['why'] or 'see its log'}", file=sys.stderr, flush=True)
    if args.list:
        return 0
    write_summary(results, tree)
    if left:
        print(f"not run, as the time is over: {left} parts")
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
