/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The protection layer's interface: scalars in, an error or a scalar out.
 *
 * Every operation checks everything, then writes, and cannot fail after its
 * first write.  The caller names frames, tables, slots and indices as hints;
 * the operation verifies them.  One lock around every call that changes state.
 *
 * Units: mfn and gfn are 4 KiB frame numbers; a table is an index into the
 * table pool; an entry is table * 512 + index; dom is a domain id below
 * PROTECT_DOMAINS.  All arguments are u64 until checked.  Errors are negative
 * errno values (Xen's and Linux's numbering).
 */
#ifndef PROTECT_H
#define PROTECT_H

#include "types.h"

/* Maxima; the arrays have this much address space and are backed for what is live. Tests build the
 * same files with small ones. */
#ifndef PROTECT_FRAMES
#define PROTECT_FRAMES (1ull << 26) /* 256 GiB of 4 KiB frames */
#define PROTECT_TABLES (1ull << 19)
#define PROTECT_SLOTS  (1ull << 20)
#endif
#ifndef PROTECT_DOMAINS
#define PROTECT_DOMAINS 1024ull
#endif
#define PROTECT_CPUS 256ull

/* What a frame is. FREE frames are always zero. */
enum frame_state {
	FRAME_NOT_RAM =
		0, /* MMIO, firmware, beyond the end; also core memory is never anything else */
	FRAME_DIRTY = 1,     /* nobody's, unmapped and flushed, contents not yet zeroed */
	FRAME_FREE = 2,	     /* nobody's, zero */
	FRAME_OWNED = 3,     /* frame_owner names a live domain */
	FRAME_CONDEMNED = 4, /* given back or orphaned, may still be mapped */
};

/* How a leaf came to be: which clause of the promise allows it. */
enum leaf_role {
	LEAF_NONE = 0,
	LEAF_OWN = 1,	  /* the table's domain owns the frame */
	LEAF_PARTNER = 2, /* it is the fidelity partner of the frame's owner */
	LEAF_BUILDER = 3, /* it built the frame's owner, which is not sealed yet */
	LEAF_GRANT = 4,	  /* the frame's owner granted it */
	LEAF_MMIO = 5,	  /* hardware domain, identity, never RAM, never core */
};

#define PERM_READ  1ull
#define PERM_WRITE 2ull
#define PERM_EXEC  4ull

/* domain_create() flags */
#define DOMAIN_HARDWARE 1ull /* dom0: may have LEAF_MMIO */
#define DOMAIN_GUEST	2ull /* a real guest: may get a partner */

/* ---- boot, before protect_boot_done() ------------------------------------
 * In this order: back the arrays (boot.h), protect_init, all mmio_forbid, all frame_add, and only
 * then the first map_mmio: so RAM, MMIO and core memory never overlap, by construction. */
/* Sets the live sizes of the arrays (cut to the maxima). */
void protect_init(u64 nr_frames, u64 nr_tables, u64 nr_slots, u64 nr_cpus);
/* NOT_RAM -> DIRTY. -EINVAL out of range, -EBUSY when it is already RAM, -EPERM forbidden or too late. */
int frame_add(u64 mfn);
/* What nobody may map and what is never RAM (LAPIC page, IOMMU registers, core memory): up to 16
 * ranges; the table pool is always one more. -EBUSY after the first frame_add. */
int mmio_forbid(u64 first_mfn, u64 nr);
/* DIRTY -> OWNED without zeroing, for dom0's image and initrd (DOMAIN_HARDWARE only). */
int frame_give_boot(u64 mfn, u64 dom);
void protect_boot_done(void);

/* ---- domains -------------------------------------------------------------- */
/* A dead id becomes a live, unsealed, empty domain with a new incarnation. builder: the domain
 * that may map its frames until it is sealed; dom itself when nobody builds it (dom0).
 * Quotas are in pages and slots, counted on the domain that maps. DOMAIN_HARDWARE only during boot.
 * -EEXIST not dead, -ESRCH builder not alive, -ENOSPC the id has used up its incarnations. */
int domain_create(u64 dom, u64 builder, u64 flags, u64 table_quota, u64 slot_quota);
/* Once, on an unsealed DOMAIN_GUEST without a partner; both alive; the partner is neither a guest
 * nor hardware domain and has no guest yet. -EPERM, -EEXIST. */
int domain_pair(u64 guest, u64 partner);
/* UNSEALED -> SEALING (no new builder slots), SEALING -> SEALED when no builder slot is left and
 * every CPU has flushed since (-EBUSY otherwise). Both are idempotent (0 when already there). */
int domain_seal_begin(u64 dom);
int domain_seal_end(u64 dom);
/* LIVE -> DYING: it gets nothing any more; what it owns may be condemned by anybody, what it maps
 * may be unmapped by anybody. DYING -> DEAD: needs no table, no slot, and no builder slot on it
 * (-EBUSY). Frames of a dead incarnation are orphans: anybody may condemn them. */
int domain_kill(u64 dom);
int domain_reap(u64 dom);

/* ---- frames --------------------------------------------------------------- */
int frame_give(u64 mfn, u64 dom); /* FREE -> OWNED */
int frame_condemn(u64 mfn,
		  u64 dom); /* OWNED by dom (or by a dying/dead incarnation) -> CONDEMNED */
