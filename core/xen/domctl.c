// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * domctl: dom0 over domains.  Once a domain has run, what remains is its life (pause, unpause,
 * destroy), its scheduling, its limits and information about it.
 */
#include "xen/call.h"

static int max_vcpus(struct domain *d, u32 nr)
{
	if (d->vcpus[0])
		return -EBUSY;
	if (!nr || nr != d->max_vcpus)
		return -EINVAL;
	return domain_make_vcpus(d, nr);
}

static int vcpu_info(struct domain *d, struct xen_domctl_getvcpuinfo *op)
{
	const struct vcpu *v = vcpu_of(d, op->vcpu);

	if (op->vcpu >= DOMAIN_VCPUS)
		return -EINVAL;
	if (!v)
		return -ESRCH;
	op->online = v->start == START_UP;
	op->blocked = v->blocked;
	op->running = vcpu_is_running(v);
	op->cpu_time = vcpu_time(v);
	op->cpu = v->runner ? v->runner->cpu : v->cpu;
	return 0;
}

#define PAUSES 255u /* that dom0 may have at once, as on Xen */

static int pause(struct call *c, struct domain *d)
{
	if (d == c->d)
		return -EINVAL;
	if (d->pause_count >= PAUSES)
		return -EOVERFLOW;
	domain_pause(d);
	return 0;
}

/* XEN_DOMCTL_settscinfo modes (the headers name them only in prose). */
#define TSC_DEFAULT	   0
#define TSC_ALWAYS_EMULATE 1
#define TSC_NEVER_EMULATE  2

static int set_tsc(struct domain *d, const struct xen_domctl_tsc_info *op)
{
	struct xen_domain *x = xen_of(d);

	if (op->tsc_mode == TSC_ALWAYS_EMULATE)
		return -EOPNOTSUPP;
	if (op->tsc_mode != TSC_DEFAULT && op->tsc_mode != TSC_NEVER_EMULATE)
		return -EINVAL;
	x->tsc_mode = op->tsc_mode;
	return 0;
}

static int get_tsc(struct domain *d, struct xen_domctl_tsc_info *op)
{
	op->tsc_mode = xen_of(d)->tsc_mode;
	op->gtsc_khz = (u32)core_clock.khz;
	op->incarnation = 0;
	op->elapsed_nsec = 0;
	return 0;
}

/* The tools' pool for shadow and nested tables: a number that they set and ask back; the core's tables
 * have their own quota. */
static int set_mempool(struct domain *d, u64 bytes)
{
	if (bytes & (PAGE_SIZE - 1))
		return -EINVAL;
	d->mempool_bytes = bytes;
	return 0;
}

static s64 shadow_op(struct domain *d, struct xen_domctl_shadow_op *op)
{
	switch (op->op) {
	case XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION:
		op->mb = (u32)(d->mempool_bytes >> 20);
		return 0;
	case XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION:
		return set_mempool(d, (u64)op->mb << 20);
	case XEN_DOMCTL_SHADOW_OP_OFF:
		return 0; /* is off */
	default:
		return CALL_AGAIN; /* dirty tracking and the like: not for the builder of a sealed domain */
	}
}

static int node_affinity(struct call *c, struct xen_domctl_nodeaffinity *op, bool set)
{
	u64 nodes = 1;

	if (!set)
		return bitmap_to_guest(c, &op->nodemap, nodes);
	if (bitmap_from_guest(c, &op->nodemap, &nodes))
		return -EFAULT;
	return nodes & 1 ? 0 : -EINVAL; /* there is one node */
}

static int set_target(struct call *c, struct domain *d, domid_t target)
{
	struct domain *guest = domain_by_id(target);

	if (!guest || guest->life != LIFE_ALIVE)
		return -ESRCH;
	if (guest == d || guest == c->d || d == c->d)
		return -EINVAL;
	return domain_pair_with(d, guest);
}

static int get_info(struct call *c, struct xen_domctl *op)
{
	struct domain *d = op->domain == DOMID_SELF ? c->d : domain_from(op->domain);

	if (!d)
		return -ESRCH;
	domain_info(d, &op->u.getdomaininfo);
	op->domain = d->id;
	return 0;
}

/* Operations on a domain whatever its state. */
static s64 on_any(struct call *c, struct domain *d, struct xen_domctl *op)
{
	switch (op->cmd) {
	case XEN_DOMCTL_destroydomain:
		return d == c->d ? -EINVAL : domctl_destroy(d);
	case XEN_DOMCTL_pausedomain:
		return pause(c, d);
	case XEN_DOMCTL_unpausedomain:
		return d == c->d ? -EINVAL : domctl_unpause(d);
	case XEN_DOMCTL_getvcpuinfo:
		return vcpu_info(d, &op->u.getvcpuinfo);
	case XEN_DOMCTL_get_paging_mempool_size:
		op->u.paging_mempool.size = d->mempool_bytes;
		return 0;
	case XEN_DOMCTL_get_address_size:
		op->u.address_size.size = 64;
		return 0;
	default:
		return CALL_AGAIN; /* not one of these */
	}
}

