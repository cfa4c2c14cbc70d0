#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The peers' figures: measured once for each version of Xen, kernel, emulator and probe, then from the cache.
# Prints the folder that holds peers.json.
set -euo pipefail
. "$(dirname "$0")/../../build-aux/lib.sh"
here=$top/tests/bench
xen=$("$top/tests/system/images.sh" xen)
dom0=$("$top/tests/system/images.sh" dom0)

measure() { python3 -B "$here/bench.py" --measure-peers "$out"; }
cached bench-peers "$(key_of "$here"/{probe.c,domains.c,domains.h,counter.c,limit.S,guest.S,markers.h,calls.c,calls.h,init,init-guest,init-xl,machines.py,pairs.py,talk.py,xl.py} "$(basename "$xen")" \
	"$(cat "$dom0/version")" "$(qemu-system-x86_64 --version)")" measure