int frame_release(
	u64 mfn); /* CONDEMNED, unmapped, flushed -> DIRTY; -EBUSY mapped, -EAGAIN not flushed */
int frame_scrub(u64 mfn); /* DIRTY -> FREE through the one zeroing primitive */

/* The zeroing primitive itself: not protect's, the core provides it. */
void frame_zero(u64 mfn);

/* ---- tables (nested page tables, AMD I/O page tables as they stand) --------
 * A tree grows from the root down; below a table that nothing links nothing can be added. */
/* FREE table -> LIVE, unlinked, owned by dom. level 4 becomes the root (one per domain, -EEXIST).
 * -EBUSY not FREE, -ENOMEM over the quota, -ESRCH dom not alive. */
int table_alloc(u64 table, u64 dom, u64 level);
/* parent.level == level + 1, parent the root or itself linked, same owner (-EPERM), entry empty
 * (-EEXIST). */
int table_link(u64 table, u64 parent, u64 index);
/* LIVE -> DYING, parentless, stamped; the root only once dom is no longer LIVE (-EBUSY). */
int table_unlink(u64 table);
/* DYING: sees that the next four entries are empty, 128 calls for a whole table (more do nothing);
 * -EBUSY on an entry that maps a frame (unmap it first) or links a table (unlink it first). */
int table_clear(u64 table);
/* DYING, cleared to the end (-EBUSY), flushed (-EAGAIN) -> FREE. */
int table_free(u64 table);

/* ---- leaves: the only writers of level-1 entries --------------------------- */
/* table: linked, level 1, its domain alive (-ESRCH); entry empty (-EEXIST); perm has PERM_READ.
 * -EPERM: the frame is not one that this mapping may name. PERM_EXEC counts for own mappings only:
 * partner, builder and granted mappings are never executable. */
int map_own(u64 table, u64 index, u64 mfn, u64 perm);
int map_partner(u64 table, u64 index, u64 mfn,
		u64 perm);		     /* table's domain is the partner of the owner */
int map_mmio(u64 table, u64 index, u64 mfn); /* rwx, hardware domain, mfn is the gfn */
/* Builder and granted mappings hold a slot: slot_take first, then map; unmap first, then slot_drop.
 * role LEAF_BUILDER: mapper built owner, owner unsealed. role LEAF_GRANT: mfn and perm are what the
 * owner grants to the mapper through this slot (for LEAF_BUILDER mfn and perm are ignored). */
int slot_take(u64 slot, u64 mapper, u64 owner, u64 role, u64 mfn, u64 perm);
int map_slot(u64 table, u64 index, u64 mfn, u64 perm, u64 slot);
int slot_drop(u64 slot); /* no entry uses it; a grant slot only after the flush (-EAGAIN) */
/* Removes any leaf; stamps frame, slot and builder list with the epoch. 0, -ENOENT. */
int unmap(u64 table, u64 index);
/* Narrows (W off) or widens again (to what the mapping had) an own leaf: dirty tracking. */
int leaf_write_protect(u64 table, u64 index);
int leaf_write_allow(u64 table, u64 index);

/* ---- flush epochs ---------------------------------------------------------- */
/* Around the real flush of every translation on that CPU. */
void flush_begin(u64 cpu);
void flush_end(u64 cpu);

/* ---- reading (no lock needed for what the caller's own lock keeps still) --- */
u64 frame_state_of(u64 mfn);	       /* FRAME_NOT_RAM when out of range */
u64 frame_owner_of(u64 mfn);	       /* domain handle; 0 nobody */
u64 frame_newest_entry(u64 mfn);       /* newest leaf entry that maps it, 0 none */
u64 entry_older(u64 entry);	       /* next older mapping of the same frame, 0 none */
u64 entry_value(u64 table, u64 index); /* the hardware entry, 0 when empty or out of range */
u64 entry_role(u64 entry);
u64 entry_slot(u64 entry);     /* 0 none */
u64 table_state_of(u64 table); /* 0 free, 1 live, 2 dying */
u64 table_owner_of(u64 table);
u64 table_level_of(u64 table);
u64 table_parent_entry(u64 table); /* 0 none */
u64 domain_handle(u64 dom);	   /* incarnation << 10 | dom, 0 when dead */
u64 domain_root_table(u64 dom);	   /* 0 none */
u64 domain_sealed(u64 dom);	   /* 0 unsealed, 1 sealing, 2 sealed */
u64 domain_builder_slot(u64 dom);  /* newest builder slot on it, 0 none */
u64 slot_entry_of(u64 slot);	   /* the entry that uses it, 0 none */
u64 slot_role_of(u64 slot);	   /* LEAF_NONE: free */

/* Fields of a hardware entry. */
#define ENTRY_PRESENT  0x1ull
#define ENTRY_WRITE    0x2ull
#define ENTRY_NX       (1ull << 63)
#define ENTRY_FRAME(e) (((e) >> 12) & 0xffffffffffull)
/* Physical address of a table page; inverse for the child of an upper entry. */
u64 table_mfn(u64 table);
u64 mfn_table(u64 mfn); /* 0 when it is no table */

/* The whole invariant as a C function; 0 holds, else a number that names the broken clause
 * (invariant.h). Linear in the live sizes. */
u64 protect_invariant(void);

#endif
