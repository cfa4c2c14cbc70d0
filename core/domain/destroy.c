/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A domain's death, in steps that each take bounded time: its tables from the
 * leaves up, then its frames by their owner, then its record.  What others still
 * map of it stays condemned and becomes free when they unmap it.
 */
#include "domain/domain.h"
#include "domain/memory.h"
#include "errno.h"
#include "lib.h"
#include "pages.h"
#include "protect/protect.h"
#include "vcpu/relay.h"
#include "vcpu/sched.h"

#define TABLES_A_STEP 1u
#define FRAMES_A_STEP 8192u
#define TABLE_PASSES  4u

/* destroy_cursor: pass (tables of level 1, 2, 3, 4, then frames) in the upper half. */
#define CURSOR(pass, at) ((u64)(pass) << 48 | (at))

/* A partner that is in its guest, or a guest that has somebody in. */
static void leave_pair(struct vcpu *v)
{
	struct vcpu *partner = v->runner;

	if (partner) {
		sched_force_out(partner);
		partner->running = NULL;
		partner->vmcb->rax = (u64)-ESRCH;
		v->runner = NULL;
	}
	if (v->running) {
		sched_force_out(v);
		v->running->runner = NULL;
		v->running = NULL;
	}
}

static int begin(struct domain *d)
{
	int err = domain_kill(d->id);

	if (err)
		return err;
	d->life = LIFE_DYING;
	for_each_vcpu (d, v) {
		leave_pair(v);
		v->held = true;
		if (!d->passive)
			sched_changed(v);
	}
	if (d->target && domains[d->target])
		domains[d->target]->partner = 0;
	if (d->partner && domains[d->partner])
		domains[d->partner]->target = 0;
	d->destroy_cursor = CURSOR(0, 1);
	return 0;
}

static void free_one_table(u64 table)
{
	int err;

	if (table_level_of(table) == 1)
		for (u64 i = 0; i < 512; i++)
			if (entry_value(table, i))
				entry_remove(table, i);
	err = table_state_of(table) == 1 ? table_unlink(table) : 0;
	for (u32 i = 0; !err && i < 128; i++)
		err = table_clear(table);
	flush_table(table);
	if (!err)
		err = table_free(table);
	if (err)
		panic("table %lu of a dying domain cannot be freed: %d", table, err);
	pool_put(&free_tables, table);
}

static void tables_step(struct domain *d, u64 pass, u64 at)
{
	u64 handle = domain_handle(d->id);
	u32 done = 0;

	for (; at < free_tables.nr; at++) {
		if (table_state_of(at) == 0 || table_owner_of(at) != handle ||
		    table_level_of(at) != pass + 1)
			continue;
		free_one_table(at);
		if (++done == TABLES_A_STEP)
			break;
	}
	d->destroy_cursor = at >= free_tables.nr ? CURSOR(pass + 1, pass + 1 < TABLE_PASSES ? 1 : 0)
						 : CURSOR(pass, at + 1);
}

static void frames_step(struct domain *d, u64 at)
{
	u64 handle = domain_handle(d->id), end = min_u64(at + FRAMES_A_STEP, free_frames.nr);

	for (; at < end; at++)
		if (frame_owner_of(at) == handle)
			frame_return_uncounted(d, at);
	d->destroy_cursor = at == free_frames.nr ? CURSOR(TABLE_PASSES + 1, 0)
						 : CURSOR(TABLE_PASSES, at);
}

static int finish(struct domain *d)
{
	int err;

	/* A CPU that was in it may not have come to the lock since. */
	for_each_vcpu (d, v)
		if (!d->passive && sched_is_current(v))
			return -EAGAIN;
	if (builder_drain(d, 512))
		return -EAGAIN;
	flush_all();
	err = domain_reap(d->id);
	if (err)
		panic("d%u is empty but does not go: %d", d->id, err);
	for_each_vcpu (d, v)
		vcpu_free(v);
	if (d->policy)
		pages_free(d->policy, POLICY_PAGES);
	domains[d->id] = NULL;
	pages_free(d, DOMAIN_PAGES);
	domain_events_due = true;
	return 0;
}

int domain_destroy_step(struct domain *d)
{
	u64 pass = d->destroy_cursor >> 48, at = d->destroy_cursor & 0xffffffffffff;

	if (d->life == LIFE_ALIVE) {
		int err = begin(d);

		return err ? err : -EAGAIN;
	}
	if (pass < TABLE_PASSES)
		tables_step(d, pass, at);
	else if (pass == TABLE_PASSES)
		frames_step(d, at);
	else
		return finish(d);
	return -EAGAIN;
}
