#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The prover spike: proves operations of core/protect on the machine code that gcc makes of them.
#   spike.sh [--elf FILE] [--all | --mutants | NAME...]
# Without arguments: the general theorems and the five hardest operations, then the seeded mutants.
# --all: every operation. --elf: a linked core instead of the layer linked alone. Limits: 4 GiB, CPU per proof.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=build-aux/lib.sh
. "$here/../build-aux/lib.sh"
# shellcheck source=proof/build.sh
. "$here/build.sh"

# Debian 12's Z3 4.8 does not finish what 4.13 does in tenths of a second: 4.13 from Debian 13, with the C
# library that it was built for, privately; the Python is the system's.
fetch_z3() {
	trixie_unpack "$out" libz3-4 python3-z3 libstdc++6 libgcc-s1 libc6 libgmp10
	mkdir "$out/z3"
	ln -s "../usr/lib/x86_64-linux-gnu/libz3.so.4" "$out/z3/libz3.so"
}

need_packages python3 python3-capstone gcc binutils make
z3=$(cached proof-z3 "$(key_of libz3-4 4.13 python3)" fetch_z3)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ulimit -v $((4 * 1024 * 1024))

prover() {
	local lib=$z3/usr/lib/x86_64-linux-gnu
	Z3_LIBRARY_PATH=$z3/z3 PYTHONPATH=$z3/usr/lib/python3/dist-packages PYTHONDONTWRITEBYTECODE=1 \
		"$lib/ld-linux-x86-64.so.2" --library-path "$lib:/usr/lib/x86_64-linux-gnu" \
		/usr/bin/python3 "$here/spike.py" "$@"
}

elf= arguments=() mutants=
while [ $# -gt 0 ]; do
	case $1 in
	--elf) elf=$2 && shift ;;
	--mutants) mutants=only ;;
	*) arguments+=("$1") ;;
	esac
	shift
done
if [ -z "$elf" ]; then
	link_protect "$top/core/protect" "$work/protect"
	elf=$work/protect/protect.elf
fi
[ ${#arguments[@]} = 0 ] && [ -z "$mutants" ] && mutants=too
if [ -n "$mutants" ]; then
	"$here/mutants.sh" "$work/mutants"
	[ "$mutants" = too ] && mapfile -t arguments < <(prover "$elf" --names)
	prover "$elf" "${arguments[@]}" --mutants "$work"/mutants/*/
else
	prover "$elf" "${arguments[@]}"
fi
