/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The run interface's calls about memory and vCPUs; running is in minv_run.c.
 * Only the fidelity domain of a pair gets here, for its own guest only.
 */
#include "xen/minv.h"

#include "domain/memory.h"
#include "errno.h"
#include "lib.h"
#include "pages.h"
#include "protect/protect.h"

#define CALL_PAGES 512ull

static int info(struct vcpu *v, struct domain *g, u64 to)
{
	struct minv_info i = {
		.abi_version = MINV_ABI_VERSION,
		.guest_domid = g->id,
		.pool_pages = g->pool_pages,
		.guest_vcpus = g->max_vcpus,
		.tsc_khz = (u32)core_clock.khz,
	};

	return copy_to_guest(v, to, &i, sizeof(i));
}

static bool range_is_good(u64 first, u64 count, u64 limit)
{
	return count && count <= CALL_PAGES && first < limit && count <= limit - first;
}

/* Pool pages into the caller, where both have the same number. Pages that it has already stay. */
static int pool_map(struct domain *partner, struct domain *g, u64 first, u64 count)
{
	if (!range_is_good(first, count, g->pool_pages))
		return -EINVAL;
	for (u64 i = first; i < first + count; i++) {
		struct mapping m;
		u64 mfn;
		int err;

		if (!physmap_find(partner, MINV_POOL_GFN + i, &m)) {
			if (m.role == LEAF_PARTNER)
				continue;
			return -EEXIST;
		}
		err = physmap_own_frame(g, MINV_POOL_GFN + i, &mfn);
		if (!err)
			err = physmap_add_partner(partner, MINV_POOL_GFN + i, mfn,
						  PERM_READ | PERM_WRITE);
		if (err)
			return err;
	}
	return 0;
}

static int memory_map(struct domain *g, u64 gfn, u64 first, u64 count, u64 flags)
{
	u64 perm = PERM_READ | PERM_EXEC | (flags & MINV_MEMORY_READONLY ? 0 : PERM_WRITE);
	bool narrowed = false;
	int err = 0;

	if (!range_is_good(gfn, count, MINV_GUEST_GFN_MAX) ||
	    !range_is_good(first, count, g->pool_pages) ||
	    (flags & ~(MINV_MEMORY_READONLY | MINV_MEMORY_LOG)))
		return -EINVAL;
	for (u64 i = 0; i < count; i++) {
		struct mapping m;
		u64 mfn;

		err = physmap_own_frame(g, MINV_POOL_GFN + first + i, &mfn);
		if (err)
			break;
		err = physmap_remove(g, gfn + i);
		if (!err || err == -ENOENT)
			err = physmap_add_own(g, gfn + i, mfn, perm);
		if (err)
			break;
		if ((flags & MINV_MEMORY_LOG) && !physmap_find(g, gfn + i, &m) &&
		    leaf_write_protect(m.table, m.index) == 0)
			narrowed = true;
	}
	if (narrowed)
		flush_domain(g);
	return err;
}

static int memory_unmap(struct domain *g, u64 gfn, u64 count)
{
	if (!range_is_good(gfn, count, MINV_GUEST_GFN_MAX))
		return -EINVAL;
	for (u64 i = 0; i < count; i++) {
		int err = physmap_remove(g, gfn + i);

		if (err && err != -ENOENT)
			return err;
	}
	return 0;
}

/* A page is dirty when its first write opened it again; reading closes it. */
static int dirty(struct vcpu *v, struct domain *g, u64 gfn, u64 count, u64 to)
{
	u64 bits[CALL_PAGES / 64] = { 0 };
	bool any = false;

	if (!range_is_good(gfn, count, MINV_GUEST_GFN_MAX))
		return -EINVAL;
	for (u64 i = 0; i < count; i++) {
		struct mapping m;

		if (physmap_find(g, gfn + i, &m) || m.role != LEAF_OWN || !m.write)
			continue;
		if (leaf_write_protect(m.table, m.index) == 0) {
			bits[i / 64] |= 1ull << (i % 64);
			any = true;
		}
	}
	if (any)
		flush_domain(g);
	return copy_to_guest(v, to, bits, sizeof(bits));
}

static int vcpu_create(struct domain *partner, struct domain *g, u64 id, u64 gfn)
{
	u64 mfn;
	int err;

	if (id >= DOMAIN_VCPUS || !g->vcpus[id])
		return -ENOENT;
	if (g->vcpus[id]->runner)
		return -EBUSY;
	err = physmap_own_frame(partner, gfn, &mfn);
	if (err)
		return err;
	g->vcpus[id]->state_gfn = gfn;
	g->vcpus[id]->has_state = true;
	return 0;
}

static int call(struct vcpu *v, struct domain *g)
{
	u64 a = v->regs.r[RSI], b = v->regs.r[RDX], c = v->regs.r[R10], d = v->regs.r[R8];

	switch (v->regs.r[RDI]) {
	case MINV_INFO:
		return info(v, g, a);
	case MINV_POOL_MAP:
		return pool_map(v->domain, g, a, b);
	case MINV_MEMORY_MAP:
		return memory_map(g, a, b, c, d);
	case MINV_MEMORY_UNMAP:
		return memory_unmap(g, a, b);
	case MINV_VCPU_CREATE:
		return vcpu_create(v->domain, g, a, b);
	case MINV_RUN:
		return minv_run(v, g, a);
	case MINV_KICK:
		if (a >= DOMAIN_VCPUS || !g->vcpus[a])
			return -ENOENT;
		g->vcpus[a]->kicked = true;
		if (g->vcpus[a]->runner)
			vcpu_wake(g->vcpus[a]->runner);
		return 0;
	case MINV_DIRTY:
		return dirty(v, g, a, b, c);
	default:
		return -ENOSYS;
	}
}

void minv_hypercall(struct vcpu *v)
{
	struct domain *g = v->domain->target ? domain_by_id(v->domain->target) : NULL;

	vcpu_skip(v, 3);
	v->vmcb->rax = (u64)(s64)(!g ? -EPERM : g->life != LIFE_ALIVE ? -ESRCH : call(v, g));
}
