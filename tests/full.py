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
FUZZ_PARTS, FUZZ_STEPS = 5, 100_000_000
# It takes its calls from Xen's page, older than 6.1.121: whether it boots, starts processors and ends is what may differ.
OLD = "5.10.223"
# dom0 alone: emulator, its name, processors, kernel of dom0, seed of the hostile program's random calls.
DOM0 = [
    ("qemu7", "QEMU 7.2", 1, "", 1), ("qemu7", "QEMU 7.2", 2, "", 7), ("qemu7", "QEMU 7.2", 4, "", 23),
    ("qemu7", "QEMU 7.2", 1, "6.12", 1789), ("qemu7", "QEMU 7.2", 2, "6.12", 4711), ("qemu7", "QEMU 7.2", 4, "6.12", 99),
    ("qemu7", "QEMU 7.2", 2, OLD, 0),
    ("qemu10", "QEMU 10.0", 1, "", 7411), ("qemu10", "QEMU 10.0", 4, "6.12", 271),
]
SUITES = {"6.12": "bookworm-backports", OLD: "bullseye"}
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
    ("pairs-smp", "pairs on 2 CPUs; UEFI, 1 GiB each way; hostile guests", "pair-smp pair-uefi pair-hostile"),
    ("pairs-avx", "AVX, device memory by it; APIC by memory, qcow2 on IDE; with a BIOS 1 GiB each way",
     "pair-avx pair-xapic thin-pair"),
    ("pairs-qemu10-smp", "QEMU 10.0: pairs on 2 CPUs; UEFI, 1 GiB each way; hostile guests", "--bed qemu10 pair-smp pair-uefi pair-hostile"),
    ("pairs-qemu10-systems", "QEMU 10.0: memtest86+, UEFI's shell, GRUB's, iPXE, boot from the network, Debian's installer",
     "--bed qemu10 pair-screen pair-systems pair-xapic"),
    ("pairs-qemu10-verbs", "QEMU 10.0: dxl's verbs; its errors, with 40 kills", "--bed qemu10 dxl-verbs dxl-errors"),
]

HEAD = """# `./check --full`

Written by `tests/full.py`, which `./check --full` runs, after each part. A part that has passed on the same files is not
repeated. The last column is a hash of the files that it rests on; where they are other ones now, it says so.

| part | what | result | when | minutes | files |
|---|---|---|---|---|---|
"""
ROW = re.compile(r"\| `(\S+)` \| .* \| (\d+) passed, (\d+) failed(?:: (.*))? \| (\d{4}-\d\d-\d\d) \| (\d+) \| `(\w+)`(?: \(changed since\))? \|")

# What a part rests on: folders and files, as `git ls-files` takes them.  Documents count nowhere.
BUILD = ["build-aux", "configure.ac", "Makefile.am"]
def all_but(folder, name):
    return [f"{folder}/{other}" for other in sorted(os.listdir(f"{TOP}/{folder}")) if other not in (name, "__pycache__")]


ON_BED = BUILD + ["core", "grub", *all_but("tests/system/bed", "hostile.py"), *all_but("tests/system/images", "kernel.sh"),
                  "tests/system/programs", "tests/system/golden", "tests/system/images.sh", "tests/system/run.py"]
ON_KERNEL = ["tests/system/images/kernel.sh"]
ON_HOSTILE = ON_BED + ["tests/system/hostile", "tests/system/bed/hostile.py"]
ON_PAIRS = ON_HOSTILE + ON_KERNEL + ["fidelity-stubdom", "toolstack", "libvirt-driver", "debian"]
ON_LIBVIRT = BUILD + ["libvirt-driver", "toolstack"]
ON_PROOF = BUILD + ["core", "proof"]
# What the fuzzed worlds are built of, by `clang -MM`.
ON_FUZZ = ["core/domain", "core/include", "core/protect", *(f"core/vcpu/{name}" for name in ("counts.h", "relay.h", "sched.h", "vcpu.h", "sched.c", "vcpu.c")),
           *(f"core/x86/{name}.h" for name in ("console", "cpu", "paging", "percpu", "smp", "speculation", "svm", "this_cpu",
                                               "time", "xstate")),
           "core/x86/xstate.c", "core/xen", "tests/fuzz", ":(exclude)tests/unit/emulator_world.h", "tests/unit/*.h"]


def with_cases(files, tests):
    """files, and the cases of these tests with what they import of each other."""
    found, left = set(), [test.replace("-", "_") for test in tests]
    while left:
        name = left.pop()
        path = f"{TOP}/tests/system/cases/{name}.py"
        if name in found or not os.path.exists(path):
            continue
        found.add(name)
        with open(path, encoding="utf-8") as file:
            for module, names in re.findall(r"^from \.(\w*) import (.*)$", file.read(), re.M):
                left += [module] if module else re.findall(r"\w+", names)
    return files + [f"tests/system/cases/{name}.py" for name in sorted(found)]


