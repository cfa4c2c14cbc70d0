/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What protect_invariant() answers: the first clause that does not hold. */
#ifndef PROTECT_INVARIANT_H
#define PROTECT_INVARIANT_H

enum invariant_clause {
	INVARIANT_HOLDS = 0,
	INV_SIZES, /* live sizes within the arrays, unused forbidden ranges empty */
	INV_EPOCH, /* cpu_epoch <= cpu_pending <= epoch_now < EPOCH_MAX = that of absent CPUs */
	INV_EPOCH_TREE,	  /* each node is the minimum of its four children */
	INV_STAMP,	  /* no stamp is above epoch_now */
	INV_FRAME_STATE,  /* known; an owner's handle, existing, when OWNED and only then */
	INV_FRAME_CORE,	  /* RAM is never forbidden, nor in the table pool */
	INV_FRAME_HEAD,	  /* empty, or a leaf that maps the frame and has no newer one */
	INV_TABLE_FREE,	  /* FREE: all zero, table 0 too */
	INV_TABLE_STATE,  /* level 1 to 4, existing owner, cursor; a parent only when LIVE */
	INV_TABLE_PARENT, /* linked by its parent's entry, which has level, owner, base for it */
	INV_TABLE_EMPTY,  /* no entry: FREE, LIVE without parent, DYING below the cursor */
	INV_ENTRY_UPPER,  /* zero, or links the child whose parent it is */
	INV_LEAF_NONE,	  /* without role all fields are zero; a role only in level 1 */
	INV_LEAF_VALUE, /* the entry is the frame with the permissions of the mapping or narrower */
	INV_LEAF_MMIO,	/* identity, hardware domain, neither RAM nor forbidden, no list, no slot */
	INV_LEAF_FRAME, /* the others: frame OWNED or CONDEMNED */
	INV_LEAF_LIST,	/* next and prev are inverse, same frame, ages fall */
	INV_LEAF_OWN,	/* frame OWNED: by the table's owner */
	INV_LEAF_PARTNER, /* frame OWNED by a present incarnation: whose partner is the table's owner */
	INV_LEAF_SLOT,	    /* slot and entry are inverse, mapper, owner, permission fit */
	INV_SLOT_FREE,	    /* all zero, slot 0 too */
	INV_SLOT_STATE,	    /* existing handles, entry's inverse; a grant has no list */
	INV_SLOT_BUILDER,   /* owner present and not DEAD, mapper its builder */
	INV_SLOT_LIST,	    /* next and prev are inverse, same owner, ages fall */
	INV_DOMAIN_STATE,   /* known; DEAD: no root, slot head, tables, slots */
	INV_DOMAIN_HANDLES, /* builder, partner and target exist; pairs are inverse */
	INV_DOMAIN_ROOT,    /* none, or a LIVE level 4 table of its own */
	INV_DOMAIN_SLOTS,   /* head is a builder slot on it without a newer one */
	INV_DOMAIN_SEALED,  /* SEALED: no builder slot, all flushed since the last one */
	INV_DOMAIN_COUNTS,  /* tables and slots are counted exactly, within the quota */
};

#endif
