#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mutants.sh FOLDER: copies of core/protect with one mistake each, linked, below FOLDER; each with the name of
# the operation whose proof must now fail. A mistake whose place is no longer found is an error.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=build-aux/lib.sh
. "$here/../build-aux/lib.sh"
# shellcheck source=proof/build.sh
. "$here/build.sh"
to=$1
mkdir -p "$to"

# mutant NAME OPERATION FILE FUNCTION OLD NEW: replaces OLD once, in FUNCTION of FILE.
mutant() {
	local name=$1 operation=$2 file=$3 function=$4 old=$5 new=$6
	mkdir -p "$to/$name"
	cp -r "$top/core/protect" "$to/$name/source"
	python3 - "$to/$name/source/$file" "$function" "$old" "$new" <<'PY' || die "mutant $name: not applicable"
import sys
path, function, old, new = sys.argv[1:]
text = open(path).read()
start = text.index(function + '(')
at = text.index(old, start)
open(path, 'w').write(text[:at] + new + text[at + len(old):])
PY
	link_protect "$to/$name/source" "$to/$name" -Wno-error || die "mutant $name does not compile"
	printf '%s\n' "$operation" >"$to/$name/operation"
}

# Forgotten checks.
mutant index-unchecked unmap leaves.c 'int unmap' 'table >= live_tables || index >= ENTRIES' 'table >= live_tables'
mutant role-unchecked unmap leaves.c 'int unmap' 'if (leaf_role[entry] == LEAF_NONE)' 'if (leaf_role[entry] > LEAF_MMIO)'
mutant cursor-unchecked table_free tables.c 'int table_free' 'table_cursor[table] != ENTRIES' 'table_cursor[table] > ENTRIES'
mutant last-of-four-unchecked table_clear tables.c 'int table_clear' ' | npt[entry + 3]' ''
mutant owner-unchecked frame_condemn frames.c 'int frame_condemn' 'if (owner != handle_of(dom) && handle_is_live(owner))' 'if (dom_state[dom] == DOMAIN_DEAD)'
mutant released-while-mapped frame_release frames.c 'int frame_release' 'if (frame_head[mfn] != 0)' 'if (frame_owner[mfn] != 0)'
mutant reaped-with-builder-slots domain_reap domains.c 'int domain_reap' ' || dom_slot_head[dom] != 0' ''
mutant reaped-with-root domain_reap domains.c 'int domain_reap' 'dom_root[dom] != 0 || ' ''
mutant sealed-with-builder-slots domain_seal_end seal.c 'int domain_seal_end' 'dom_slot_head[dom] != 0 || ' ''
mutant sealed-from-unsealed domain_seal_end seal.c 'int domain_seal_end' 'if (dom_sealed[dom] != SEALING)' 'if (dom_sealed[dom] > SEALED)'
mutant linked-twice table_link tables.c 'int table_link' 'table_parent[table] != 0 || ' ''
mutant linked-below-unlinked table_link tables.c 'int table_link' ' || (level + 1 != LEVELS && table_parent[parent] == 0)' ''
mutant linked-across-levels table_link tables.c 'int table_link' 'if (table_level[parent] != level + 1)' 'if (table_level[parent] <= level)'
mutant linked-to-another-domain table_link tables.c 'int table_link' 'if (table_owner[table] != table_owner[parent])' 'if (!handle_is_live(table_owner[parent]))'
mutant linked-over-an-entry table_link tables.c 'int table_link' 'if (npt[entry] != 0)' 'if (npt[entry] == 1)'
# Forgotten flushes and stamps.
mutant freed-unflushed table_free tables.c 'int table_free' 'if (!flushed_since(table_stamp[table]))' 'if (epoch_min == 0)'
mutant released-unflushed frame_release frames.c 'int frame_release' 'if (!flushed_since(frame_stamp[mfn]))' 'if (epoch_min == 0)'
mutant flushed-too-early frame_release state.h 'bool flushed_since' 'epoch_min > stamp' 'epoch_min >= stamp'
mutant sealed-unflushed domain_seal_end seal.c 'int domain_seal_end' ' || !flushed_since(dom_stamp[dom])' ''
mutant frame-not-stamped unmap leaves.c 'int unmap' 'frame_stamp[mfn] = epoch_now;' ''
mutant slot-not-stamped unmap leaves.c 'int unmap' 'slot_stamp[slot] = epoch_now;' ''
mutant builder-not-stamped unmap leaves.c 'int unmap' 'if (slot_role[slot] == LEAF_BUILDER)' 'if (slot_role[slot] == LEAF_OWN)'
# Stale inverses.
mutant newer-not-relinked unmap leaves.c 'void leaf_unset' 'leaf_prev[next] = (u32)prev;' 'leaf_age[next] = leaf_age[next];'
mutant head-not-moved unmap leaves.c 'void leaf_unset' 'frame_head[mfn] = (u32)next;' '(void)mfn;'
mutant slot-keeps-entry unmap leaves.c 'int unmap' 'slot_entry[slot] = 0;' ''
mutant condemned-keeps-owner frame_condemn frames.c 'int frame_condemn' 'frame_owner[mfn] = 0;' ''
mutant linked-without-parent table_link tables.c 'int table_link' 'table_parent[table] = (u32)entry;' ''
mutant freed-keeps-level table_free tables.c 'int table_free' 'table_level[table] = 0;' ''
mutant dead-not-dying domain_kill domains.c 'int domain_kill' 'dom_state[dom] = DOMAIN_DYING;' 'dom_state[dom] = DOMAIN_DEAD;'
# A write before the last check.
mutant writes-then-fails frame_release frames.c 'int frame_release' 'if (frame_head[mfn] != 0)' 'frame_state[mfn] = FRAME_DIRTY; if (frame_head[mfn] != 0)'
