/* SPDX-License-Identifier: GPL-2.0-or-later */
/* build: -DPROTECT_FRAMES=8192ull -DPROTECT_TABLES=512ull -DPROTECT_SLOTS=256ull */
/* Memory of a domain as the tools build it, and grants as backends use them. */
#include "xen_world.h"

#define MEMORY __HYPERVISOR_memory_op
#define GRANT  __HYPERVISOR_grant_table_op
#define FAR    0x100000ull /* a gfn of dom0's where nothing is */

static s64 map_foreign_page(u16 domid, u64 from, u64 to, int *status)
{
	struct xen_add_to_physmap_batch op = { .domid = DOMID_SELF,
					       .space = XENMAPSPACE_gmfn_foreign,
					       .size = 1,
					       .u.foreign_domid = domid };
	u64 *list = at(LIST);
	s64 result;

	list[0] = from;
	list[1] = to;
	set_xen_guest_handle_raw(op.idxs, (xen_ulong_t *)LIST);
	set_xen_guest_handle_raw(op.gpfns, (xen_pfn_t *)(LIST + 8));
	set_xen_guest_handle_raw(op.errs, (int *)(LIST + 16));
	result = CALL0(MEMORY, XENMEM_add_to_physmap_batch, &op);
	*status = (int)list[2];
	return result;
}

/* What the builder still maps keeps the domain from its first run. */
static void unpause_after_removing(struct domain *d, u64 gfn)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_unpausedomain, .domain = d->id };
	struct xen_remove_from_physmap r = { .domid = DOMID_SELF, .gpfn = gfn };

	fails(EBUSY, domctl(&op));
	ck_assert(!d->has_run);
	ok(CALL0(MEMORY, XENMEM_remove_from_physmap, &r));
	ok(domctl(&op));
	ck_assert(d->has_run);
}

/* Many extents go by in passes; progress is in the command, also inside a multicall. */
START_TEST(populate_in_passes)
{
	struct xen_domctl op = create_op(XEN_X86_EMU_LAPIC);
	struct multicall_entry entry = { .op = MEMORY,
					 .args = { XENMEM_populate_physmap, ARG + 256 } };
	struct xen_memory_reservation r;
	struct domain *d;
	u64 i;

	world();
	ok(domctl(&op));
	d = domain_by_id(op.domain);
	op.cmd = XEN_DOMCTL_max_mem;
	op.u.max_mem.max_memkb = 3 * 512 * 4 + 8;
	ok(domctl(&op));
	r = (struct xen_memory_reservation){ .nr_extents = 4, .extent_order = 9, .domid = d->id };
	for (i = 0; i < 4; i++)
		((u64 *)at(LIST))[i] = i * 512;
	set_xen_guest_handle_raw(r.extent_start, (xen_pfn_t *)LIST);
	memcpy(at(ARG), &entry, sizeof(entry));
	memcpy(at(ARG + 256), &r, sizeof(r));
	ok(hyper(vcpu0(dom0), __HYPERVISOR_multicall, ARG, 1, 0, 0));
	ck_assert_uint_eq(passes, 4);
	memcpy(&entry, at(ARG), sizeof(entry));
	ck_assert_uint_eq(entry.result,
			  3); /* the fourth does not fit into max_mem: all or nothing */
	ck_assert_uint_eq(d->tot_pages, 3 * 512);
	r.extent_order = 18; /* the tools fall back */
	ck_assert_int_eq(CALL0(MEMORY, XENMEM_populate_physmap, &r), 0);
	holds();
	destroy(d);
}
END_TEST

START_TEST(pool_of_a_real_guest)
{
	struct xen_memory_reservation r = { .nr_extents = 1 };
	struct domain *d;

	world();
	d = make_domain(0, 40);
	ck_assert(d->passive);
	ck_assert_uint_eq(d->pool_pages, 40);
	ck_assert_uint_eq(d->shared_info_mfn, 0);
	r.domid = d->id;
	set_xen_guest_handle_raw(r.extent_start, (xen_pfn_t *)LIST);
	*(u64 *)at(LIST) = MINV_POOL_GFN + 41; /* a hole */
	ck_assert_int_eq(CALL0(MEMORY, XENMEM_populate_physmap, &r), 0);
	*(u64 *)at(LIST) = MINV_POOL_GFN + 40;
	ck_assert_int_eq(CALL0(MEMORY, XENMEM_populate_physmap, &r), 1);
	*(u64 *)at(LIST) = 0;
	ck_assert_int_eq(CALL0(MEMORY, XENMEM_populate_physmap, &r), 0);
	destroy(d);
}
END_TEST

