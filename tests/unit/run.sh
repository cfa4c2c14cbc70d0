#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh PROGRAM...: runs unit test programs, adds up what Check counted, ends with "N passed, N failed".
# A program that dies, hangs or counts nothing is one failure.
set -u
passed=0 failed=0
for program; do
	timeout "${UNIT_TIMEOUT:-300}" "./$program" >"$program.log" 2>&1
	status=$?
	line=$(grep -E '^[0-9]+%: Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+$' "$program.log" | tail -n 1)
	read -r checks bad < <(sed -E 's/.*Checks: ([0-9]+), Failures: ([0-9]+), Errors: ([0-9]+)/\1 \2 \3/' <<<"$line" |
		awk 'NF == 3 {print $1, $2 + $3; next} {print 0, 0}')
	if [ "$checks" = 0 ] || { [ $status != 0 ] && [ "$bad" = 0 ]; }; then
		printf '%s: no count, exit status %s\n' "$program" "$status"
		bad=$((bad + 1))
	else
		printf '%s: %s\n' "$program" "$line"
		checks=$((checks - bad))
	fi
	[ "$bad" = 0 ] || sed 's/^/    | /' "$program.log"
	passed=$((passed + checks))
	failed=$((failed + bad))
done
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
