// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random hypercalls: every number, every operation, arguments that are often nearly right.  spares() leaves out
 * what a dom0 may do to itself and would not survive; everything else is fair.
 */
#include "hostile.h"

#include <errno.h>

#include <xen/xen.h>

#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>

#define SLICE	512u /* of the arena: one structure and what it points to */
#define ENTRIES 20u
#define OWN_PORTS \
	2048u /* Linux binds from below: ports from here on are nobody's or this program's */
#define NEIGHBOURS   16u
#define IN_ARENA(at) ((u64)(at) - (u64)arena < ARENA - SLICE)

static u64 made[64], answered[64], faulted[64];

/* A place for a structure: mostly good memory, else one of the bad pointers. */
static u64 place(void)
{
	if (random_below(5) == 0)
		return bad[random_below(nr_bad)].address;
	return (u64)arena + random_below((ARENA - SLICE - PAGE) / 8) * 8;
}

static u64 some_domain(void)
{
	static const u16 ids[] = { 0,	DOMID_SELF, DOMID_IO, DOMID_XEN, DOMID_INVALID,
				   950, 1023,	    1024 };

	if (in_guest && random_below(2)) /* its neighbours */
		return random_below(NEIGHBOURS);
	return random_below(2) ? VICTIM + random_below(VICTIMS)
			       : ids[random_below(sizeof(ids) / sizeof(ids[0]))];
}

static u64 some_value(void)
{
	static const u64 edges[] = { 0,
				     1,
				     2,
				     7,
				     8,
				     63,
				     64,
				     127,
				     255,
				     256,
				     4095,
				     4096,
				     65535,
				     65536,
				     0x7fffffff,
				     0x80000000,
				     0xffffffff,
				     1ull << 32,
				     1ull << 36,
				     1ull << 40,
				     1ull << 52,
				     1ull << 63,
				     ~0ull,
				     CORE_START,
				     CORE_START >> 12,
				     APIC_PAGE,
				     APIC_PAGE >> 12,
				     0x31000 };

	switch (random_below(8)) {
	case 0:
	case 1:
		return random_below(16);
	case 2:
	case 3:
		return edges[random_below(sizeof(edges) / sizeof(edges[0]))];
	case 4:
		return place();
	case 5:
		return some_domain();
	case 6:
		return edges[random_below(sizeof(edges) / sizeof(edges[0]))] | some_domain() << 32;
	default:
		return random_word();
	}
}

static void fill(u64 at, u32 bytes)
{
	if (!IN_ARENA(at))
		return;
	for (u32 i = 0; i < bytes; i += 8) {
		u64 word = some_value();

		memcpy((void *)(at + i), &word, 8);
	}
}

static bool is_self(u64 domain)
{
	return (u16)domain == DOMID_SELF || (u16)domain == in_guest;
}

/* Other domains than the victims: what a dom0 may do to them is no concern of this test. A guest may do nothing. */
static bool is_other(u64 domain)
{
	return !in_guest && (u16)domain < VICTIM && (u16)domain != 0;
}

static bool spares_memory(u64 op, u64 at)
{
	struct xen_add_to_physmap *add = (void *)at;
	struct xen_remove_from_physmap *drop = (void *)at;
	struct xen_memory_reservation *reservation = (void *)at;

	switch (op & 63) {
	case XENMEM_increase_reservation:
	case XENMEM_decrease_reservation: /* its own memory */
	case XENMEM_claim_pages:	  /* all memory, in its own name */
		return !is_self(reservation->domid) && !is_other(reservation->domid);
	case XENMEM_add_to_physmap: /* its shared info and grant table, away from where Linux looks */
		return add->space > XENMAPSPACE_grant_table;
	case XENMEM_remove_from_physmap: /* its own memory */
		return !is_self(drop->domid) ||
		       (drop->gpfn >= CORE_START >> 12 && drop->gpfn < CORE_LATE);
	default:
		return true;
	}
}