/* seal=no: the builder may look at any time, and what it maps is not in the way of the domain's end. */
START_TEST(foreign_without_seal)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_unpausedomain };
	struct domain *d;
	int status;

	world();
	domains_seal = false;
	d = make_domain(XEN_X86_EMU_LAPIC, 8);
	ok(map_foreign_page(d->id, 3, FAR, &status));
	ok(status);
	op.domain = d->id;
	ok(domctl(&op));
	ok(map_foreign_page(d->id, 4, FAR + 1, &status));
	ok(status);
	holds();
	fails(EPERM, map_foreign_page(0, 3, FAR + 2, &status));
	op.cmd = XEN_DOMCTL_destroydomain;
	ok(domctl(&op));
	holds();
	domains_seal = true;
}
END_TEST

/* The builder sees the domain's pages until it runs, not after. */
START_TEST(foreign_until_sealed)
{
	struct domain *d;
	u64 mfn;
	int status;

	world();
	d = make_domain(XEN_X86_EMU_LAPIC, 8);
	ok(physmap_own_frame(d, 3, &mfn));
	ok(map_foreign_page(d->id, 3, FAR, &status));
	ok(status);
	{
		struct mapping m;

		ok(physmap_find(dom0, FAR, &m));
		ck_assert_uint_eq(m.mfn, mfn);
		ck_assert_uint_eq(m.role, LEAF_BUILDER);
	}
	ok(map_foreign_page(d->id, 3, FAR, &status));
	ck_assert_int_eq(status, -EEXIST);
	ok(map_foreign_page(d->id, 99, FAR + 1, &status));
	ck_assert_int_eq(status, -EINVAL); /* never -ENOENT: that means try again */
	fails(EPERM, map_foreign_page(0, 3, FAR + 1, &status));
	fails(ESRCH, map_foreign_page(99, 3, FAR + 1, &status));
	unpause_after_removing(d, FAR);
	holds();
	{
		struct mapping m;

		fails(ENOENT, physmap_find(dom0, FAR, &m));
	}
	fails(EPERM, map_foreign_page(d->id, 3, FAR, &status));
	{
		struct xen_hvm_param p = { .domid = d->id, .index = HVM_PARAM_STORE_PFN };
		struct xen_domctl op = { .cmd = XEN_DOMCTL_gethvmcontext, .domain = d->id };

		fails(EPERM, CALL0(__HYPERVISOR_hvm_op, HVMOP_get_param, &p));
		fails(EPERM, domctl(&op));
		op.cmd = XEN_DOMCTL_set_cpu_policy;
		fails(EPERM, domctl(&op));
		op.cmd = XEN_DOMCTL_pausedomain;
		ok(domctl(&op));
		op.cmd = XEN_DOMCTL_getdomaininfo;
		ok(domctl(&op));
		ck_assert_uint_eq(op.u.getdomaininfo.flags & XEN_DOMINF_paused, XEN_DOMINF_paused);
	}
	destroy(d);
}
END_TEST

/* Linux puts shared info on a RAM page, which goes back; then it may give that gfn away. */
START_TEST(shared_info_over_ram)
{
	struct domain *d;
	struct xen_add_to_physmap op = { .domid = DOMID_SELF,
					 .space = XENMAPSPACE_shared_info,
					 .gpfn = 1 };
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };
	struct shared_info *s;
	u64 args, mfn;

	world();
	d = make_domain(XEN_X86_EMU_LAPIC, 8);
	ok(physmap_own_frame(d, 0, &args));
	memcpy(ram[args], &op, sizeof(op));
	ok(hyper(vcpu0(d), MEMORY, XENMEM_add_to_physmap, 0, 0, 0));
	ck_assert_uint_eq(d->tot_pages, 7);
	ok(physmap_own_frame(d, 1, &mfn));
	ck_assert_uint_eq(mfn, d->shared_info_mfn);
	s = (struct shared_info *)ram[mfn];
	ck_assert_uint_eq(s->wc_sec, 1700000000);
	ck_assert_uint_eq(s->wc_version & 1, 0);
	ck_assert_uint_eq(s->vcpu_info[0].time.tsc_timestamp, 77);
	ck_assert_uint_eq(s->vcpu_info[0].time.flags, 1);
	op.gpfn = 100; /* moves */
	memcpy(ram[args], &op, sizeof(op));
	ok(hyper(vcpu0(d), MEMORY, XENMEM_add_to_physmap, 0, 0, 0));
	fails(ENOENT, physmap_own_frame(d, 1, &mfn));
	*(u64 *)(ram[args] + 256) = 100;
	set_xen_guest_handle_raw(r.extent_start, (xen_pfn_t *)256);
	memcpy(ram[args], &r, sizeof(r));
	ck_assert_int_eq(hyper(vcpu0(d), MEMORY, XENMEM_decrease_reservation, 0, 0, 0), 1);
	ck_assert_uint_eq(d->shared_info_gfn, ~0ull);
	ck_assert_uint_eq(frame_state_of(d->shared_info_mfn),
			  FRAME_OWNED); /* still the core's way in */
	ck_assert_uint_eq(d->tot_pages, 7);
	holds();
	destroy(d);
}
END_TEST

