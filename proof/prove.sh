#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Proves the operations of core/protect on the machine code of a linked core, and the theorems about the invariant
# alone; then sees that seeded mistakes are not proved.  `make prove` calls it.
#   prove.sh ELF [NAME...]         with names: these theorems only, no mutants
#   prove.sh ELF --mistakes NAME...  then the mistakes of mutate.py in them, each with the goal that rejects it
#   prove.sh ELF --by COMPILER [NAME...]  the operations as gcc-12-Os, gcc-12-O3 or clang-14 makes them of the same source
#   prove.sh ELF --second [NAME...]  what Z3 found is asked of cvc5 too
#   prove.sh ELF --full [NAME...]  by all these compilers, then by cvc5 (`make prove-full`)
# Results are kept in the cache.  Ends with "N passed, N failed".  Limits: 4 GiB and PROOF_CPU_SECONDS per proof.
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

build_mutants() { "$here/mutants.sh" "$out"; }

# No object of the core outside core/protect may name its state: the scan of what they leave undefined.
scan_objects() {
	local objects=$1 object state found=0
	state=$(prover "$here/main.py" --symbols | LC_ALL=C sort)
	[ "$(printf '%s\n' "$state" | wc -l)" -gt 50 ] || die "no list of the state's symbols"
	while read -r object; do
		if nm -u "$object" | awk '{ print $2 }' | LC_ALL=C sort | LC_ALL=C comm -12 - <(printf '%s\n' "$state") | grep .; then
			printf 'error: %s names the state of core/protect\n' "$object" >&2
			found=1
		fi
	done < <(find "$objects" -name '*.o' -not -path '*/protect/*')
	[ -n "$(find "$objects" -name '*.o' -path '*/protect/*')" ] || die "no objects of core/protect below $objects"
	return $found
}

[ $# -ge 1 ] || die "usage: $0 ELF [NAME...]"
elf=$1
shift
[ -f "$elf" ] || die "$elf: no such file (make builds it)"
need_packages python3 python3-capstone gcc binutils make
z3=$(cached proof-z3 "$(key_of libz3-4 4.13 python3)" fetch_z3)
arguments=("$@")
if [ $# = 0 ]; then # all
	scan_objects "$(dirname "$elf")" || die "the state of core/protect is not core/protect's alone"
	say "no other object of the core names the state of core/protect"
	key=$(key_of "$top/core/protect" "$top/core/include" "$top/core/flags.mk" "$top/core/core.lds" \
		"$here/mutants.sh" "$here/build.sh" "$(gcc --version | head -n 1)")
	mutants=$(cached proof-mutants "$key" build_mutants)
	arguments=(--mutants "$mutants"/*/)
fi
# The core's compiler is gcc -O2: nothing in the proof may depend on that.
prove_by() {
	local by=$1 compiler flags out status=0
	shift
	case $by in
	gcc-12-Os) compiler=gcc-12 flags=-Os ;;
	gcc-12-O3) compiler=gcc-12 flags=-O3 ;;
	clang-14) compiler=clang-14 flags=-O2 && need_packages clang-14 ;;
	*) die "$by: no compiler that prove.sh knows" ;;
	esac
	out=$(mktemp -d)
	compiled_by "$compiler"
	link_protect "$top/core/protect" "$out" "$flags" -Wno-error || return 1
	say "core/protect by $compiler $flags"
	prover "$here/main.py" "$out/protect.elf" --cache "$cache/proofs" --operations "$@" || status=1
	rm -r "$out"
	return $status
}

prove_second() {
	need_packages cvc5
	prover "$here/second.py" "$elf" "$@"
}

ulimit -v $((4 * 1024 * 1024))
status=0
case ${1:-} in
--full)
	shift
	for by in gcc-12-Os gcc-12-O3 clang-14; do (prove_by "$by" "$@") || status=1; done
	prove_second "$@" || status=1
	exit $status
	;;
--by)
	shift
	prove_by "$@"
	exit
	;;
--second)
	shift
	prove_second "$@"
	exit
	;;
esac
told=$(mktemp)
trap 'rm -f "$told"' EXIT
prover "$here/main.py" "$elf" --cache "$cache/proofs" "${arguments[@]}" | tee "$told" || status=$?
if [ $# = 0 ]; then
	prover "$here/isolation.py" "$elf" --cache "$cache/proofs" || status=1
	prover -c 'import sys; sys.path.insert(0, sys.argv[1]); import isolation as i
print("of these, integrity only, for they name nobody:", ", ".join(n for n, names in i.NAMED.items() if not names))' "$here"
	"$here/bridge/run.sh" "$elf" "$z3" || status=1
fi
# What the author of an operation wants to see: the clause, arguments and a state, of each that does not hold.
if [ "$status" != 0 ]; then
	sed -n 's/^\[[0-9:]*\] [0-9]* of [0-9]*: FAILED \([a-z_]*\)  .*does not hold.*/\1/p' "$told" |
		while read -r name; do prover "$here/explain.py" "$elf" "$name"; done
fi
exit $status
