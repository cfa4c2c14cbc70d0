#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Costs of the core beside stock Xen's and the bare machine's, by one probe: `make bench`.

  bench.py --build DIR --core FILE [--peers committed]    the table, DIR/bench.json
           --root DIR                                     also a pair's rows; DIR: what `make install DESTDIR=` gave
  bench.py --measure-peers OUT                            measures the peers (through peers.sh, which caches)
"""
import argparse
import json
import os
import subprocess
import sys
import time

import machines
import pairs
import rows
import xl
from bed.images import image

HERE = os.path.dirname(os.path.abspath(__file__))


def say(text):
    print(time.strftime("[%H:%M:%S] ") + text, file=sys.stderr, flush=True)


def measured_peers():
    """From the cache, or measured now (minutes)."""
    done = subprocess.run([f"{HERE}/peers.sh"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise machines.Wrong("the peers could not be measured")
    with open(os.path.join(done.stdout.decode().strip(), "peers.json"), encoding="utf-8") as file:
        return json.load(file)


def measure_peers(folder):
    tools = machines.Tools(os.path.join(folder, "tools"), image("dom0"))
    say("stock Xen 4.17 with a PVH dom0")
    xen = machines.measure_xen(tools, image("xen"))
    say("xl on stock Xen 4.17")
    xen["rows"].update(xl.measure_xen(tools, image("xen")))
    say("the smallest world switch")
    peers = {"xen": xen, "limit": machines.measure_limit(tools)}
    say("KVM on Debian's kernel")
    peers["kvm"] = pairs.measure_kvm(tools)
    with open(os.path.join(folder, "peers.json"), "w", encoding="utf-8") as file:
        json.dump(peers, file, indent=1)


def show(table):
    """Prints the table; returns how many rows passed."""
    explained, passed = rows.explanations(), 0
    columns = ("ours", "xen", "kvm", "limit")
    print(f"{'':70}" + "".join(f"{c:>15}" for c in columns) + "  unit")
    for values, target in table:
        good, said = rows.verdict(values, target, explained)
        if good and "MISSED" not in said and values["name"] in explained:
            good, said = False, "meets its target: its line in misses.txt must go"
        passed += good
        shown = "".join(f"{'-' if values[c] is None else format(values[c], ','):>15}" for c in columns)
        print(f"{values['name']:70}{shown}  {values['unit']}{'; ' + said if said else ''}{'' if good else '  FAILED'}")
    return passed


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("--build", default=".", help="build folder: bench.json and logs go there")
    parse.add_argument("--core", help="the core's image")
    parse.add_argument("--root", help="what `make install DESTDIR=` gave: then a pair is measured too")
    parse.add_argument("--peers", choices=["measured", "committed"], default="measured",
                       help="where the peers' figures come from: the cache (measured when new), or peers.json here")
    parse.add_argument("--measure-peers", metavar="DIR")
    args = parse.parse_args()
    if args.measure_peers:
        measure_peers(args.measure_peers)
        return 0
    if not args.core:
        sys.exit("error: --core is needed")
    core = os.path.abspath(args.core)
    if args.peers == "committed":
        with open(os.path.join(HERE, "peers.json"), encoding="utf-8") as file:
            peers = json.load(file)
    else:
        peers = measured_peers()
    say("the core with its dom0")
    tools = machines.Tools(os.path.join(os.path.abspath(args.build), "bench-logs"), image("dom0"), image("guest"))
    ours = machines.measure_ours(tools, core)
    say("xl on the core")
    ours["rows"].update(xl.measure_ours(tools, core))
    if args.root:
        say("a pair")
        pair = pairs.measure_pair(tools, core, os.path.abspath(args.root))
        ours["rows"].update(pair.pop("rows"))
        ours.update(pair)
    table = [row for row in rows.table(ours, peers) if args.root or not row[0]["name"].startswith(rows.PAIR)]
    with open(os.path.join(args.build, "bench.json"), "w", encoding="utf-8") as file:
        json.dump([values for values, _ in table], file, indent=1)
    passed = show(table)
    print(f"exits until dom0's probe, by kind: {ours.get('exits', 'not known')}")
    print(f"{passed} passed, {len(table) - passed} failed")
    return 0 if passed == len(table) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except machines.Wrong as why:
        print(f"error: {why}", file=sys.stderr)
        print("0 passed, 1 failed")
        sys.exit(1)