START_TEST(claims)
{
	struct domain *a, *b;
	struct xen_memory_reservation r = { .nr_extents = 0 };
	u64 free, i;

	world();
	a = make_domain(XEN_X86_EMU_LAPIC, 1);
	b = make_domain(XEN_X86_EMU_LAPIC, 1);
	free = frames_free();
	a->max_pages = b->max_pages = 100000;
	r.domid = a->id;
	r.nr_extents = free + 2;
	fails(ENOMEM, CALL0(MEMORY, XENMEM_claim_pages, &r));
	r.nr_extents = free - 10 + a->tot_pages;
	ok(CALL0(MEMORY, XENMEM_claim_pages, &r));
	ck_assert_uint_eq(claims_total, free - 10);
	fails(EINVAL, CALL0(MEMORY, XENMEM_claim_pages, &r)); /* one at a time */
	for (i = 0; i < 20; i++)
		((u64 *)at(LIST))[i] = 50 + i;
	r = (struct xen_memory_reservation){ .nr_extents = 20, .domid = b->id };
	set_xen_guest_handle_raw(r.extent_start, (xen_pfn_t *)LIST);
	ck_assert_int_eq(CALL0(MEMORY, XENMEM_populate_physmap, &r), 10);
	r.domid = a->id;
	ck_assert_int_eq(CALL0(MEMORY, XENMEM_populate_physmap, &r), 20);
	ck_assert_uint_eq(a->claimed_pages, free - 30);
	destroy(a);
	ck_assert_uint_eq(claims_total, 0);
	destroy(b);
}
END_TEST

static struct gnttab_map_grant_ref map_op(u16 dom, u32 ref, u32 flags, u64 gfn)
{
	return (struct gnttab_map_grant_ref){
		.host_addr = gfn << PAGE_SHIFT, .flags = flags, .ref = ref, .dom = dom
	};
}

static struct grant_entry_v1 *entry_of(struct domain *d, u32 ref)
{
	return (struct grant_entry_v1 *)ram[d->grant_mfn[0]] + ref;
}

static void grant_page(struct domain *d, u32 ref, u32 gfn, u16 flags)
{
	*entry_of(d, ref) = (struct grant_entry_v1){ .flags = flags, .domid = 0, .frame = gfn };
}