static bool spares_ports(u64 op, u64 at)
{
	struct evtchn_close *shut = (void *)at;
	struct evtchn_reset *reset = (void *)at;
	struct evtchn_alloc_unbound *alloc = (void *)at;

	switch (op) {
	case EVTCHNOP_close: /* Linux's ports */
	case EVTCHNOP_unmask:
	case EVTCHNOP_bind_vcpu:
	case EVTCHNOP_send:
		shut->port = (shut->port & 0xffff0fff) | OWN_PORTS;
		return true;
	case EVTCHNOP_reset:
		return !is_self(reset->dom) && !is_other(reset->dom);
	case EVTCHNOP_alloc_unbound: /* fills another's ports */
		return !is_other(alloc->dom);
	default:
		return true;
	}
}

static bool spares_domctl(struct xen_domctl *op)
{
	if (op->cmd == XEN_DOMCTL_createdomain) {
		op->domain = (domid_t)(VICTIM + random_below(VICTIMS));
		return true;
	}
	if (is_other(op->domain))
		return op->cmd == XEN_DOMCTL_getdomaininfo;
	if (!is_self(op->domain))
		return true;
	switch (op->cmd) {
	case XEN_DOMCTL_max_mem: /* its own limits, weight, place, name */
	case XEN_DOMCTL_scheduler_op:
	case XEN_DOMCTL_setvcpuaffinity:
	case XEN_DOMCTL_setdomainhandle:
	case XEN_DOMCTL_settimeoffset:
		return false;
	default:
		return true;
	}
}

static bool spares_hvm(u64 op, u64 at)
{
	struct xen_hvm_param *param = (void *)at;

	/* how its events reach it, and where xenstore is */
	return op != HVMOP_set_param || !is_self(param->domid) ||
	       (param->index != HVM_PARAM_CALLBACK_IRQ && param->index != HVM_PARAM_STORE_EVTCHN &&
		param->index != HVM_PARAM_CONSOLE_EVTCHN);
}

/* What another domain granted, a dom0 may map and write to: seed 7 had a guest's console page where it writes results. */
static void spares_grants(u64 op, u64 at, u64 count)
{
	struct gnttab_copy *copy = (void *)at;
	struct gnttab_map_grant_ref *map = (void *)at;
	u64 room = (u64)arena + ARENA - at;

	for (u64 i = 0; op == GNTTABOP_copy && i < count && i < room / sizeof(*copy); i++) {
		copy[i].flags |= GNTCOPY_dest_gref; /* into its own frames */
		if (is_other(copy[i].dest.domid))
			copy[i].dest.domid = VICTIM;
	}
	for (u64 i = 0; op == GNTTABOP_map_grant_ref && i < count && i < room / sizeof(*map); i++)
		if (is_other(map[i].dom))
			map[i].dom = VICTIM;
}

/*
 * In a list the structures of later calls may be overwritten by the results of earlier ones: what they hold when
 * their turn comes is anybody's guess.  So here only numbers count.
 */
static bool spares_in_list(u64 nr, u64 op)
{
	switch (nr) {
	case __HYPERVISOR_memory_op:
		op &= 63;
		return op != XENMEM_increase_reservation && op != XENMEM_decrease_reservation &&
		       op != XENMEM_claim_pages && op != XENMEM_add_to_physmap &&
		       op != XENMEM_remove_from_physmap;
	case __HYPERVISOR_event_channel_op:
		return op == EVTCHNOP_status || op == EVTCHNOP_bind_virq || op > EVTCHNOP_reset;
	case __HYPERVISOR_hvm_op:
		return op != HVMOP_set_param;
	case __HYPERVISOR_grant_table_op:
		return op != GNTTABOP_copy && op != GNTTABOP_map_grant_ref;
	case __HYPERVISOR_vcpu_op: /* its timer stopped, an area to write to */
	case __HYPERVISOR_set_timer_op:
	case __HYPERVISOR_sched_op:
	case __HYPERVISOR_console_io:
	case __HYPERVISOR_sysctl:
	case __HYPERVISOR_domctl:
		return false;
	default:
		return true;
	}
}

