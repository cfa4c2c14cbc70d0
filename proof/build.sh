# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Sourced: links the protection layer alone, as the core does (flags.mk, core.lds's addresses), for the prover.

# core_flag NAME: the value of a variable of core/flags.mk.
core_flag() {
	make -s --no-print-directory -f - print <<MK
core = $top/core
include $top/core/flags.mk
print:
	@echo \$($1)
MK
}

# compiled_by COMPILER FLAG...: what link_protect takes from CC and its flags for another compiler than the core's: clang
# knows no threshold of large data, and warnings are gcc's business.
compiled_by() {
	export CC=$1
	case $1 in clang*) core_flags_without=-mlarge-data-threshold=65536 ;; *) core_flags_without= ;; esac
}

# link_protect SOURCES OUT [FLAGS]: compiles SOURCES/*.c (a copy of core/protect, or itself), prints nothing. $made is a
# folder with objects of what is the same in core/protect; $core_lds is in place of the core's linker script.
link_protect() {
	local from=$1 out=$2 f cppflags cflags objects=()
	shift 2
	cppflags=$(core_flag CORE_CPPFLAGS)
	cflags=$(core_flag CORE_CFLAGS)
	cflags=${cflags/${core_flags_without:-}/}
	mkdir -p "$out"
	for f in "$from"/*.c; do
		case $f in */invariant.c) continue ;; esac # runs at boot and in tests, is no operation
		if [ -n "${made:-}" ] && cmp -s "$f" "$top/core/protect/$(basename "$f")"; then
			objects+=("$made/$(basename "$f" .c).o")
			continue
		fi
		# shellcheck disable=SC2086
		${CC:-gcc} -iquote "$from" $cppflags $cflags "$@" -c -o "$out/$(basename "$f" .c).o" "$f" || return 1
		objects+=("$out/$(basename "$f" .c).o")
	done
	{
		printf 'SECTIONS {\n. = 0x30000000;\n.text : { *(.text .text.*) }\n.rodata : { *(.rodata .rodata.* .lrodata .lrodata.*) }\n'
		printf '. = ALIGN(4096);\n.bss : { *(.data .data.* .bss .bss.* .lbss .lbss.*) }\n'
		printf '/DISCARD/ : { *(.comment .note.* .eh_frame) }\n}\nframe_zero = 0x2ffff000;\n'
		grep -E '^[a-z_]+ *= *0x[0-9a-f]+;' "${core_lds:-$top/core/core.lds}"
	} >"$out/protect.lds"
	${LD:-ld} -nostdlib -z max-page-size=4096 --build-id=none -e 0 -T "$out/protect.lds" -o "$out/protect.elf" "${objects[@]}" 2>"$out/ld.log" || { cat "$out/ld.log" >&2; return 1; }
}

# prover SCRIPT...: Python with the private Z3, which lies below $z3.
prover() {
	local lib=$z3/usr/lib/x86_64-linux-gnu
	Z3_LIBRARY_PATH=$z3/z3 PYTHONPATH=$z3/usr/lib/python3/dist-packages PYTHONDONTWRITEBYTECODE=1 \
		"$lib/ld-linux-x86-64.so.2" --library-path "$lib:/usr/lib/x86_64-linux-gnu" /usr/bin/python3 "$@"
}