/* The tools seed the first two references through acquire_resource; daemons map them by gntdev. */
START_TEST(grants)
{
	struct xen_mem_acquire_resource acquire = { .type = XENMEM_resource_grant_table,
						    .nr_frames = 1 };
	struct gnttab_map_grant_ref op;
	struct gnttab_unmap_grant_ref un;
	struct domain *d;
	struct mapping m;
	u64 mfn;

	world();
	d = make_domain(XEN_X86_EMU_LAPIC, 8);
	acquire.domid = d->id;
	set_xen_guest_handle_raw(acquire.frame_list, (xen_pfn_t *)LIST);
	*(u64 *)at(LIST) = FAR;
	ok(CALL0(MEMORY, XENMEM_acquire_resource, &acquire));
	ok(physmap_find(dom0, FAR, &m));
	ck_assert_uint_eq(m.mfn, d->grant_mfn[0]);
	acquire.type = XENMEM_resource_ioreq_server;
	fails(EOPNOTSUPP, CALL0(MEMORY, XENMEM_acquire_resource, &acquire));
	grant_page(d, 0, 5, GTF_permit_access);
	grant_page(d, 1, 6, GTF_permit_access | GTF_readonly);
	unpause_after_removing(d, FAR);

	op = map_op(d->id, 0, GNTMAP_host_map, FAR + 8);
	ok(CALL0(GRANT, GNTTABOP_map_grant_ref, &op));
	ck_assert_int_eq(op.status, GNTST_okay);
	ok(physmap_own_frame(d, 5, &mfn));
	ok(physmap_find(dom0, FAR + 8, &m));
	ck_assert_uint_eq(m.mfn, mfn);
	ck_assert(m.write && !m.exec);
	ck_assert_uint_eq(entry_of(d, 0)->flags, GTF_permit_access | GTF_reading | GTF_writing);
	un = (struct gnttab_unmap_grant_ref){ .host_addr = (FAR + 9) << PAGE_SHIFT,
					      .handle = op.handle };
	ok(CALL0(GRANT, GNTTABOP_unmap_grant_ref, &un));
	ck_assert_int_eq(un.status, GNTST_bad_virt_addr);
	/* by no other way */
	{
		struct xen_remove_from_physmap r = { .domid = DOMID_SELF, .gpfn = FAR + 8 };

		fails(EPERM, CALL0(MEMORY, XENMEM_remove_from_physmap, &r));
	}
	/* what is in use is not mapped over */
	op = map_op(d->id, 0, GNTMAP_host_map, FAR + 8);
	ok(CALL0(GRANT, GNTTABOP_map_grant_ref, &op));
	ck_assert_int_eq(op.status, GNTST_general_error);
	op = map_op(d->id, 0, GNTMAP_host_map, 20);
	ok(CALL0(GRANT, GNTTABOP_map_grant_ref, &op));
	ck_assert_int_eq(op.status, GNTST_general_error);
	/* a read-only grant, a reference that is none, one that is too far, a domain that is none */
	op = map_op(d->id, 1, GNTMAP_host_map, FAR + 9);
	ok(CALL0(GRANT, GNTTABOP_map_grant_ref, &op));
	ck_assert_int_eq(op.status, GNTST_general_error);
	op = map_op(d->id, 2, GNTMAP_host_map, FAR + 9);
	ok(CALL0(GRANT, GNTTABOP_map_grant_ref, &op));
	ck_assert_int_eq(op.status, GNTST_general_error);
	op = map_op(d->id, 512, GNTMAP_host_map, FAR + 9);
	ok(CALL0(GRANT, GNTTABOP_map_grant_ref, &op));
	ck_assert_int_eq(op.status, GNTST_bad_gntref);
	op = map_op(99, 0, GNTMAP_host_map, FAR + 9);
	ok(CALL0(GRANT, GNTTABOP_map_grant_ref, &op));
	ck_assert_int_eq(op.status, GNTST_bad_domain);
	op = map_op(d->id, 1, GNTMAP_host_map | GNTMAP_readonly, FAR + 9);
	ok(CALL0(GRANT, GNTTABOP_map_grant_ref, &op));
	ck_assert_int_eq(op.status, GNTST_okay);
	ck_assert_uint_eq(entry_of(d, 1)->flags, GTF_permit_access | GTF_readonly | GTF_reading);
	ok(physmap_find(dom0, FAR + 9, &m));
	ck_assert(!m.write);
	/* a second mapping of the first: the flags stay until both are gone */
	op = map_op(d->id, 0, GNTMAP_host_map | GNTMAP_readonly, FAR + 10);
	ok(CALL0(GRANT, GNTTABOP_map_grant_ref, &op));
	ck_assert_int_eq(op.status, GNTST_okay);
	un = (struct gnttab_unmap_grant_ref){ .host_addr = (FAR + 8) << PAGE_SHIFT, .handle = 0 };
	ok(CALL0(GRANT, GNTTABOP_unmap_grant_ref, &un));
	ck_assert_int_eq(un.status, GNTST_okay);
	ck_assert_uint_eq(entry_of(d, 0)->flags, GTF_permit_access | GTF_reading);
	ok(CALL0(GRANT, GNTTABOP_unmap_grant_ref, &un));
	ck_assert_int_eq(un.status, GNTST_bad_handle);
	un = (struct gnttab_unmap_grant_ref){ .host_addr = (FAR + 10) << PAGE_SHIFT,
					      .handle = op.handle };
	ok(CALL0(GRANT, GNTTABOP_unmap_grant_ref, &un));
	ck_assert_uint_eq(entry_of(d, 0)->flags, GTF_permit_access);
	holds();

	/* the granter dies: its page stays, condemned, until dom0 unmaps it */
	ok(physmap_find(dom0, FAR + 9, &m));
	destroy(d);
	ck_assert_uint_eq(frame_state_of(m.mfn), FRAME_CONDEMNED);
	un = (struct gnttab_unmap_grant_ref){ .host_addr = (FAR + 9) << PAGE_SHIFT, .handle = 1 };
	ok(CALL0(GRANT, GNTTABOP_unmap_grant_ref, &un));
	ck_assert_int_eq(un.status, GNTST_okay);
	ck_assert_uint_ne(frame_state_of(m.mfn), FRAME_CONDEMNED);
	holds();
}
END_TEST

