#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh FOLDER [STEPS [SEED]]: fuzzes every world, two at a time, until each has made STEPS steps (10 million),
# with libFuzzer's seeds from SEED (1) on, then shows on a planted bug each that a bug would be found.  Programs, corpora and inputs that broke something
# stay below FOLDER.  Ends with "N passed, N failed".
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=build-aux/lib.sh
. "$here/../../build-aux/lib.sh"
folder=$1 steps=${2:-10000000} seed=${3:-1}
# Inputs of one round: after it, it is said how far the steps are.
runs=$((steps / 1250 < 80000 ? steps / 1250 : 80000))
need_packages clang libclang-rt-14-dev binutils python3
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

seeds() { # FOLDER: inputs to begin with, the same each time
	mkdir -p "$1"
	python3 - "$1" <<'PY'
import random, sys
for n in range(16):
    with open('%s/seed-%d' % (sys.argv[1], n), 'wb') as f:
        f.write(random.Random(n).randbytes(8192))
PY
}

# fuzz WORLD: rounds of libFuzzer until the steps are made; each round goes on with the corpus.
fuzz() {
	local world=$1 made=0 round=$((seed - 1)) log=$folder/$1.log more
	seeds "$folder/$world-corpus"
	: >"$log"
	while [ "$made" -lt "$steps" ]; do
		round=$((round + 1))
		if ! (cd "$folder" && timeout 3600 "./$world" -runs="$runs" -seed=$round -max_len=8192 -len_control=0 \
			-timeout=60 -rss_limit_mb=2048 -artifact_prefix="$folder/$world-broke-" "$world-corpus") >>"$log" 2>&1; then
			grep -E 'ERROR|runtime error|broke|: ck_|fuzz_|tests/' "$log" | tail -n 5
			printf 'fuzz %s: FAILED after %s steps; again: %s %s\n' "$world" "$made" "$folder/$world" \
				"$(ls "$folder/$world-broke-"* | tail -n 1)"
			return 1
		fi
		more=$(sed -n 's/^fuzz: \([0-9]*\) steps.*/\1/p' "$log" | tail -n 1)
		[ -n "$more" ] && [ "$more" -gt 0 ] || { echo "fuzz $world: no steps were made"; return 1; }
		made=$((made + more))
		say "fuzz $world: $made of $steps steps"
	done
	printf 'fuzz %s: %s steps, %s; %s\n' "$world" "$made" "$(sed -n 's/^fuzz: .*steps, //p' "$log" | tail -n 1)" \
		"$(sed -n 's/.*DONE *\(cov: [0-9]*\).*/\1/p' "$log" | tail -n 1)"
}

# planted WORLD FILE OLD NEW: with this mistake in the core the fuzzer must stop.
planted() {
	local world=$1 file=$2 old=$3 new=$4 tree=$folder/planted-$1 status=0
	rm -rf "$tree" && mkdir -p "$tree/tests"
	cp -r "$here/../../core" "$tree/core"
	cp -r "$here" "$here/../unit" "$tree/tests/"
	python3 - "$tree/core/$file" "$old" "$new" <<'PY'
import sys
path, old, new = sys.argv[1:]
text = open(path).read()
assert text.count(old) == 1, 'the place of the planted bug is not found'
open(path, 'w').write(text.replace(old, new))
PY
	"$tree/tests/fuzz/build.sh" "$world" "$tree/fuzz"
	seeds "$tree/corpus"
	(cd "$tree" && timeout 600 ./fuzz -runs=100000 -seed=1 -max_len=8192 -len_control=0 corpus) >"$tree/log" 2>&1 || status=$?
	if [ $status = 77 ] || [ $status = 1 ]; then
		printf 'fuzz %s: finds the planted bug in %s\n' "$world" "$file"
	else
		printf 'fuzz %s: FAILED to find the planted bug in %s (status %s)\n' "$world" "$file" $status
		return 1
	fi
}

both() { # WORLD PLANTED...
	local world=$1 status=0
	shift
	"$here/build.sh" "$world" "$folder/$world" || return 3
	fuzz "$world" || status=1
	planted "$world" "$@" || status=$((status + 2))
	return $status
}

both protect protect/frames.c 'if (frame_head[mfn] != 0)' 'if (frame_owner[mfn] != 0)' &
first=$!
both hypercall xen/lifecycle.c 'pages_free(x, 1);' '' &
second=$!
passed=0 failed=0
for job in $first $second; do
	status=0
	wait $job || status=$?
	bad=$(((status & 1) + (status >> 1 & 1)))
	passed=$((passed + 2 - bad)) failed=$((failed + bad))
done
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
