// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A domain's life as this floor sees it: the page of state beside struct domain, its shared info
 * frame, the end of its ports and grants; and the small questions that every family asks about
 * domains.
 */
#include "xen/call.h"

static struct xen_domain *states[MAX_DOMAINS];

struct xen_domain *xen_of(const struct domain *d)
{
	return states[d->id];
}

void *own_frame_open(const struct domain *d, u64 mfn)
{
	if (!mfn || frame_owner_of(mfn) != domain_handle(d->id))
		return NULL;
	return window_open(mfn);
}

struct vcpu_info *vcpu_info_open(struct vcpu *v, void **window)
{
	u64 mfn = v->info_registered ? v->info_mfn : v->domain->shared_info_mfn;
	u64 offset = v->info_registered ? v->info_offset : v->id * sizeof(struct vcpu_info);

	*window = own_frame_open(v->domain, mfn);
	return *window ? (struct vcpu_info *)((u8 *)*window + offset) : NULL;
}

int guest_physical_write(struct domain *d, u64 gpa, const void *from, u64 n)
{
	while (n) {
		u64 offset = gpa & (PAGE_SIZE - 1), part = min_u64(n, PAGE_SIZE - offset);
		u8 *page = guest_frame_open(d, gpa >> PAGE_SHIFT);

		if (!page)
			return -EFAULT;
		memcpy(page + offset, from, part);
		window_close(page);
		from = (const u8 *)from + part;
		gpa += part;
		n -= part;
	}
	return 0;
}

struct domain *domain_named(struct call *c, u64 id)
{
	return id == DOMID_SELF ? c->d : domain_by_id(id);
}

int may_build(struct call *c, struct domain *d)
{
	if (c->d == d)
		return 0;
	return c->d->hardware && !d->has_run && d->life == LIFE_ALIVE ? 0 : -EPERM;
}

int may_reach(struct call *c, struct domain *d)
{
	return c->d->hardware && !domains_seal && d->life == LIFE_ALIVE ? 0 : may_build(c, d);
}

struct vcpu *vcpu_of(struct domain *d, u64 id)
{
	return id < DOMAIN_VCPUS ? d->vcpus[id] : NULL;
}

int xen_domain_init(struct domain *d, u32 max_ports, u32 max_grant_frames, u32 max_maptrack)
{
	struct xen_domain *x = pages_alloc(1);
	u64 mfn;
	int error;

	if (!x)
		return -ENOMEM;
	states[d->id] = x;
	x->port_hint = 1;
	if (d->passive)
		return 0;

	d->max_ports = (u32)min_u64(max_ports, PORTS_MAX - 1) + 1;
	d->max_grant_frames = (u32)min_u64(max_grant_frames, GRANT_FRAMES);
	d->max_maptrack = (u32)min_u64(max_maptrack, MAPTRACK_PAGES);
	error = frame_alloc_uncounted(d, &mfn);
	if (error)
		return error;
	d->shared_info_mfn = mfn;
	time_shared_init(d);
	return d->max_grant_frames ? grant_frame_get(d, 0, &mfn) : 0;
}

/* A bounded step: first the ports, so that no peer sends to it any more, then the grants. */
int xen_domain_close_step(struct domain *d)
{
	struct xen_domain *x = xen_of(d);
	int error;

	if (!x)
		return 0;
	for (u32 i = 1; i < d->max_ports; i++)
		if (port_get(d, i))
			port_close(d, i);
	error = grant_handles_close(d);
	if (error)
		return error;

	claim_drop(d);
	for (u32 i = 0; i < PORT_PAGES; i++)
		if (d->port_pages[i])
			pages_free(d->port_pages[i], 1);
	d->max_ports = 0;
	for (u32 i = 0; i < d->nr_maptrack_pages; i++)
		pages_free(d->maptrack[i], 1);
	d->nr_maptrack_pages = 0;
	/* The frames themselves are the domain's and go with its other memory. */
	d->nr_grant_frames = 0;
	d->max_grant_frames = 0;
	for (u32 i = 0; i < GRANT_FRAMES; i++)
		if (x->pins[i])
			pages_free(x->pins[i], 1);
	states[d->id] = NULL;
	pages_free(x, 1);
	return 0;
}