START_TEST(copy_by_grants)
{
	struct gnttab_copy op = { .len = 100, .flags = GNTCOPY_dest_gref };
	struct domain *d;
	u64 mfn;

	world();
	d = make_domain(XEN_X86_EMU_LAPIC, 8);
	grant_page(d, 8, 5, GTF_permit_access);
	grant_page(d, 9, 6, GTF_permit_access | GTF_readonly);
	ok(physmap_own_frame(d, 5, &mfn));
	memset(at(40 * PAGE_SIZE), 0x5a, 4096);
	op.source = (struct gnttab_copy_ptr){ .u.gmfn = 40, .domid = DOMID_SELF, .offset = 7 };
	op.dest = (struct gnttab_copy_ptr){ .u.ref = 8, .domid = d->id, .offset = 3996 };
	ok(CALL0(GRANT, GNTTABOP_copy, &op));
	ck_assert_int_eq(op.status, GNTST_okay);
	ck_assert_uint_eq(ram[mfn][3995], 0);
	ck_assert_uint_eq(ram[mfn][4095], 0x5a);
	ck_assert_uint_eq(entry_of(d, 8)->flags, GTF_permit_access);
	op.dest.offset = 3997; /* over the page's end */
	ok(CALL0(GRANT, GNTTABOP_copy, &op));
	ck_assert_int_eq(op.status, GNTST_bad_copy_arg);
	op.dest.offset = 0;
	op.dest.u.ref = 9;
	ok(CALL0(GRANT, GNTTABOP_copy, &op));
	ck_assert_int_eq(op.status, GNTST_general_error);
	op.flags = 0;
	op.dest = (struct gnttab_copy_ptr){ .u.gmfn = 5, .domid = d->id };
	ok(CALL0(GRANT, GNTTABOP_copy, &op));
	ck_assert_int_eq(op.status, GNTST_permission_denied);
	destroy(d);
}
END_TEST

/* Nothing of the core's own memory stays behind, whatever the domain had. */
START_TEST(no_leak)
{
	struct gnttab_map_grant_ref op;
	struct domain *d;
	u32 before, i;
	u64 free;

	world();
	d = make_domain(XEN_X86_EMU_LAPIC, 8);
	grant_page(d, 0, 5, GTF_permit_access);
	op = map_op(d->id, 0, GNTMAP_host_map, FAR);
	ok(CALL0(GRANT, GNTTABOP_map_grant_ref, &op)); /* dom0's tables and handles exist now */
	{
		struct gnttab_unmap_grant_ref un = { .host_addr = FAR << PAGE_SHIFT,
						     .handle = op.handle };

		ok(CALL0(GRANT, GNTTABOP_unmap_grant_ref, &un));
	}
	destroy(d);
	before = core_pages;
	free = frames_free();
	for (i = 0; i < 5; i++) {
		struct xen_foreign_memory_map map = { .map.nr_entries = 2 };

		d = make_domain(i & 1 ? XEN_X86_EMU_LAPIC : 0, 8);
		map.domid = d->id;
		set_xen_guest_handle_raw(map.map.buffer, (void *)LIST);
		ok(CALL0(MEMORY, XENMEM_set_memory_map, &map));
		destroy(d);
		ck_assert_uint_eq(core_pages, before);
		ck_assert_uint_eq(frames_free(), free);
	}
}
END_TEST

TESTS(populate_in_passes, pool_of_a_real_guest, foreign_until_sealed, foreign_without_seal,
      shared_info_over_ram, claims, grants, copy_by_grants, no_leak)