static bool spares(u64 nr, u64 *arg, bool nested)
{
	struct multicall_entry *entry = (void *)list;
	bool good = IN_ARENA(arg[1]);

	if (nested && !spares_in_list(nr, arg[0]))
		return false;
	switch (nr) {
	case __HYPERVISOR_memory_op:
		return !good || spares_memory(arg[0], arg[1]);
	case __HYPERVISOR_multicall:
		for (u32 i = 0; i < ENTRIES; i++) /* a list in a list is refused as a whole */
			if (entry[i].op != __HYPERVISOR_multicall &&
			    !spares(entry[i].op, (u64 *)entry[i].args, true))
				entry[i].op = 63;
		return true;
	case __HYPERVISOR_grant_table_op:
		if (good)
			spares_grants(arg[0], arg[1], arg[2] & 0xffffffff);
		return true;
	case __HYPERVISOR_vcpu_op: /* its own end; an area that the core writes to when this program is gone */
		return arg[0] != VCPUOP_down &&
		       (!IN_ARENA(arg[2]) || (arg[0] != VCPUOP_register_runstate_memory_area &&
					      arg[0] != VCPUOP_register_vcpu_time_memory_area));
	case __HYPERVISOR_sched_op: /* its own end */
		return arg[0] != SCHEDOP_shutdown &&
		       (arg[0] != SCHEDOP_remote_shutdown || !good ||
			!is_other(((struct sched_remote_shutdown *)arg[1])->domain_id));
	case __HYPERVISOR_event_channel_op:
		return !good || spares_ports(arg[0], arg[1]);
	case __HYPERVISOR_hvm_op:
		return !good || spares_hvm(arg[0], arg[1]);
	case __HYPERVISOR_console_io: /* a screen full of noise */
		return arg[0] != CONSOLEIO_write ||
		       (!IN_ARENA(arg[2]) && arg[2] - (u64)read_only >= PAGE);
	case __HYPERVISOR_sysctl: /* debug keys: the same */
		return !IN_ARENA(arg[0]) ||
		       ((struct xen_sysctl *)arg[0])->cmd != XEN_SYSCTL_debug_keys;
	case __HYPERVISOR_domctl:
		return !IN_ARENA(arg[0]) || spares_domctl((struct xen_domctl *)arg[0]);
	default:
		return true;
	}
}

static void versioned(u64 at, u32 cmds, u32 version, bool domain)
{
	struct xen_domctl *op = (void *)at;

	if (!IN_ARENA(at))
		return;
	op->cmd = (u32)random_below(cmds);
	if (random_below(16))
		op->interface_version = version;
	if (domain)
		op->domain = (domid_t)some_domain();
}

static u64 some_operation(u64 nr)
{
	static const u8 operations[64] = {
		[__HYPERVISOR_memory_op] = 30,	[__HYPERVISOR_xen_version] = 12,
		[__HYPERVISOR_console_io] = 3,	[__HYPERVISOR_grant_table_op] = 14,
		[__HYPERVISOR_vm_assist] = 3,	[__HYPERVISOR_vcpu_op] = 15,
		[__HYPERVISOR_sched_op] = 9,	[__HYPERVISOR_event_channel_op] = 15,
		[__HYPERVISOR_physdev_op] = 35, [__HYPERVISOR_hvm_op] = 27,
	};

	if (!operations[nr] || !random_below(32))
		return some_value();
	return random_below(operations[nr]) |
	       (nr == __HYPERVISOR_memory_op && !random_below(16) ? some_value() << 6 : 0);
}

static u64 make_call(u64 *arg, bool nested)
{
	static const u8 known[] = { 7,	12, 13, 15, 17, 18, 20, 21, 24, 29,
				    32, 33, 34, 35, 36, 12, 20, 32, 36, 36 };
	u64 nr = random_below(8) ? known[random_below(sizeof(known))] : random_below(64), i;

	if (nested && nr == __HYPERVISOR_multicall && random_below(8))
		nr = __HYPERVISOR_memory_op;
	for (i = 0; i < 5; i++)
		arg[i] = some_value();
	switch (nr) {
	case __HYPERVISOR_platform_op:
		arg[0] = place();
		fill(arg[0], 64);
		versioned(arg[0], 66, XENPF_INTERFACE_VERSION, false);
		break;
	case __HYPERVISOR_sysctl:
		arg[0] = place();
		fill(arg[0], sizeof(struct xen_sysctl));
		versioned(arg[0], 32, XEN_SYSCTL_INTERFACE_VERSION, false);
		break;
	case __HYPERVISOR_domctl:
		arg[0] = place();
		fill(arg[0], sizeof(struct xen_domctl));
		versioned(arg[0], 90, XEN_DOMCTL_INTERFACE_VERSION, true);
		break;
	case __HYPERVISOR_multicall:
		arg[0] = random_below(5) ? (u64)list : bad[random_below(nr_bad)].address;
		arg[1] = random_below(8) ? random_below(ENTRIES) : some_value();
		for (i = 0; !nested && i < ENTRIES; i++) {
			struct multicall_entry *e = (struct multicall_entry *)list + i;

			e->op = make_call((u64 *)e->args, true);
		}
		break;
	case __HYPERVISOR_vcpu_op:
		arg[0] = some_operation(nr);
		arg[1] = random_below(3);
		arg[2] = place();
		fill(arg[2], 64);
		break;
	case __HYPERVISOR_grant_table_op:
		arg[2] = random_below(8) ? random_below(5) : some_value();
		/* fall through */
	default:
		arg[0] = some_operation(nr);
		if (nr != __HYPERVISOR_console_io)
			arg[1] = place();
		fill(arg[1], 192);
		break;
	}
	return nr;
}