def parts():
    """name, what a reader calls it, command, files; {build} is the build folder, {work} one for the part."""
    run = "tests/system/run.py --root {build}/system-root --build {work} "
    found = []

    def system(name, what, tests, files, options=""):
        found.append((name, what, run + options + " " + tests, with_cases(files, tests.split())))

    for bed, name, cpus, kernel, seed in DOM0:
        key = f"{cpus}-{kernel}" if kernel else cpus
        how = f"--bed {bed} --cpus {cpus}" + (f" --kernel {SUITES[kernel]}" if kernel else "")
        what = f"{name}, {cpus} CPU{'s'[:cpus > 1]}" + (f", kernel {kernel}" if kernel else "")
        # The disk that GRUB boots from has Debian 12's own kernel.
        system(f"{bed}-dom0-{key}", f"{what}: a debugger, every end" + (", CPUs off and on" if cpus > 1 else "") +
               ("" if kernel else "; GRUB on BIOS and UEFI") + ("" if kernel or cpus > 1 else "; boots that must fail"),
               "thin-dom0 dom0-traps dom0-end" + (" dom0-smp" if cpus > 1 else "") + ("" if kernel else " dom0-boot") +
               ("" if kernel or cpus > 1 else " boot-errors"),
               ON_BED + ON_KERNEL * bool(kernel), how)
        if kernel == OLD:
            continue
        system(f"{bed}-hostile-{key}", f"{what}: hostile dom0 with 400,000 random calls and 50,000 MSRs", "dom0-hostile",
               ON_HOSTILE + ON_KERNEL * bool(kernel), f"{how} --seed {seed}")
        system(f"{bed}-io-{key}", f"{what}: 2.5 GiB over disks and cards, 192 KiB over a 16550", "dom0-io", ON_BED + ON_KERNEL * bool(kernel), how)
    for bed, name in (("qemu7", "QEMU 7.2"), ("qemu10", "QEMU 10.0")):
        system(f"{bed}-guests", f"{name}: dom0, its traps, guests and pairs by xl, dxl and virsh", GUESTS, ON_PAIRS, f"--bed {bed}")
        for cpus in (2, 4):
            system(f"{bed}-guests-{cpus}", f"{name}: guests and pairs on {cpus} CPUs", "thin-dom0 thin-pvh thin-pair thin-virsh",
                   ON_PAIRS, f"--bed {bed} --cpus {cpus}")
    for name, what in STOCK:
        system(name, what, name, ON_HOSTILE + ON_KERNEL)
        system(f"qemu10-{name}", f"QEMU 10.0: {what}", name, ON_HOSTILE + ON_KERNEL, "--bed qemu10")
    for name, what, tests in PAIRS:
        system(name, what, tests, ON_PAIRS)
    found.append(("libvirt-11.3", "the driver in the libvirt of Debian 12's backports, on a double",
                  "env DIPTYCH_LIBVIRT=11.3 libvirt-driver/tests/run.sh", ON_LIBVIRT))
    prove = "proof/prove.sh {build}/core/diptych-core "
    for by, name in (("gcc-12-Os", "gcc 12 -Os"), ("gcc-12-O3", "gcc 12 -O3"), ("clang-14", "clang 14")):
        found.append((f"proof-{by}", f"the proof of every operation as {name} makes it", prove + f"--by {by}", ON_PROOF))
    found.append(("proof-cvc5", "what Z3 found without a model, asked of cvc5 too", prove + "--second", ON_PROOF))
    for number in range(FUZZ_PARTS):
        found.append((f"fuzz-{number}", f"{FUZZ_STEPS:,} fuzz steps on each of two worlds (of {2 * FUZZ_PARTS * FUZZ_STEPS:,} in all)",
                      f"tests/fuzz/run.sh {{build}}/full-fuzz {FUZZ_STEPS} {1 + number * 1_000_000}", ON_FUZZ))
    return found


class Trees:
    """Hashes of what parts rest on, each file read once."""

    def __init__(self):
        self.hashes, self.keys = {}, {}

    def hash(self, path):
        if path not in self.hashes:
            with open(os.path.join(TOP, path), "rb") as file:
                self.hashes[path] = hashlib.sha256(file.read()).digest()
        return self.hashes[path]

    def key(self, files):
        files = tuple(files)
        if files not in self.keys:
            names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "--", *files], cwd=TOP, capture_output=True,
                                   text=True, check=True).stdout.split("\n")
            digest = hashlib.sha256()
            for name in sorted(set(names)):
                if name and not name.endswith(".md") and os.path.isfile(os.path.join(TOP, name)):
                    digest.update(name.encode() + b"\0" + self.hash(name))
            self.keys[files] = digest.hexdigest()[:16]
        return self.keys[files]


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


def write_summary(results, trees):
    with open(SUMMARY, "w", encoding="utf-8") as file:
        file.write(HEAD)
        for name, what, _, files in parts():
            result = results.get(name)
            if not result:
                file.write(f"| `{name}` | {what} | not run yet | | | |\n")
                continue
            said = f"{result['passed']} passed, {result['failed']} failed" + (f": {result['why']}" if result["why"] else "")
            old = "" if result["tree"] == trees.key(files) else " (changed since)"
            file.write(f"| `{name}` | {what} | {said.replace('|', '/')} | {result['date']} | {result['seconds'] // 60} | "
                       f"`{result['tree']}`{old} |\n")


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("parts", nargs="*")
    parse.add_argument("--build", required=True)
    parse.add_argument("--list", action="store_true")
    parse.add_argument("--minutes", type=float, default=float("inf"))
    args = parse.parse_args()
    build, results, trees = os.path.abspath(args.build), Results(), Trees()
    chosen = [part for part in parts() if not args.parts or any(part[0].startswith(word) for word in args.parts)]
    if not chosen:
        sys.exit(f"error: no part begins like that; there are: {' '.join(name for name, *_ in parts())}")
    end, passed, failed, left = time.time() + args.minutes * 60, 0, 0, 0
    for number, (name, what, command, files) in enumerate(chosen):
        tree = trees.key(files)
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
        write_summary(results, trees)
        good = result["failed"] == 0 and result["passed"] > 0
        passed, failed = passed + good, failed + (not good)
        if not good:
            print(time.strftime("[%H:%M:%S] ") + f"{name}: FAILED: {result['why'] or 'see its log'}", file=sys.stderr, flush=True)
    if args.list:
        return 0
    write_summary(results, trees)
    if left:
        print(f"not run, as the time is over: {left} parts")
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
