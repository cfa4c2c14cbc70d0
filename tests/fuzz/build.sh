#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# build.sh WORLD OUTPUT [FLAG...]: fuzz_WORLD.c with libFuzzer, ASan and UBSan as the program OUTPUT.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$here/../..
world=$1 output=$2
shift 2
flags=(-std=gnu11 -g -O2 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
	-DFUZZ -I"$here" -I"$top/core/include" -I"$top/core" -I"$top")
mapfile -t own < <(sed -n 's,^/\* build: \(.*\) \*/$,\1,p' "$here/fuzz_$world.c" | tr ' ' '\n')
clang "${flags[@]}" "${own[@]}" "$@" -c -o "$output.o" "$here/fuzz_$world.c"
# No section of the world's data may keep a name that fuzz.c does not put back.
objcopy --rename-section .data=world_data --rename-section .bss=world_bss "$output.o"
clang -std=gnu11 -g -O2 -fsanitize=fuzzer,address,undefined -I"$here" -o "$output" "$here/fuzz.c" "$output.o"
