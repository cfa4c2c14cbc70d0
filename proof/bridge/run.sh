#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the proofs stand on, tried: the invariant in C says what the proved one says, on random states good and broken
# (states.c); the lifter says what this processor does, on every form of instruction of the proved code (lifter.py);
# and what an operation's author is told of a mistake is seen on a planted one.
#   run.sh ELF Z3     Z3: the folder with the private solver, as prove.sh has it; prove.sh calls this
# What passed is known again by what it was made of; $full=yes tries 20 times as much.  Ends with "N passed, N failed".
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=build-aux/lib.sh
. "$here/../build-aux/lib.sh"
# shellcheck source=proof/build.sh
. "$here/build.sh"
elf=$(realpath "$1") z3=$2 times=1
[ "${full:-no}" = no ] || times=20

invariant() {
	prover "$here/bridge/evaluator.py" >"$out/spec.h"
	gcc -std=gnu11 -O2 -Wall -Wno-unused-function -Wno-type-limits -I"$out" -I"$top" -I"$top/core" \
		-I"$top/core/include" -o "$out/states" "$here/bridge/states.c"
	"$out/states" $((1000000 * times)) >"$out/report" || { cat "$out/report"; return 1; }
}

lifter() {
	gcc -O1 -Wall -Wextra -o "$out/processor" "$here/bridge/processor.c"
	prover "$here/bridge/lifter.py" "$elf" "$out/processor" $((64 * times)) >"$out/report" || { cat "$out/report"; return 1; }
}

# An operation of which its author did not think far enough, in a copy: what is said of it.
newcomer() {
	local copy=$out/copy word
	mkdir -p "$copy"
	cp -r "$top/core" "$here" "$copy/"
	cp "$here/planted/frame_move.c" "$copy/core/protect/"
	cat "$here/planted/frame_move.py" >>"$copy/proof/theorems.py"
	link_protect "$copy/core/protect" "$out/linked"
	prover "$copy/proof/explain.py" "$out/linked/protect.elf" frame_move >"$out/report"
	for word in 'does not hold' 'frame_move breaks the invariant leaf_own: "frame OWNED' 'called as frame_move(mfn = ' \
		'from = ' 'it is broken for entry ' ' dom_state\[.*= LIVE' ' leaf_role\[.*= OWN' ' frame_owner\[.*domain '; do
		grep -q "$word" "$out/report" || { echo "not said of a planted mistake: $word"; cat "$out/report"; return 1; }
	done
	rm -rf "$copy" "$out/linked" "$out/none"
	printf '%s\n' "a newcomer's mistake (planted/) is named with invariant, arguments and state" "1 passed, 0 failed" >"$out/report"
}

passed=0 failed=0
# one NAME KEY...: runs the function NAME unless it is known to pass with this key.
one() {
	local name=$1 folder
	shift
	if folder=$(cached "proof-$name" "$(key_of "$times" "$@")" "$name"); then
		sed '$d' "$folder/report"
		passed=$((passed + $(sed -n 's/^\([0-9]*\) passed, .*/\1/p' "$folder/report")))
	else
		failed=$((failed + 1))
	fi
}

one invariant "$here/bridge/evaluator.py" "$here/bridge/states.c" "$here/invariant.py" "$here/state.py" "$top/core/protect" "$top/core/include" \
	"$top/tests/unit/protect_model.h" "$top/tests/unit/protect_small.h" "$(gcc --version | head -n 1)"
code=$(mktemp)
trap 'rm -f "$code"' EXIT
objcopy -O binary -j .protect.text "$elf" "$code"
one lifter "$here/bridge/lifter.py" "$here/bridge/processor.c" "$here/lift.py" "$here/theorems.py" "$here/boot.py" "$here/reads.py" "$here/writes.py" "$code" "$(grep -m 1 'model name' /proc/cpuinfo)"
one newcomer "$here"/*.py "$here/planted" "$here/build.sh" "$top/core/protect" "$top/core/flags.mk" "$(gcc --version | head -n 1)"
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
