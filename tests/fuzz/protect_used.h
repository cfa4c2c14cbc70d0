/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a step called an operation of the protection layer that changes state: its invariant needs no
 * look after one that did not.
 */
#ifndef PROTECT_USED_H
#define PROTECT_USED_H

static unsigned int protect_used;

#define domain_create(...)	(protect_used++, domain_create(__VA_ARGS__))
#define domain_pair(...)	(protect_used++, domain_pair(__VA_ARGS__))
#define domain_seal_begin(...)	(protect_used++, domain_seal_begin(__VA_ARGS__))
#define domain_seal_end(...)	(protect_used++, domain_seal_end(__VA_ARGS__))
#define domain_kill(...)	(protect_used++, domain_kill(__VA_ARGS__))
#define domain_reap(...)	(protect_used++, domain_reap(__VA_ARGS__))
#define frame_give(...)		(protect_used++, frame_give(__VA_ARGS__))
#define frame_condemn(...)	(protect_used++, frame_condemn(__VA_ARGS__))
#define frame_release(...)	(protect_used++, frame_release(__VA_ARGS__))
#define frame_scrub(...)	(protect_used++, frame_scrub(__VA_ARGS__))
#define table_alloc(...)	(protect_used++, table_alloc(__VA_ARGS__))
#define table_link(...)		(protect_used++, table_link(__VA_ARGS__))
#define table_unlink(...)	(protect_used++, table_unlink(__VA_ARGS__))
#define table_clear(...)	(protect_used++, table_clear(__VA_ARGS__))
#define table_free(...)		(protect_used++, table_free(__VA_ARGS__))
#define map_own(...)		(protect_used++, map_own(__VA_ARGS__))
#define map_partner(...)	(protect_used++, map_partner(__VA_ARGS__))
#define map_mmio(...)		(protect_used++, map_mmio(__VA_ARGS__))
#define map_slot(...)		(protect_used++, map_slot(__VA_ARGS__))
#define slot_take(...)		(protect_used++, slot_take(__VA_ARGS__))
#define slot_drop(...)		(protect_used++, slot_drop(__VA_ARGS__))
#define unmap(...)		(protect_used++, unmap(__VA_ARGS__))
#define leaf_write_protect(...) (protect_used++, leaf_write_protect(__VA_ARGS__))
#define leaf_write_allow(...)	(protect_used++, leaf_write_allow(__VA_ARGS__))
#define flush_begin(...)	(protect_used++, flush_begin(__VA_ARGS__))
#define flush_end(...)		(protect_used++, flush_end(__VA_ARGS__))

#endif