/* Operations on a living domain that stay allowed after its first run. */
static s64 on_living(struct call *c, struct domain *d, struct xen_domctl *op)
{
	switch (op->cmd) {
	case XEN_DOMCTL_setvcpuaffinity:
	case XEN_DOMCTL_getvcpuaffinity:
		return domctl_affinity(c, d, op);
	case XEN_DOMCTL_shadow_op:
		return shadow_op(d, &op->u.shadow_op);
	case XEN_DOMCTL_max_mem:
		d->max_pages = op->u.max_mem.max_memkb >> (PAGE_SHIFT - 10);
		return 0;
	case XEN_DOMCTL_scheduler_op:
		return domctl_scheduler(d, &op->u.scheduler_op);
	case XEN_DOMCTL_setdomainhandle:
		memcpy(d->uuid, op->u.setdomainhandle.handle, sizeof(d->uuid));
		return 0;
	case XEN_DOMCTL_settimeoffset:
		xen_of(d)->time_offset = op->u.settimeoffset.time_offset_seconds;
		time_wallclock_write(d);
		return 0;
	case XEN_DOMCTL_gettscinfo:
		return get_tsc(d, &op->u.tsc_info);
	case XEN_DOMCTL_setnodeaffinity:
		return node_affinity(c, &op->u.nodeaffinity, true);
	case XEN_DOMCTL_getnodeaffinity:
		return node_affinity(c, &op->u.nodeaffinity, false);
	case XEN_DOMCTL_set_paging_mempool_size:
		return set_mempool(d, op->u.paging_mempool.size);
	default:
		return CALL_AGAIN;
	}
}

/* Operations of a builder. */
static s64 on_unsealed(struct call *c, struct domain *d, struct xen_domctl *op)
{
	s64 result;

	switch (op->cmd) {
	case XEN_DOMCTL_max_vcpus:
		return max_vcpus(d, op->u.max_vcpus.max);
	case XEN_DOMCTL_set_target:
		return set_target(c, d, op->u.set_target.target);
	case XEN_DOMCTL_settscinfo:
		return set_tsc(d, &op->u.tsc_info);
	case XEN_DOMCTL_shadow_op:
		return -EOPNOTSUPP;
	case XEN_DOMCTL_gethvmcontext:
		domain_pause(d);
		result = hvm_context_get(c, d, &op->u.hvmcontext);
		domain_unpause(d);
		return result;
	case XEN_DOMCTL_sethvmcontext:
		return hvm_context_set(c, d, &op->u.hvmcontext);
	case XEN_DOMCTL_getvcpucontext:
		return vcpu_context_get(c, d, &op->u.vcpucontext);
	case XEN_DOMCTL_get_cpu_policy:
		return policy_get(c, d, &op->u.cpu_policy);
	case XEN_DOMCTL_set_cpu_policy:
		return policy_set(c, d, &op->u.cpu_policy);
	default:
		return -ENOSYS;
	}
}

/*
 * Whether the caller may change (or at least read) what the operation acts on: registers, memory, policy. Operations
 * that the core does not have are refused to a sealed domain's builder all the same, so that a tool says "not
 * permitted" of what is not, and nobody looks for a newer core that can.
 */
static int may(struct call *c, struct domain *d, u32 cmd)
{
	switch (cmd) {
	case XEN_DOMCTL_max_vcpus:
	case XEN_DOMCTL_set_target:
	case XEN_DOMCTL_settscinfo:
	case XEN_DOMCTL_sethvmcontext:
	case XEN_DOMCTL_set_cpu_policy:
		return d == c->d ? -EPERM : may_build(c, d);
	case XEN_DOMCTL_gethvmcontext:
	case XEN_DOMCTL_gethvmcontext_partial:
	case XEN_DOMCTL_getvcpucontext:
	case XEN_DOMCTL_setvcpucontext:
	case XEN_DOMCTL_get_cpu_policy:
	case XEN_DOMCTL_getpageframeinfo3:
	case XEN_DOMCTL_get_ext_vcpucontext:
	case XEN_DOMCTL_set_ext_vcpucontext:
	case XEN_DOMCTL_getvcpuextstate:
	case XEN_DOMCTL_setvcpuextstate:
	case XEN_DOMCTL_get_vcpu_msrs:
	case XEN_DOMCTL_set_vcpu_msrs:
	case XEN_DOMCTL_shadow_op:
	case XEN_DOMCTL_setdebugging:
	case XEN_DOMCTL_debug_op:
	case XEN_DOMCTL_sendtrigger:
	case XEN_DOMCTL_set_access_required:
	case XEN_DOMCTL_vm_event_op:
	case XEN_DOMCTL_monitor_op:
	case XEN_DOMCTL_mem_sharing_op:
	case XEN_DOMCTL_gdbsx_guestmemio:
	case XEN_DOMCTL_gdbsx_pausevcpu:
	case XEN_DOMCTL_gdbsx_unpausevcpu:
	case XEN_DOMCTL_gdbsx_domstatus:
		return d == c->d ? -EPERM : may_reach(c, d);
	default:
		return 0;
	}
}

static s64 operate(struct call *c, struct domain *d, struct xen_domctl *op)
{
	s64 result = on_any(c, d, op);

	if (result != CALL_AGAIN || op->cmd == XEN_DOMCTL_destroydomain)
		return result;
	if (d->life != LIFE_ALIVE || !xen_of(d))
		return -ESRCH;
	result = on_living(c, d, op);
	if (result != CALL_AGAIN)
		return result;
	return may(c, d, op->cmd) ? -EPERM : on_unsealed(c, d, op);
}

/* (structure) */
s64 do_domctl(struct call *c)
{
	struct xen_domctl op;
	struct domain *d;
	s64 result;

	if (fetch(c, &op, c->arg[0]))
		return -EFAULT;
	if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION)
		return -EACCES;
	if (!c->d->hardware)
		return -EPERM;
	if (op.cmd == XEN_DOMCTL_createdomain) {
		result = domctl_create(c, &op);
	} else if (op.cmd == XEN_DOMCTL_getdomaininfo) {
		result = get_info(c, &op);
	} else {
		d = domain_named(c, op.domain);
		result = d ? operate(c, d, &op) : -ESRCH;
	}
	/* policy errors name their leaf, too */
	if ((!result || op.cmd == XEN_DOMCTL_set_cpu_policy) && store(c, c->arg[0], &op))
		return -EFAULT;
	return result;
}