/* Every now and then a call of which all is right, so that the random ones meet something. */
static void build_something(void)
{
	u32 id = VICTIM + (u32)random_below(VICTIMS);
	struct xen_domctl op = { .cmd = XEN_DOMCTL_destroydomain,
				 .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
				 .domain = (domid_t)id };
	u64 gfns[8];
	struct xen_memory_reservation memory = { .nr_extents = 8, .domid = (domid_t)id };

	if (random_below(4) == 0) {
		call(__HYPERVISOR_domctl, &op, 0, 0);
		return;
	}
	if (victim_make(id))
		return;
	op.cmd = XEN_DOMCTL_max_vcpus;
	op.u.max_vcpus.max = 1;
	call(__HYPERVISOR_domctl, &op, 0, 0);
	for (u32 i = 0; i < 8; i++)
		gfns[i] = i;
	set_xen_guest_handle(memory.extent_start, (xen_pfn_t *)gfns);
	call(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &memory, 0);
}

/* Ports that the calls bound are given back, or there would soon be none. */
static void close_ports(void)
{
	for (u32 port = 1; port < 4096; port++) {
		struct evtchn_status status = { .dom = DOMID_SELF, .port = port };
		struct evtchn_close shut = { .port = port };

		if (!call(__HYPERVISOR_event_channel_op, EVTCHNOP_status, &status, 0) &&
		    (port >= OWN_PORTS ||
		     (status.status == EVTCHNSTAT_unbound && status.u.unbound.dom >= VICTIM &&
		      status.u.unbound.dom < DOMID_SELF)))
			call(__HYPERVISOR_event_channel_op, EVTCHNOP_close, &shut, 0);
	}
}

void attack_random(u64 calls)
{
	u64 left_out = 0, arg[5], nr;
	long result;

	for (u64 i = 0; i < calls; i++) {
		if (!in_guest && !random_below(100))
			build_something();
		nr = make_call(arg, false);
		if (!spares(nr, arg, false)) {
			left_out++;
			continue;
		}
		result = call5(nr, arg[0], arg[1], arg[2], arg[3], arg[4]);
		made[nr]++;
		answered[nr] += result >= 0;
		faulted[nr] += result == -EFAULT;
		/* (a number of pages may be any) */
		if (result < -200 && nr != __HYPERVISOR_memory_op)
			wrong("hypercall %u (0x%llx, 0x%llx): %ld", (u32)nr,
			      (unsigned long long)arg[0], (unsigned long long)arg[1], result);
		if (nr == __HYPERVISOR_vcpu_op || nr == __HYPERVISOR_set_timer_op ||
		    nr == __HYPERVISOR_multicall)
			timer_repair();
		if (i % 10000 == 9999)
			close_ports();
		if (!in_guest && i % 25000 == 24999)
			invariant_ask();
	}
	close_ports();
	if (!in_guest)
		invariant_ask();
	for (nr = 0; nr < 64; nr++)
		if (answered[nr] || faulted[nr])
			printf("hypercall %2u: %llu calls, %llu answered, %llu -EFAULT\n", (u32)nr,
			       (unsigned long long)made[nr], (unsigned long long)answered[nr],
			       (unsigned long long)faulted[nr]);
	printf("%llu random calls, %llu left out\n", (unsigned long long)(calls - left_out),
	       (unsigned long long)left_out);
}
