#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mutants.sh FOLDER: copies of core/protect with one mistake each, linked, below FOLDER; each with the name of
# the operation whose proof must now fail, and how. A mistake whose place is no longer found is an error.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=build-aux/lib.sh
. "$here/../build-aux/lib.sh"
# shellcheck source=proof/build.sh
. "$here/build.sh"
to=$1
mkdir -p "$to"

# What no mistake changes is compiled once.
link_protect "$top/core/protect" "$to/.plain"

# mutant NAME OPERATION REASON FILE FUNCTION OLD NEW: replaces OLD once, in FUNCTION of FILE; REASON is part of what is said.
# by=writes: writes.py has to reject it, for the proof of the operation does not.
mutant() {
	local name=$1 operation=$2 reason=$3 file=$4 function=$5 old=$6 new=$7 made=
	case $file in *.c) made=$to/.plain ;; esac
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
	printf '%s %s\n' "${by:-goals}" "$reason" >"$to/$name/reason"
}

# Forgotten checks.
mutant index-unchecked unmap 'access to leaf_role is not within its bounds' leaves.c 'int unmap' 'table >= live_tables || index >= ENTRIES' 'table >= live_tables'
mutant role-unchecked unmap 'access to frame_head is not within its bounds' leaves.c 'int unmap' 'if (leaf_role[entry] == LEAF_NONE)' 'if (leaf_role[entry] > LEAF_MMIO)'
mutant cursor-unchecked table_free 'invariant table_parent of any table' tables.c 'int table_free' 'table_cursor[table] != ENTRIES' 'table_cursor[table] > ENTRIES'
mutant last-of-four-unchecked table_clear 'invariant table_empty of any entry' tables.c 'int table_clear' ' | npt[entry + 3]' ''
mutant owner-unchecked frame_condemn "a live owner's only by its owner" frames.c 'int frame_condemn' 'if (owner != handle_of(dom) && handle_is_live(owner))' 'if (dom_state[dom] == DOMAIN_DEAD)'
mutant released-while-mapped frame_release 'invariant frame_head of any frame' frames.c 'int frame_release' 'if (frame_head[mfn] != 0)' 'if (frame_owner[mfn] != 0)'
mutant reaped-with-builder-slots domain_reap 'invariant slot_builder of any slot' domains.c 'int domain_reap' ' || dom_slot_head[dom] != 0' ''
mutant reaped-with-root domain_reap 'invariant domain_state of any dom' domains.c 'int domain_reap' 'dom_root[dom] != 0 || ' ''
mutant sealed-with-builder-slots domain_seal_end 'invariant domain_sealed of any dom' seal.c 'int domain_seal_end' 'dom_slot_head[dom] != 0 || ' ''
mutant sealed-from-unsealed domain_seal_end 'it is sealed, after SEALING' seal.c 'int domain_seal_end' 'if (dom_sealed[dom] != SEALING)' 'if (dom_sealed[dom] > SEALED)'
mutant linked-twice table_link 'invariant table_parent of any table' tables.c 'int table_link' 'table_parent[table] != 0 || ' ''
mutant linked-below-unlinked table_link 'invariant table_empty of any entry' tables.c 'int table_link' ' || (level + 1 != LEVELS && table_parent[parent] == 0)' ''
mutant linked-across-levels table_link 'invariant table_parent of any table' tables.c 'int table_link' 'if (table_level[parent] != level + 1)' 'if (table_level[parent] <= level)'
mutant linked-to-another-domain table_link 'invariant table_parent of any table' tables.c 'int table_link' 'if (table_owner[table] != table_owner[parent])' 'if (!handle_is_live(table_owner[parent]))'
mutant linked-over-an-entry table_link 'invariant table_parent of any table' tables.c 'int table_link' 'if (npt[entry] != 0)' 'if (npt[entry] == 1)'
# Forgotten flushes and stamps.
mutant freed-unflushed table_free 'no CPU can hold a walk through it' tables.c 'int table_free' 'if (!flushed_since(table_stamp[table]))' 'if (epoch_min == 0)'
mutant released-unflushed frame_release 'no CPU holds a translation to it' frames.c 'int frame_release' 'if (!flushed_since(frame_stamp[mfn]))' 'if (epoch_min == 0)'
mutant flushed-too-early frame_release 'no CPU holds a translation to it' state.h 'bool flushed_since' 'epoch_min > stamp' 'epoch_min >= stamp'
mutant sealed-unflushed domain_seal_end 'invariant domain_sealed of any dom' seal.c 'int domain_seal_end' ' || !flushed_since(dom_stamp[dom])' ''
mutant frame-not-stamped unmap 'the frame is stamped' leaves.c 'int unmap' 'frame_stamp[mfn] = epoch_now;' ''
mutant slot-not-stamped unmap 'the slot is stamped' leaves.c 'int unmap' 'slot_stamp[slot] = epoch_now;' ''
mutant builder-not-stamped unmap 'invariant slot_builder of any slot' leaves.c 'int unmap' 'if (slot_role[slot] == LEAF_BUILDER)' 'if (slot_role[slot] == LEAF_OWN)'
# Stale inverses.
mutant newer-not-relinked unmap 'invariant leaf_list of any entry' leaves.c 'void leaf_unset' 'leaf_prev[next] = (u32)prev;' 'leaf_age[next] = leaf_age[next];'
mutant head-not-moved unmap 'invariant frame_head of any frame' leaves.c 'void leaf_unset' 'frame_head[mfn] = (u32)next;' '(void)mfn;'
mutant slot-keeps-entry unmap 'invariant slot_state of any slot' leaves.c 'int unmap' 'slot_entry[slot] = 0;' ''
mutant condemned-keeps-owner frame_condemn 'invariant frame_state of any frame' frames.c 'int frame_condemn' 'frame_owner[mfn] = 0;' ''
mutant linked-without-parent table_link 'invariant table_parent of any table' tables.c 'int table_link' 'table_parent[table] = (u32)entry;' ''
mutant freed-keeps-level table_free 'invariant table_free of any table' tables.c 'int table_free' 'table_level[table] = 0;' ''
mutant dead-not-dying domain_kill 'invariant slot_builder of any slot' domains.c 'int domain_kill' 'dom_state[dom] = DOMAIN_DYING;' 'dom_state[dom] = DOMAIN_DEAD;'
# A write before the last check. (FREE is overwritten where it succeeds.)
mutant writes-then-fails frame_release 'writes before the error' frames.c 'int frame_release' 'if (frame_head[mfn] != 0)' 'frame_state[mfn] = FRAME_FREE; if (frame_head[mfn] != 0)'
# What a walk sees before the operation ends: for a moment the core's own memory.
by=writes mutant published-twice leaf_write_allow 'a second store to the tables' leaves.c 'int leaf_write_allow' 'leaf_write(entry, leaf_value(ENTRY_FRAME(npt[entry]),' 'u64 mfn = ENTRY_FRAME(npt[entry]); leaf_write(entry, leaf_value(0x30000, PERM_READ | PERM_WRITE)); leaf_write(entry, leaf_value(mfn,'
# Another slot, valid before and after: its permission, and where it hangs.
by=writes mutant other-slot-widened slot_take 'writes slot_perm elsewhere' slots.c 'int slot_take_grant' 'slot_role[slot] = LEAF_GRANT;' 'slot_role[slot] = LEAF_GRANT; if (slot + 1 < live_slots && slot_role[slot + 1] == LEAF_GRANT) slot_perm[slot + 1] = PERM_READ | PERM_WRITE;'
by=writes mutant dropped-uncounted slot_drop 'the count is one less' slots.c 'int slot_drop' 'dom_slots[dom]--;' '(void)dom;'
by=writes mutant freed-uncounted table_free 'the count is one less' tables.c 'int table_free' 'dom_tables[dom]--;' '(void)dom;'
# The root that was checked need not be the one that is read again: the lock is not held.
by=writes mutant root-read-twice vmcb_confine 'reads an element of dom_root a second time' confine.c 'int vmcb_confine' 'TABLE_MFN + dom_root[dom]' 'TABLE_MFN + *(volatile u32 *)&dom_root[dom]'
# Arrays that share memory: known results are found by the names of the state, so this is looked at each time.
sed 's/^leaf_prev *=.*/leaf_prev = 0xb800000040;/' "$top/core/core.lds" >"$to/overlapping.lds"
core_lds=$to/overlapping.lds mutant overlapping-arrays layout 'leaf_next and leaf_prev overlap' state.h 'flushed_since' 'epoch_min > stamp' 'epoch_min > stamp'
mutant fewer-cpus layout 'cpu_pending is of 1024 bytes, not 2048' protect.h '#define PROTECT_FRAMES ' '#define PROTECT_CPUS 256ull' '#define PROTECT_CPUS 128ull'
